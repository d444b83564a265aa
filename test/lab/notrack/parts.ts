/** What `notrack` must come to on every owner's host: it holds, long answers arrive, and it goes without a trace. */
import { expect } from 'vitest'
import { filesOf, liveRules } from './host.ts'
import { duringFlow, readTable } from './load.ts'
import { OWNERS, reloadOwner, settle } from './owners.ts'
import { transfer } from './path.ts'
import type { NotrackHost, Part } from './suite.ts'

export const applies: Part = ({ it }) => {
  it('apply: changed, every check passes, no request fails meanwhile; again there is nothing to do', async host => {
    const seen = await duringFlow(host.vm, async () => {
      await host.apply()
      await host.applyAgain()
    })
    print(host, `during apply ${JSON.stringify(seen)}`)
    expect(seen.failed).toBe(0)
    // Twelve a second: a quick machine is soon done.
    expect(seen.requests).toBeGreaterThan(40)
  })
}

/** Where there is an owner. */
export const outlivesReload: Part = ({ it }) => {
  it('when the owner loads its rules again all of ours are there, once', async host => {
    const { vm, owner, applied } = host
    expect(OWNERS[owner].reloads).not.toEqual([])
    for (const reload of OWNERS[owner].reloads) {
      await reloadOwner(vm, owner, reload)
      expect(await liveRules(vm), reload).toBe(applied.rules)
    }
  })
}

export const holds: Part = ({ it }) => {
  it('after a reboot they are there as well, once, and verify passes', async host => {
    const { vm, owner, applied } = host
    await vm.reboot(vm.host.name)
    await settle(vm, owner)
    expect(await liveRules(vm)).toBe(applied.rules)
    await duringFlow(vm, () => host.verify())
  })

  it('10 MB arrive behind a link of MTU 1400, and leave no entry', async host => {
    const seconds = { v4: await transfer(host.vm, 4), v6: await transfer(host.vm, 6) }
    expect(seconds).toEqual({ v4: expect.any(Number), v6: expect.any(Number) })
    await host.vm.script(LOOPBACK)
    expect((await readTable(host.vm)).web).toEqual({ 4: 0, 6: 0 })
    print(host, `10 MB over MTU 1400 in ${seconds.v4} s and ${seconds.v6} s`)
  })
}

/** The guest as its own client: such packets pass PREROUTING when it is too late for them. */
const LOOPBACK = `for server in 127.0.0.1 '[::1]'; do curl -sf -o /dev/null "http://$server/"; done`

export const goes: Part = ({ it }) => {
  it('rollback: rules and files are byte for byte what they were', async ({ product, vm, before, applied }) => {
    const { result, document } = await product.json(['rollback', applied.run, '--yes'])
    expect(result.exitCode, `${JSON.stringify(document.hosts[0])}\n${result.stderr}`).toBe(0)
    expect(await liveRules(vm)).toBe(before.rules)
    expect(await filesOf(vm)).toBe(before.files)
  })
}

/** A host with one more table that drops what it does not let in, of which nobody knows where it is kept. */
export const declines: Part = ({ it }) => {
  it('where nobody could let the untracked in for good, apply is blocked and touches nothing', async host => {
    const { vm, before } = host
    await vm.script(SHUT)
    const shut = await liveRules(vm)
    const { result, document } = await host.ask()
    expect(document.hosts[0]?.status, JSON.stringify(document.hosts[0])).toBe('blocked')
    expect(document.hosts[0]?.blockers.map(({ code }) => code)).toContain('cuts-off-service')
    expect(result.exitCode).toBe(9)
    expect(await liveRules(vm)).toBe(shut)
    expect(await filesOf(vm)).toBe(before.files)
    await vm.script(OPEN)
  })
}

/** No rule of ours in another table can let in what this one drops. */
const SHUT = `nft -f - <<'END-OF-RULES'
table inet shut {
	chain input {
		type filter hook input priority 10; policy drop;
		iif "lo" accept
		ct state established,related accept
		meta l4proto { icmp, ipv6-icmp } accept
		tcp dport { 22, 80 } ct state new accept
	}
}
END-OF-RULES`
const OPEN = 'nft delete table inet shut'

export function print({ vm, owner }: NotrackHost, text: string): void {
  process.stdout.write(`${vm.name}, ${owner}: ${text}\n`)
}
