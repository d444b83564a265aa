/** The change under live traffic: nobody's request fails, and short connections leave nothing in the table any more. */
import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'vitest'
import { burst, duringFlow, readTable } from './load.ts'
import { applies, print } from './parts.ts'
import type { NotrackHost, Part } from './suite.ts'

const SHORT_CONNECTIONS = 10_000

/** Room for all of them, so that what the table holds says how many were tracked. */
const ROOM = `
echo 16384 >/sys/module/nf_conntrack/parameters/hashsize
sysctl -qw net.netfilter.nf_conntrack_max=65536`

export const underLoad: Part = suite => {
  const { it } = suite
  it('before: ten thousand short connections are thousands of entries', async host => {
    await host.vm.script(ROOM)
    const { failed } = await burst(host.vm, SHORT_CONNECTIONS)
    expect(failed).toBe(0)
    const { all, web } = await readTable(host.vm)
    print(host, `${SHORT_CONNECTIONS} short connections, tracked: ${all} entries`)
    expect(web[4]).toBeGreaterThan(1000)
    expect(web[6]).toBeGreaterThan(1000)
  })

  applies(suite)

  it('after: ten thousand more leave no entry, in either family, and a new login works', async host => {
    await untilForgotten(host)
    const { failed } = await burst(host.vm, SHORT_CONNECTIONS)
    expect(failed).toBe(0)
    const { all, web } = await readTable(host.vm)
    print(host, `${SHORT_CONNECTIONS} short connections, untracked: ${all} entries`)
    expect(web).toEqual({ 4: 0, 6: 0 })
    expect(all).toBeLessThan(100)
    await duringFlow(host.vm, () => host.verify())
  })
}

/** Entries of before are no fault of the rules; they go with the change, or with their time. */
async function untilForgotten({ vm }: NotrackHost, timeoutMs = 130_000): Promise<void> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    const { web } = await readTable(vm)
    if (web[4] + web[6] === 0) return
    if (Date.now() > deadline) throw new Error(`entries of port 80 stay: ${JSON.stringify(web)}`)
    await delay(1000)
  }
}
