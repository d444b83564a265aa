/** Who is killed in the middle, and who comes then: it ends as it was or as it was wanted, never between. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { REMOTE } from '../../src/run/codes.ts'
import type { GuardedHost, StageOptions } from '../support/guarded-host.ts'
import { AFTER, BEFORE, type HeldHost, heldHost, LIVE } from '../support/held-host.ts'
import { commandOf } from '../support/processes.ts'
import { SHELLS } from '../support/shells.ts'

describe.each(SHELLS)('under %s', (_name, shell) => {
  let host: HeldHost
  beforeEach(() => {
    host = heldHost(shell)
  })
  afterEach(() => host[Symbol.dispose]())

  describe('keep is killed in the middle of the files', () => {
    const places: readonly (readonly [string, RegExp, string])[] = [
      ['before anything was written', /still \S+ confirmed && \{ \[?.*stage_file|stage_file/, LIVE],
      [
        'when everything lies beside',
        /still "\$1" confirmed && \{ place_file/,
        `${LIVE} staged new.conf staged old.conf`,
      ],
      [
        'when the first is in place',
        /still "\$1" confirmed && \{ place_file \S*old\.conf/,
        '2 2 2 ours old staged old.conf',
      ],
      ['when all are in place', /still "\$1" confirmed && \{ settle_file/, AFTER],
    ]

    async function killedAt(place: RegExp, left: string): Promise<void> {
      // The last function of the text is the one that runs; the library before it has the same words.
      const options = host.holding(
        'apply.sh',
        new RegExp(`(do_files\\(\\) \\{[\\s\\S]*?)(${place.source})`),
        script => `$1${script} $2`,
      )
      expect(host.stage('RUN', host.changes, options).exitCode).toBe(REMOTE.ok)
      const keep = host.guarding('RUN', 'keep')
      await host.hold.reached()
      host.kill('RUN')
      await keep.ended
      host.hold.open()
      expect(host.state('RUN')).toBe('confirmed')
      expect(host.everything()).toBe(left)
    }

    it.each(places)('%s: asked again it is kept', async (_case, place, left) => {
      await killedAt(place, left)
      expect(host.keep('RUN')).toBe(REMOTE.ok)
      expect(host.state('RUN')).toBe('kept')
      expect(host.everything()).toBe(AFTER)
    })

    it.each(places)('%s: reverted it is as it was', async (_case, place, left) => {
      await killedAt(place, left)
      expect(host.revert('RUN').exitCode).toBe(REMOTE.ok)
      expect(host.everything()).toBe(BEFORE)
    })
  })

  describe('keep is in the middle of the files', () => {
    const keeping = async (): Promise<ReturnType<GuardedHost['guarding']>> => {
      host.stage(
        'RUN',
        host.changes,
        host.holding('apply.sh', /(do_files\(\) \{[\s\S]*?)(place_file \S*new\.conf)/, script => `$1${script} $2`),
      )
      const keep = host.guarding('RUN', 'keep')
      await host.hold.reached()
      return keep
    }

    it('revert comes: no further file is written, all is taken back, and both say so', async () => {
      const keep = await keeping()
      const back = host.guarding('RUN', 'revert')
      await host.becomes('reverting')
      host.hold.open()
      expect((await back.ended).exitCode).toBe(REMOTE.ok)
      expect((await keep.ended).exitCode).toBe(REMOTE.expired)
      expect(host.everything()).toBe(BEFORE)
      expect(host.log('RUN')).toContain('being taken back')
    })

    it('keep is asked for again: the second waits and hears the same', async () => {
      const keep = await keeping()
      const again = host.guarding('RUN', 'keep')
      host.hold.open()
      expect((await keep.ended).exitCode).toBe(REMOTE.ok)
      expect((await again.ended).exitCode).toBe(REMOTE.ok)
      expect(host.everything()).toBe(AFTER)
    })
  })

  describe('somebody is taking it back', () => {
    const inUndo = (): StageOptions =>
      host.holding('undo.sh', /(do_undo\(\) \{[\s\S]*?)(restore_value \S*\/b )/, script => `$1${script} $2`)

    it('and is killed at it: the next ones finish it, but only one of them', async () => {
      const { edit } = inUndo()
      const count = (text: string): string => text.replace('do_undo() {', `do_undo() { echo >>${host.at('undone')};`)
      host.stage('RUN', host.changes, { edit: (name, text) => count(edit?.(name, text) ?? text) })
      host.keep('RUN')
      const first = host.guarding('RUN', 'revert')
      await host.hold.reached()
      host.kill('RUN')
      await first.ended
      host.hold.open()
      expect(host.state('RUN')).toBe('reverting')
      expect(host.everything()).toBe('2 2 1 absent old')
      const next = await Promise.all([host.guarding('RUN', 'revert').ended, host.guarding('RUN', 'keep').ended])
      expect(next.map(({ exitCode }) => exitCode)).toEqual([REMOTE.ok, REMOTE.expired])
      expect(host.state('RUN')).toBe('reverted')
      expect(host.read('undone'), 'the one that was killed, and one more').toBe('\n\n')
      expect(host.everything()).toBe(BEFORE)
    })

    it('and only the one who watches over undo.sh is killed: it is waited for', async () => {
      host.stage('RUN', host.changes, inUndo())
      const first = host.guarding('RUN', 'revert')
      await host.hold.reached()
      const script = host.workers('RUN').filter(pid => commandOf(pid).includes('undo.sh'))
      for (const pid of host.workers('RUN')) if (!script.includes(pid)) process.kill(pid, 'SIGKILL')
      const second = host.guarding('RUN', 'revert')
      host.hold.open()
      await first.ended
      expect((await second.ended).exitCode).toBe(REMOTE.ok)
      expect(host.everything()).toBe(BEFORE)
    })

    it('and others ask for the same: they hear how it ended', async () => {
      host.stage('RUN', host.changes, inUndo())
      const first = host.guarding('RUN', 'expire')
      await host.hold.reached()
      expect(host.status('RUN').get('worker')).toBe('busy')
      const others = [host.guarding('RUN', 'revert').ended, host.guarding('RUN', 'keep').ended]
      host.hold.open()
      expect((await Promise.all(others)).map(({ exitCode }) => exitCode)).toEqual([REMOTE.ok, REMOTE.expired])
      expect((await first.ended).exitCode).toBe(0)
      expect(host.everything()).toBe(BEFORE)
    })
  })
})
