/** Every way an apply can come out, by its status and its exit code. Those that take a lost connection have files of their own. */
import { expect, test } from 'vitest'
import { readOnly } from '../faults/disk.ts'
import { type Document, productFor } from '../product.ts'
import { createDebian, HASHSIZE, MAX, stepwise, withoutRuns } from '../simulated/debian.ts'
import { startSimulated } from '../simulated.ts'
import { APPLY, asRoot, changes, IMPATIENT, NAME, onFleet, only, onStage } from './stage.ts'

const told = ({ hosts }: Document): string[] => hosts.map(({ name, status }) => `${name} ${status}`)

asRoot.concurrent('apply, verdicts', () => {
  test('blocked, exit 9: declined with the reason, and nothing was sent that could change anything', async () => {
    await onStage(async ({ sim, host, product }) => {
      const then = host.tree()
      const { result, document } = await product.json([...APPLY, '--set', 'max=601'])
      const { status, cause, blockers } = only(document)
      expect({ status, cause }, result.stdout).toEqual({ status: 'blocked', cause: null })
      expect(blockers[0]?.message).toContain('601')
      expect(result.exitCode).toBe(9)
      expect([changes(sim), sim.counts.execs]).toEqual([0, 1])
      expect(host.tree()).toEqual(then)
    })
  })

  test('blocked, exit 8: another run is in the middle of its change; who, since when, and what it waits for', async () => {
    await onStage(async ({ product, before }) => {
      const seconds: Promise<{ readonly result: { readonly exitCode: number }; readonly document: Document }>[] = []
      before(async n => {
        if (n !== 3) return
        const second = product.json(APPLY)
        seconds.push(second)
        await second
      })
      const first = await product.json(APPLY)
      expect(only(first.document).status, first.result.stdout).toBe('changed')
      expect(first.result.exitCode).toBe(0)
      const [second] = await Promise.all(seconds)
      if (!second) throw new Error('there was no second run')
      expect(only(second.document)).toMatchObject({ status: 'blocked', cause: 'locked' })
      expect(second.result.exitCode).toBe(8)
      const what = `locked by run ${first.document.run} of `
      expect(only(second.document).error?.message).toContain(what)
      expect(only(second.document).error?.message).toMatch(
        /of \S+@\S+ \(pid \d+\) since \d{4}-\d\d-\d\dT\S+: its change is not confirmed yet, \d+ s are left$/,
      )
    })
  })

  test('four runs at once: one changes the host, the others are refused or find nothing to do', async () => {
    await onStage(async ({ host, product }) => {
      const runs = await Promise.all([1, 2, 3, 4].map(() => product.json(APPLY)))
      const codes = runs.map(({ document }) => `${document.exit_code} ${only(document).status} ${only(document).cause}`)
      expect(
        codes.filter(code => code === '0 changed null'),
        codes.join('; '),
      ).toHaveLength(1)
      for (const code of codes) expect(code).toMatch(/^(0 changed null|0 ok null|8 blocked locked|7 failed stale)$/)
      const again = await product.json(APPLY)
      expect(only(again.document).status, again.result.stdout).toBe('ok')
      expect(host.read(HASHSIZE)).toBe(host.read(MAX))
    })
  })

  test('failed, exit 1: no guard could be armed, so nothing was changed', async () => {
    await onStage(async ({ host, product }) => {
      const then = host.tree()
      for (const tool of ['setsid', 'sleep']) {
        host.put(`/usr/sbin/${tool}`, { content: '#!/bin/sh\nexit 1\n', mode: 0o755 })
      }
      const { result, document } = await product.json(APPLY)
      expect(only(document), result.stdout).toMatchObject({ status: 'failed', cause: null })
      expect(only(document).error?.message).toMatch(/^nothing was changed: no guard could be armed/)
      expect(result.exitCode).toBe(1)
      expect(withoutRuns(host.tree())).toEqual(then)
    })
  })

  test('rolled-back, exit 4: one live value cannot be set, so the other went back', async () => {
    using stack = new DisposableStack()
    await onStage(async ({ host, product, before }) => {
      const then = host.tree()
      before(n => {
        // As a kernel that lets everybody read and nobody write.
        if (n === 2) stack.use(readOnly(host, MAX))
      })
      const { result, document } = await product.json(APPLY)
      stack.dispose()
      expect(only(document).status, result.stdout).toBe('rolled-back')
      expect(only(document).error?.message).toContain(
        `a change failed and all was taken back: cannot write 4096 to ${MAX}`,
      )
      expect(result.exitCode).toBe(4)
      expect(withoutRuns(host.tree())).toEqual(then)
    })
  })

  test('unreachable, exit 3', async () => {
    await onStage(async ({ sim, host, product }) => {
      const then = host.tree()
      await sim.failConnect('refuse')
      const { result, document } = await product.json([...APPLY, ...IMPATIENT])
      expect(only(document).status, result.stdout).toBe('unreachable')
      expect(result.exitCode).toBe(3)
      expect(host.tree()).toEqual(then)
    })
  })

  test('skipped: a host that its owner excludes, with the reason; the others decide the exit code', async () => {
    using host = createDebian()
    await using lab = await startSimulated(2, { answer: host.answer })
    const hosts = lab.hosts().map(entry => {
      const vars = { ...entry.vars, ctfix_exclude: 'moves to another rack' }
      return entry.name === 'sim-2' ? { ...entry, vars } : entry
    })
    using product = productFor(lab, hosts)
    const { result, document } = await product.json(APPLY)
    expect(told(document), result.stderr).toEqual(['sim-1 changed', 'sim-2 skipped'])
    expect(document.hosts[1]).toMatchObject({
      cause: 'excluded',
      error: { message: 'excluded: moves to another rack' },
    })
    expect(result.exitCode).toBe(0)
    expect(lab.host('sim-2').counts.connections).toBe(0)
  })

  test('the worst of the hosts is the exit code: rollback-failed over rolled-back over failed', async () => {
    using stack = new DisposableStack()
    await onFleet(3, async ({ lab, hosts, product }) => {
      const [first, second, third] = hosts
      if (!first || !second || !third) throw new Error('too few hosts')
      lab.host('sim-1').answer(stepwise(first.answer, n => n === 2 && first.put(MAX, '700\n')))
      lab.host('sim-2').answer(stepwise(second.answer, n => n === 2 && lab.host('sim-2').failConnect('refuse')))
      // Once it is changed it can be changed no more.
      lab.host('sim-3').answer(
        stepwise(third.answer, n => {
          if (n === 3) stack.use(readOnly(third, MAX))
          if (n === 3) third.drop()
          if (n === 4) throw new Error(`${NAME}: it was cured all the same`)
        }),
      )
      const { result, document } = await product.json([...APPLY, ...IMPATIENT])
      stack.dispose()
      expect(told(document), result.stdout).toEqual(['sim-1 failed', 'sim-2 rolled-back', 'sim-3 rollback-failed'])
      expect(result.exitCode).toBe(5)
    })
  })
})
