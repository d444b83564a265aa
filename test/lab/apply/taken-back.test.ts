/** apply that must not stay: not cured, nobody comes in any more, a file cannot be written. The host is as before. */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { HASHSIZE, MAX, withoutRuns } from '../simulated/debian.ts'
import { APPLY, asRoot, changes, contentsOf, IMPATIENT, only, onStage, reverts } from './stage.ts'

asRoot.concurrent('apply, taken back', () => {
  test('a cure that does not cure is taken back: exit 4, the host as before', async () => {
    await onStage(async ({ sim, host, product, before }) => {
      let then = host.tree()
      before((n, { command }) => {
        if (n !== 3 || !/ -- [0-9a-f]{16} 1 /.test(command)) return
        setTimeout(() => {
          host.drop()
          then = { ...then, '/proc/net/stat/nf_conntrack': host.tree()['/proc/net/stat/nf_conntrack'] ?? '' }
        }, 500)
      })
      const { result, document } = await product.json(APPLY)
      expect(only(document).status, result.stdout).toBe('rolled-back')
      expect(only(document).error?.message).toMatch(/^not cured: drops-still: drop \+[\d,]+ in /)
      expect(result.exitCode).toBe(4)
      expect(withoutRuns(host.tree())).toEqual(withoutRuns(then))
      expect([changes(sim), reverts(sim)]).toEqual([1, 1])
      const events = contentsOf(join(product.directory, 'state')).get('events.ndjson') ?? ''
      expect(events.match(/"step":"\w+"|"outcome"/g)).toEqual(['"step":"apply"', '"step":"undo"', '"outcome"'])
    })
  })

  test.for(['refuse', 'close', 'deny', 'wrong-key'] as const)(
    'after the change no new connection (%s): taken back over the old one',
    async fault => {
      await onStage(async ({ lab, sim, host, product, before }) => {
        const then = host.tree()
        before(n => (n === 2 ? sim.failConnect(fault) : undefined))
        const { result, document } = await product.json([...APPLY, ...IMPATIENT])
        expect(only(document).status, result.stdout).toBe('rolled-back')
        expect(only(document).error?.message).toMatch(
          /^no new connection after the change: (cannot connect to|the host key of) 127/,
        )
        expect(result.exitCode).toBe(4)
        expect(lab.totals().execs).toBe(3)
        expect(withoutRuns(host.tree())).toEqual(then)
      })
    },
  )

  test('undo fails: rollback-failed, exit 5, and where to look', async () => {
    await onStage(async ({ host, product, before }) => {
      before(n => {
        if (n !== 3) return
        // Nobody can read or write a directory: not even root, who passes every test of modes.
        rmSync(join(host.root, MAX))
        mkdirSync(join(host.root, MAX))
      })
      const { result, document } = await product.json(APPLY)
      const { status, error } = only(document)
      expect(status, result.stdout).toBe('rollback-failed')
      expect(error?.message).toContain('taking it back failed: ')
      expect(contentsOf(join(host.root, 'var/lib/ctfix', document.run)).get('log')).toContain(`cannot read ${MAX}`)
      expect(error?.hint).toContain(`/var/lib/ctfix/${document.run}`)
      expect(result.exitCode).toBe(5)
      // What could be taken back was.
      expect(host.read(HASHSIZE)).toBe('2560\n')
    })
  })

  test('a file that cannot be written: the live values go back too', async () => {
    await onStage(async ({ host, product, before }) => {
      let then = host.tree()
      before(n => {
        if (n !== 4) return
        rmSync(join(host.root, 'etc/modprobe.d'), { recursive: true })
        host.put('/etc/modprobe.d', 'not a directory\n')
        const changed = Object.entries(host.tree()).filter(([path]) => path.startsWith('/etc/modprobe.d'))
        const kept = Object.entries(then).filter(([path]) => !path.startsWith('/etc/modprobe.d'))
        then = Object.fromEntries([...kept, ...changed])
      })
      const { result, document } = await product.json(APPLY)
      expect(only(document).status, result.stdout).toBe('rolled-back')
      expect(only(document).error?.message).toContain('a change failed and all was taken back')
      expect(result.exitCode).toBe(4)
      expect(withoutRuns(host.tree())).toEqual(withoutRuns(then))
    })
  })
})
