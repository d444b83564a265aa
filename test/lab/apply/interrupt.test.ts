/** Ctrl-C in the middle of an apply: the first lets hosts in flight come to their end, the second leaves at once. */
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import type { Document } from '../product.ts'
import { startProgram } from '../simulated/child.ts'
import { MAX, stepwise, withoutRuns } from '../simulated/debian.ts'
import { APPLY, asRoot, contentsOf, NAME, onFleet, onStage, SOON } from './stage.ts'

asRoot.concurrent('apply, Ctrl-C', () => {
  test('once during a change: that host is brought to its end, the next is not touched; exit 130', async () => {
    await onFleet(2, async ({ lab, hosts, product }) => {
      const [first, second] = hosts
      if (!first || !second) throw new Error('too few hosts')
      const untouched = second.tree()
      const child = startProgram(product, [...APPLY, '--forks', '1', '--output', 'json', '-v'])
      lab.host('sim-1').answer(stepwise(first.answer, n => n === 2 && child.interrupt()))
      const { exitCode, stdout } = await child.ended
      expect(exitCode).toBe(130)
      const document: Document = JSON.parse(stdout)
      expect(document.hosts.map(({ status }) => status)).toEqual(['changed', 'skipped'])
      expect(second.tree()).toEqual(untouched)
      expect(first.read('/etc/sysctl.d/99-zz-ctfix.conf')).toContain('nf_conntrack_max')
    })
  })

  test('twice during a proof: leaves at once; the host takes itself back, nobody helping, when its time is over', async () => {
    await onStage(async ({ host, product, before }) => {
      const then = host.tree()
      const child = startProgram(product, [...APPLY, ...SOON, '--output', 'json'])
      let changed = Number.NaN
      let asked = Number.NaN
      const twice = async (): Promise<void> => {
        changed = performance.now()
        child.interrupt()
        await child.says(/interrupted/)
        asked = performance.now()
        child.interrupt()
      }
      before(n => n === 3 && twice())
      const { exitCode } = await child.ended
      expect(performance.now() - asked).toBeLessThan(5_000)
      expect(exitCode).toBe(130)
      expect(Number(host.read(MAX))).toBeGreaterThan(600)
      await vi.waitFor(() => expect(withoutRuns(host.tree())).toEqual(then), { timeout: 40_000, interval: 100 })
      expect(performance.now() - changed).toBeLessThan(40_000)
    })
  })

  test('twice during a proof: it says which host is left and the way back, which works', async () => {
    await onFleet(1, async ({ lab, hosts, product }) => {
      const [host] = hosts
      if (!host) throw new Error('too few hosts')
      const then = host.tree()
      const child = startProgram(product, [...APPLY, '--window', '2s', '--output', 'json'])
      const twice = async (): Promise<void> => {
        child.interrupt()
        await child.says(/interrupted/)
        child.interrupt()
      }
      lab.host(NAME).answer(stepwise(host.answer, n => n === 3 && twice()))
      const { exitCode, stderr } = await child.ended
      expect(exitCode).toBe(130)
      const [, wayBack = 'exit 99'] = /^ctfix: sim-1: left in the middle of a change; .*: (sh .*)$/m.exec(stderr) ?? []
      expect(Number(host.read(MAX))).toBeGreaterThan(600)
      expect(await host.inspect(wayBack)).toMatchObject({ exitCode: 0 })
      expect(withoutRuns(host.tree())).toEqual(then)
      const events = contentsOf(join(product.directory, 'state')).get('events.ndjson') ?? ''
      expect(events).toContain('"step":"apply"')
      expect(events).not.toContain('"outcome"')
    })
  })
})
