/** The change under live traffic: nobody's request fails, and short connections leave nothing in the table any more. */
import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'vitest'
import type { Suite } from '../suite.ts'
import { burst, duringFlow, readTable } from './load.ts'
import { applies, print } from './parts.ts'
import type { NotrackHost, Part } from './suite.ts'

/** One run shows the great number; elsewhere enough of them that a rule which tracks a few could not hide. */
const MANY = 10_000
const ENOUGH = 3000

/** Room for all of them, so that what the table holds says how many were tracked. */
const ROOM = `
echo 16384 >/sys/module/nf_conntrack/parameters/hashsize
sysctl -qw net.netfilter.nf_conntrack_max=65536`

export const underLoad: Part = suite => shortConnections(suite, ENOUGH)

/** The same with ten thousand, which takes a minute. */
export const underGreatLoad: Part = suite => shortConnections(suite, MANY)

function shortConnections(suite: Suite<NotrackHost>, connections: number): void {
  const { it } = suite
  it(`before: ${connections} short connections leave their entries in the table`, async host => {
    await host.vm.script(ROOM)
    const { failed } = await burst(host.vm, connections)
    expect(failed).toBe(0)
    const { all, web } = await readTable(host.vm)
    print(host, `${connections} short connections, tracked: ${all} entries`)
    expect(web[4]).toBeGreaterThan(connections / 10)
    expect(web[6]).toBeGreaterThan(connections / 10)
  })

  applies(suite)

  it(`after: ${connections} more leave no entry, in either family, and a new login works`, async host => {
    await untilForgotten(host)
    const { failed } = await burst(host.vm, connections)
    expect(failed).toBe(0)
    const { all, web } = await readTable(host.vm)
    print(host, `${connections} short connections, untracked: ${all} entries`)
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
