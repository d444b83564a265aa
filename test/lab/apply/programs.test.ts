/** How many programs a host has to start for an apply: on a small one, or one with a full table, that is what it costs. */
import { readdirSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { FakeHost } from '../simulated/debian.ts'
import { APPLY, asRoot, only, onStage } from './stage.ts'

const STARTED = '/dev/started'
/** How often it asks the time is a matter of how long all of it takes. */
const WAITS = ['sleep']
/** Shells, and the applet that all others are. */
const OWN = ['sh', 'ash', 'hush', 'dash', 'busybox']

/** As counted; whoever needs one more has to say so here. */
const MOST = { look: 18, apply: 112 } as const

/** Makes every program of the host write its name down before it runs. */
function watch(host: FakeHost): void {
  const wrap = (path: string, real: string): void => {
    const name = path.slice(path.lastIndexOf('/') + 1)
    // The kernel starts these scripts by a shell that nobody counts.
    host.put(path, { content: `#!/bin/dash\necho ${name} >>${STARTED}\nexec ${real} "$@"\n`, mode: 0o755 })
  }
  renameSync(join(host.root, 'bin/sh'), join(host.root, 'bin/dash'))
  wrap('/bin/sh', '/bin/dash')
  const tools = readdirSync(join(host.root, 'usr/sbin'))
  for (const name of tools) {
    renameSync(join(host.root, 'usr/sbin', name), join(host.root, 'usr/sbin', `.${name}`))
    wrap(`/usr/sbin/${name}`, `/usr/sbin/.${name}`)
  }
  for (const name of readdirSync(join(host.root, 'bin')))
    if (!tools.includes(name) && !OWN.includes(name)) wrap(`/usr/sbin/${name}`, `/bin/busybox ${name}`)
}

/** What it started, and how often; then it begins anew. */
function started(host: FakeHost): { readonly total: number; readonly names: Readonly<Record<string, number>> } {
  const all = readFileSync(join(host.root, STARTED), 'utf8').split('\n')
  host.put(STARTED, '')
  const names: Record<string, number> = {}
  for (const name of all.filter(one => one !== '' && !WAITS.includes(one))) names[name] = (names[name] ?? 0) + 1
  return { total: Object.values(names).reduce((sum, n) => sum + n, 0), names }
}

asRoot('a host starts few programs', () => {
  test('for a look, and for an apply of raise: no more than when it was last counted', async () => {
    await onStage(async ({ host, product }) => {
      watch(host)
      await product.json(['facts'])
      const look = started(host)
      const { document, result } = await product.json(APPLY)
      expect(only(document), result.stderr).toMatchObject({ status: 'changed', error: null })
      const apply = started(host)
      expect(look.total, JSON.stringify(look.names)).toBeGreaterThan(5)
      expect(look.total, JSON.stringify(look.names)).toBeLessThanOrEqual(MOST.look)
      expect(apply.total, JSON.stringify(apply.names)).toBeGreaterThan(3 * look.total)
      expect(apply.total, JSON.stringify(apply.names)).toBeLessThanOrEqual(MOST.apply)
    })
  })
})
