/** Hosts that nobody can ask again until their guard has fired: unknown, and they are back all the same. Each takes as long. */
import { expect, test } from 'vitest'
import { withoutRuns } from '../simulated/debian.ts'
import { applyWith } from './impatient.ts'
import { APPLY, asRoot, IMPATIENT, NAME, only, onStage, SOON } from './stage.ts'

asRoot.concurrent('apply, lost for good', () => {
  test('during the change, and nobody can ask until long after: unknown, exit 5; the host took itself back', async () => {
    await onStage(async ({ lab, sim, host, product, before }) => {
      const then = host.tree()
      before(async n => {
        if (n !== 2) return
        await sim.failConnect('refuse')
        sim.failExec({ kind: 'drop', afterBytes: 0 }, 1)
        await lab.sever(NAME)
      })
      const { result, document } = await product.json([...APPLY, ...SOON, ...IMPATIENT])
      const { status, error } = only(document)
      expect(status, result.stdout).toBe('unknown')
      expect(error?.message).toMatch(
        /the connection was lost while a command ran.*guard takes it back by itself.*refused/,
      )
      expect(error?.hint).toContain(`ctfix facts --limit ${NAME}`)
      expect(result.exitCode).toBe(5)
      const [, command = 'exit 99'] = /on the host: (.*)$/.exec(error?.hint ?? '') ?? []
      const { stdout, exitCode } = await host.inspect(command)
      expect(exitCode).toBe(0)
      expect(stdout).toMatch(/^state reverted$/m)
      expect(withoutRuns(host.tree())).toEqual(then)
    })
  })

  test('both during the proof and no other comes: unknown, exit 5, both reasons; the host took itself back', async () => {
    await onStage(async ({ lab, sim, host, product, before }) => {
      const then = host.tree()
      before(async n => {
        if (n !== 3) return
        await sim.failConnect('refuse')
        await lab.sever(NAME)
      })
      const { result, document } = await product.json([...APPLY, ...SOON, ...IMPATIENT])
      const { status, error } = only(document)
      expect(status, result.stdout).toBe('unknown')
      expect(error?.message).toMatch(/could not be proved: .*; its guard takes it back by itself.*refused/)
      expect(result.exitCode).toBe(5)
      expect(withoutRuns(host.tree())).toEqual(then)
    })
  })

  test('while the files are written, and nobody can ask: unknown, exit 5; what the hint says to run tells that it is kept', async () => {
    await onStage(async ({ lab, sim, host, product, before }) => {
      before(async n => {
        if (n !== 4) return
        await sim.failConnect('refuse')
        await lab.sever(NAME)
      })
      const { result, document } = await product.json([...APPLY, ...SOON, ...IMPATIENT])
      const { status, error } = only(document)
      expect(status, result.stdout).toBe('unknown')
      expect(result.exitCode).toBe(5)
      const [, command = 'exit 99'] = /on the host: (.*)$/.exec(error?.hint ?? '') ?? []
      expect(await host.inspect(command)).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^state kept$/m) })
    })
  })

  test('whatever is asked after the change hangs: unknown once the guard must have fired, and it has', async () => {
    await onStage(async ({ lab, sim, host, before }) => {
      const then = host.tree()
      before(n => {
        if (n === 2) sim.failExec({ kind: 'hang' })
      })
      const { status, error } = await applyWith(lab, n => (n >= 3 ? 300 : 20_000))
      expect(status).toBe('unknown')
      expect(error?.message).toContain('could not be proved')
      expect(error?.hint).toMatch(/on the host: sh \S+\/guard\.sh status /)
      expect(withoutRuns(host.tree())).toEqual(then)
    })
  })
})
