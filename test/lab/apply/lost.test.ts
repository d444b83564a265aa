/** Connections that die, or go mute, on the way: the host is asked again, and what it says is what is reported. */
import { expect, test, vi } from 'vitest'
import { MAX, withoutRuns } from '../simulated/debian.ts'
import { applyWith } from './impatient.ts'
import { APPLY, asRoot, changes, IMPATIENT, NAME, only, onStage, reverts, SOON } from './stage.ts'

asRoot.concurrent('apply, connections lost', () => {
  test('during the change: asked over a new one, taken back, never sent twice', async () => {
    await onStage(async ({ lab, sim, host, product, before }) => {
      const then = host.tree()
      before(n => {
        if (n === 1) sim.failExec({ kind: 'drop', afterBytes: 0 }, 1)
      })
      const { result, document } = await product.json(APPLY)
      expect(only(document).status, result.stdout).toBe('rolled-back')
      expect(only(document).error?.message).toContain('the connection was lost while a command ran')
      expect(result.exitCode).toBe(4)
      expect(lab.totals()).toMatchObject({ handshakes: 2, execs: 3 })
      expect([changes(sim), reverts(sim)]).toEqual([1, 1])
      expect(withoutRuns(host.tree())).toEqual(then)
    })
  })

  test('during the proof: taken back over the old connection', async () => {
    await onStage(async ({ lab, sim, host, product, before }) => {
      const then = host.tree()
      before(n => {
        if (n === 2) sim.failExec({ kind: 'drop', afterBytes: 100 }, 1)
      })
      const { result, document } = await product.json(APPLY)
      expect(only(document).status, result.stdout).toBe('rolled-back')
      expect(only(document).error?.message).toContain('could not be proved: the connection was lost')
      expect(result.exitCode).toBe(4)
      expect(lab.totals()).toMatchObject({ handshakes: 2, execs: 4 })
      expect(withoutRuns(host.tree())).toEqual(then)
    })
  })

  test('both during the proof: taken back over a third', async () => {
    await onStage(async ({ lab, sim, host, product, before }) => {
      const then = host.tree()
      before(n => (n === 3 ? lab.sever(NAME) : undefined))
      const { result, document } = await product.json(APPLY)
      expect(only(document).status, result.stdout).toBe('rolled-back')
      expect(result.exitCode).toBe(4)
      expect(lab.totals().handshakes).toBe(3)
      expect([changes(sim), reverts(sim)]).toEqual([1, 1])
      expect(withoutRuns(host.tree())).toEqual(then)
    })
  })

  test('the network is away until the guard has fired: rolled-back, as the host says', async () => {
    await onStage(async ({ lab, sim, host, product, before }) => {
      const then = host.tree()
      before(async n => {
        if (n !== 3) return
        await sim.failConnect('refuse')
        await lab.sever(NAME)
        setTimeout(() => void sim.heal(), 10_000)
      })
      const { result, document } = await product.json([...APPLY, ...SOON, ...IMPATIENT])
      expect(only(document).status, result.stdout).toBe('rolled-back')
      expect(result.exitCode).toBe(4)
      expect(await host.inspect(`cat /var/lib/ctfix/${document.run}/log`)).toMatchObject({
        stdout: expect.stringContaining('not confirmed in time'),
      })
      expect(withoutRuns(host.tree())).toEqual(then)
    })
  })

  test('while the files are written: asked again over another, changed, written once more at most', async () => {
    await onStage(async ({ lab, sim, host, product, before }) => {
      before(n => {
        if (n === 3) sim.failExec({ kind: 'drop', afterBytes: 0 }, 1)
      })
      const { result, document } = await product.json(APPLY)
      expect(only(document), result.stdout).toMatchObject({ status: 'changed', error: null })
      expect(result.exitCode).toBe(0)
      expect(lab.totals().execs).toBe(5)
      expect([changes(sim), reverts(sim)]).toEqual([1, 0])
      expect(host.read('/etc/sysctl.d/99-zz-ctfix.conf')).toContain(host.read(MAX).trim())
    })
  })

  test('the server runs no second command on a connection: nothing was sent, so unreachable and not unknown', async () => {
    await onStage(async ({ sim, host, product, before }) => {
      const then = host.tree()
      before(n => {
        if (n === 1) sim.failExec({ kind: 'no-session' }, 100)
      })
      const { result, document } = await product.json(APPLY)
      expect(only(document).status, result.stdout).toBe('unreachable')
      expect(result.exitCode).toBe(3)
      expect(host.tree()).toEqual(then)
    })
  })

  test('the server takes the proof but not the command that writes the files: sent over the other connection', async () => {
    await onStage(async ({ sim, product, before }) => {
      before(n => {
        if (n === 3) sim.failExec({ kind: 'no-session' }, 1)
      })
      const { result, document } = await product.json(APPLY)
      expect(only(document).status, result.stdout).toBe('changed')
      expect(result.exitCode).toBe(0)
      expect(sim.counts.handshakes).toBe(2)
    })
  })

  test('the change hangs and is never begun: failed, nothing was changed, not sent again', async () => {
    await onStage(async ({ lab, sim, host, before }) => {
      const then = host.tree()
      before(n => {
        if (n === 1) sim.failExec({ kind: 'hang' }, 1)
      })
      const { status, error } = await applyWith(lab, n => (n === 2 ? 300 : 20_000))
      expect(status).toBe('failed')
      expect(error?.message).toBe('nothing was changed: gave up on a command after 0.3s: what it did is not known')
      expect(changes(sim)).toBe(0)
      expect(host.tree()).toEqual(then)
      await vi.waitFor(() => expect(lab.openConnections()).toBe(0))
    })
  })

  test('the proof hangs: taken back over the old connection', async () => {
    await onStage(async ({ lab, sim, host, before }) => {
      const then = host.tree()
      before(n => {
        if (n === 2) sim.failExec({ kind: 'hang' }, 1)
      })
      const { status, error } = await applyWith(lab, n => (n === 3 ? 300 : 20_000))
      expect(status).toBe('rolled-back')
      expect(error?.message).toContain('could not be proved: gave up on a command')
      expect(withoutRuns(host.tree())).toEqual(then)
    })
  })
})
