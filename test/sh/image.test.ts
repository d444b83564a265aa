/** The image of boot is made anew and put back byte for byte under every shell, by stub tools. */
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { InitramfsChange } from '../../src/change/change.ts'
import { invert } from '../../src/change/change.ts'
import * as initramfs from '../../src/change/initramfs.ts'
import { expectScript, lookScript, undoScript } from '../../src/change/kinds.ts'
import type { Script } from '../../src/lang/sh.ts'
import { SHELLS, Stage } from '../facts/stage.ts'
import { parseLook } from '../support/looks.ts'
import { hastyLibrary } from '../support/shells.ts'

const RUNS = '/var/lib/ctfix'
const OLD = `old image ${'x'.repeat(300)}\n`
const NEW = `new image ${'y'.repeat(300)}\n`
const MAKE = 'cat /etc/new-image'
const df = (kib: number): string =>
  `printf 'Filesystem 1024-blocks Used Available Capacity Mounted\\n/dev/x 9 9 ${kib} 9%% /\\n'`

const MAKERS = [
  ['/boot/initrd.img-6.1.0-9', 'update-initramfs', `[ "$*" = '-u -k 6.1.0-9' ] && ${MAKE} >/boot/initrd.img-6.1.0-9`],
  ['/boot/initramfs-5.14.0.img', 'dracut', `[ "$1 $3" = '-f 5.14.0' ] && ${MAKE} >"$2"`],
  ['/boot/initramfs-virt', 'mkinitfs', `[ "$1 $3" = '-o 6.6.1-0-virt' ] && ${MAKE} >"$2"`],
] as const

describe.each(SHELLS)('image.sh under %s', shell => {
  describe.each(MAKERS)('%s', (path, tool, text) => {
    const change: InitramfsChange = {
      kind: 'initramfs',
      layer: 'persistent',
      target: path,
      before: 'holds nf_conntrack',
      after: 'rebuilt',
      why: 'w',
    }
    let stage: Stage

    beforeEach(() => {
      stage = new Stage(
        {
          files: { [path]: OLD, '/etc/new-image': NEW },
          directories: [`${RUNS}/1/snapshot`, `${RUNS}/2/snapshot`],
          programs: ['cp', 'rm', 'chmod', 'wc', 'head', 'sha256sum'],
          tools: {
            [tool]: text,
            df: df(4096),
            sync: ':',
            uname: 'echo 6.6.1-0-virt',
            lsinitramfs: 'echo "$1"; [ -s "$1" ]',
          },
        },
        shell,
      )
    })
    afterEach(() => stage[Symbol.dispose]())

    function run(id: number, ...scripts: readonly Script[]) {
      const body = scripts.map(script => `  { ${script.text}; } || return 1`).join('\n')
      return stage.run(`${hastyLibrary()}\nmain() {\n${body}\n}\nmain ${RUNS}/${id} </dev/null\n`)
    }
    const copy = (id: number) =>
      stage.run(`${hastyLibrary()}\ncd ${RUNS}/${id}/snapshot && ${initramfs.copy(change).text}\n`)
    const read = (): string => readFileSync(stage.path(path), 'utf8')
    const said = (id = 1): string => run(id, lookScript(change)).stdout

    it('is made anew, known as ours, and put back to the byte', () => {
      const before = said()
      expect(parseLook(change, before)).toEqual({ state: 'holds nf_conntrack' })
      expect(run(1, expectScript(change), initramfs.prepare(change))).toMatchObject({ status: 0, stderr: '' })
      expect(copy(1).status).toBe(0)
      const steps = [initramfs.expectEither(change), initramfs.render(change)]
      expect(run(1, ...steps, ...steps)).toMatchObject({ status: 0, stderr: '' })
      expect(read()).toBe(NEW)
      expect(parseLook(change, said())).toEqual({ state: 'rebuilt' })
      // Without a run directory, as a probe looks.
      const probed = stage.run(`${hastyLibrary()}\nmain() { ${lookScript(change).text}; }\nmain </dev/null\n`)
      expect(parseLook(change, probed.stdout)).toEqual({ state: 'rebuilt' })
      expect(run(1, undoScript(change), undoScript(change))).toMatchObject({ status: 0, stderr: '' })
      expect(read()).toBe(OLD)
      expect(said()).toBe(before)
    })

    it('goes back by a later run, from the copy of the first', () => {
      copy(1)
      run(1, initramfs.render(change))
      const back = invert(change)
      expect(run(2, expectScript(back)).status).toBe(0)
      copy(2)
      expect(run(2, initramfs.render(back))).toMatchObject({ status: 0, stderr: '' })
      expect(read()).toBe(OLD)
      expect(parseLook(change, said(2))).toEqual({ state: 'holds nf_conntrack' })
      expect(run(2, undoScript(back)).status).toBe(0)
      expect(read()).toBe(NEW)
      expect(parseLook(change, said(2))).toEqual({ state: 'rebuilt' })
    })

    it('is left to whoever made it since', () => {
      copy(1)
      run(1, initramfs.render(change))
      stage.write(path, 'by the package of a kernel')
      expect(parseLook(change, said())).toEqual({ state: 'made anew by somebody else' })
      expect(run(1, expectScript(invert(change))).status).toBe(1)
      expect(run(1, undoScript(change))).toMatchObject({
        status: 1,
        stderr: expect.stringContaining('made anew by somebody else since: left as it is'),
      })
      expect(read()).toBe('by the package of a kernel')
    })

    it.each([
      ['the tool fails', () => stage.write(`/usr/sbin/${tool}`, '#!/bin/sh\nexit 1\n', 0o755)],
      ['the new one is cut off', () => stage.write('/etc/new-image', 'short')],
      ['the new one cannot be listed', () => stage.write('/usr/sbin/lsinitramfs', '#!/bin/sh\n:\n', 0o755)],
    ])('is back as it was when %s', (_what, spoil) => {
      copy(1)
      spoil()
      expect(run(1, initramfs.render(change)).status).toBe(1)
      expect(run(1, undoScript(change)).status).toBe(0)
      expect(read()).toBe(OLD)
      expect(existsSync(stage.path(`${path}.ctfix-new`))).toBe(false)
    })

    it('is not touched where there is no room, or nothing that makes it', () => {
      stage.write('/usr/sbin/df', `#!/bin/sh\n${df(0)}\n`, 0o755)
      expect(run(1, initramfs.prepare(change))).toMatchObject({ status: 1, stderr: expect.stringContaining('no room') })
      stage.write('/usr/sbin/df', `#!/bin/sh\n${df(4096)}\n`, 0o755)
      // There the stage makes functions of tools, which stay.
      if (shell === 'busybox sh') return
      rmSync(stage.path(`/usr/sbin/${tool}`))
      expect(run(1, initramfs.prepare(change))).toMatchObject({
        status: 1,
        stderr: expect.stringContaining('nothing here that makes'),
      })
      expect(run(1, undoScript(change)).status).toBe(0)
      expect(read()).toBe(OLD)
    })
  })
})
