/** Two at once, and whoever is cut off in the middle: it ends as it was or as it was wanted, never between. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Change } from '../../src/change/change.ts'
import { REMOTE } from '../../src/run/codes.ts'
import { fileChange, valueChange } from '../support/changes.ts'
import { type Gate, gate } from '../support/gate.ts'
import { commandOf, type GuardedHost, guardedHost, type StageOptions } from '../support/guarded-host.ts'
import { SHELLS } from '../support/shells.ts'

describe.each(SHELLS)('under %s', (_name, shell) => {
  let host: GuardedHost
  let changes: readonly Change[]
  let hold: Gate

  beforeEach(() => {
    host = guardedHost(shell)
    for (const name of ['a', 'b', 'c']) host.write(name, '1\n')
    host.write('old.conf', 'old\n')
    changes = [
      ...['a', 'b', 'c'].map(name => valueChange(host.at(name), '1', '2')),
      fileChange(host.at('new.conf'), null, 'ours\n'),
      fileChange(host.at('old.conf'), 'old\n', 'ours\n'),
    ]
    hold = gate(host.at('hold'))
  })
  afterEach(() => host[Symbol.dispose]())

  const everything = (): string =>
    ['a', 'b', 'c', 'new.conf', 'old.conf']
      .map(name => (host.exists(name) ? host.read(name).trim() : 'absent'))
      .concat(['new.conf', 'old.conf'].flatMap(name => (host.exists(`${name}.ctfix-new`) ? [`staged ${name}`] : [])))
      .join(' ')
  const before = '1 1 1 absent old'
  const live = '2 2 2 absent old'
  const after = '2 2 2 ours ours'
  const until = (isSo: () => void): Promise<void> => vi.waitFor(isSo, { timeout: 10_000, interval: 10 })
  /** Lets time pass, so much at a time, until something is so. */
  const pass = (seconds: number, isSo: () => void): Promise<void> => {
    let now = 1000
    return until(() => {
      try {
        isSo()
      } catch (error) {
        now += seconds
        host.setUptime(now)
        throw error
      }
    })
  }
  const becomes = (state: string): Promise<void> => until(() => expect(host.state('RUN')).toBe(state))

  /** Stands still in that staged file, in front of (or with `$&` behind) the first match. */
  const holding = (file: string, place: RegExp, replacement = (script: string) => `${script} $&`): StageOptions => ({
    edit: (name, text) => {
      if (name !== file) return text
      expect(text).toMatch(place)
      return text.replace(place, replacement(hold.script))
    },
  })
  /** Within the step that changes b: it was asked whether it may, and changes it as soon as it goes on. */
  const inSecondStep = (): StageOptions => holding('apply.sh', /put_value \S*\/b /, script => `{ ${script} } && $&`)

  describe('a step of the change is slow', () => {
    it.each(['expire', 'revert'] as const)('%s waits for it, then takes all of it back', async verb => {
      const start = host.staging('RUN', changes, inSecondStep())
      await hold.reached()
      const back = host.guarding('RUN', verb)
      await becomes('reverting')
      expect(everything()).toBe('2 1 1 absent old')
      hold.open()
      expect((await back.ended).exitCode).toBe(0)
      expect((await start.ended).exitCode).toBe(REMOTE.expired)
      expect(host.state('RUN')).toBe('reverted')
      expect(everything()).toBe(before)
    })

    it('and what began it is killed: it is waited for all the same', async () => {
      const start = host.staging('RUN', changes, inSecondStep())
      await hold.reached()
      const script = host.workers('RUN').filter(pid => commandOf(pid).includes('apply.sh'))
      expect(script).toHaveLength(1)
      for (const pid of host.workers('RUN')) if (!script.includes(pid)) process.kill(pid, 'SIGKILL')
      const back = host.guarding('RUN', 'expire')
      await becomes('reverting')
      hold.open()
      expect((await back.ended).exitCode).toBe(0)
      await start.ended
      expect(host.state('RUN')).toBe('reverted')
      expect(everything()).toBe(before)
    })

    it('beyond all patience: what is done is taken back, and what comes after that too', async () => {
      const start = host.staging('RUN', changes, inSecondStep())
      await hold.reached()
      const back = host.guarding('RUN', 'expire')
      await becomes('reverting')
      await pass(31, () => expect(everything()).toBe(before))
      expect(host.state('RUN')).toBe('reverting')
      hold.open()
      expect((await back.ended).exitCode).toBe(0)
      expect((await start.ended).exitCode).toBe(REMOTE.expired)
      expect(host.state('RUN')).toBe('reverted')
      expect(everything()).toBe(before)
    })

    it('and never ends: that is said, and later it can be taken back', async () => {
      const start = host.staging('RUN', changes, inSecondStep())
      await hold.reached()
      const back = host.guarding('RUN', 'revert')
      await becomes('reverting')
      await pass(31, () => expect(everything()).toBe(before))
      await pass(100_000, () => expect(host.state('RUN')).toBe('revert-failed'))
      expect((await back.ended).exitCode).toBe(REMOTE.undoFailed)
      expect(host.log('RUN')).toContain('may yet have its effect')
      hold.open()
      expect((await start.ended).exitCode).toBe(REMOTE.undoFailed)
      expect(everything()).toBe('1 2 1 absent old')
      expect(host.revert('RUN').exitCode).toBe(REMOTE.ok)
      expect(everything()).toBe(before)
    })

    it('and whoever asked for it hangs up: it goes on to its end', async () => {
      const start = host.staging('RUN', changes, inSecondStep())
      await hold.reached()
      expect(host.workers('RUN')).toHaveLength(2)
      for (const pid of host.workers('RUN')) process.kill(pid, 'SIGHUP')
      hold.open()
      expect((await start.ended).exitCode).toBe(REMOTE.ok)
      expect(everything()).toBe(live)
    })

    it('keep waits for it: half a change is never kept', async () => {
      const start = host.staging('RUN', changes, inSecondStep())
      await hold.reached()
      const keep = host.guarding('RUN', 'keep')
      hold.open()
      expect((await start.ended).exitCode).toBe(REMOTE.ok)
      expect((await keep.ended).exitCode).toBe(REMOTE.ok)
      expect(everything()).toBe(after)
    })
  })

  it('the guard takes over while the last step is slow: what all went well is taken back, and that is said', async () => {
    const start = host.staging(
      'RUN',
      changes,
      holding('apply.sh', /put_value \S*\/c /, script => `{ ${script} } && $&`),
    )
    await hold.reached()
    const back = host.guarding('RUN', 'expire')
    await becomes('reverting')
    hold.open()
    expect((await back.ended).exitCode).toBe(0)
    expect((await start.ended).exitCode).toBe(REMOTE.expired)
    expect(everything()).toBe(before)
  })

  it('revert while no timer can be set: the way back is not thrown away under it', async () => {
    host.stub('systemd-run', `${hold.script} exit 1`)
    const start = host.staging('RUN', changes, {
      edit: (_, text) => text.replace('wait) wait_here ;;', 'wait) exit 1 ;;'),
    })
    await hold.reached()
    const back = host.guarding('RUN', 'revert')
    await becomes('reverting')
    hold.open()
    expect((await start.ended).exitCode).toBe(REMOTE.expired)
    expect((await back.ended).exitCode).toBe(REMOTE.ok)
    expect(host.state('RUN')).toBe('reverted')
    expect(everything()).toBe(before)
  })

  it('revert before anything was changed calls it off', async () => {
    const start = host.staging(
      'RUN',
      changes,
      holding('apply.sh', /do_check\(\) \{/, script => `$& ${script}`),
    )
    await hold.reached()
    expect(host.revert('RUN').exitCode).toBe(REMOTE.untouched)
    hold.open()
    expect((await start.ended).exitCode).toBe(REMOTE.expired)
    expect(host.revert('RUN').exitCode).not.toBe(REMOTE.undoFailed)
    expect(everything()).toBe(before)
    expect(host.stage('NEXT', changes).exitCode, 'the host is free').toBe(REMOTE.ok)
  })

  describe('keep is killed in the middle of the files', () => {
    const places: readonly (readonly [string, RegExp, string])[] = [
      ['before anything was written', /still \S+ confirmed && \{ \[?.*stage_file|stage_file/, live],
      [
        'when everything lies beside',
        /still "\$1" confirmed && \{ place_file/,
        `${live} staged new.conf staged old.conf`,
      ],
      [
        'when the first is in place',
        /still "\$1" confirmed && \{ place_file \S*old\.conf/,
        '2 2 2 ours old staged old.conf',
      ],
      ['when all are in place', /still "\$1" confirmed && \{ settle_file/, after],
    ]

    async function killedAt(place: RegExp, left: string): Promise<void> {
      // The last function of the text is the one that runs; the library before it has the same words.
      const options = holding(
        'apply.sh',
        new RegExp(`(do_files\\(\\) \\{[\\s\\S]*?)(${place.source})`),
        script => `$1${script} $2`,
      )
      expect(host.stage('RUN', changes, options).exitCode).toBe(REMOTE.ok)
      const keep = host.guarding('RUN', 'keep')
      await hold.reached()
      host.kill('RUN')
      await keep.ended
      hold.open()
      expect(host.state('RUN')).toBe('confirmed')
      expect(everything()).toBe(left)
    }

    it.each(places)('%s: asked again it is kept', async (_case, place, left) => {
      await killedAt(place, left)
      expect(host.keep('RUN')).toBe(REMOTE.ok)
      expect(host.state('RUN')).toBe('kept')
      expect(everything()).toBe(after)
    })

    it.each(places)('%s: reverted it is as it was', async (_case, place, left) => {
      await killedAt(place, left)
      expect(host.revert('RUN').exitCode).toBe(REMOTE.ok)
      expect(everything()).toBe(before)
    })
  })

  describe('keep is in the middle of the files', () => {
    const keeping = async (): Promise<ReturnType<GuardedHost['guarding']>> => {
      host.stage(
        'RUN',
        changes,
        holding('apply.sh', /(do_files\(\) \{[\s\S]*?)(place_file \S*new\.conf)/, script => `$1${script} $2`),
      )
      const keep = host.guarding('RUN', 'keep')
      await hold.reached()
      return keep
    }

    it('revert comes: no further file is written, all is taken back, and both say so', async () => {
      const keep = await keeping()
      const back = host.guarding('RUN', 'revert')
      await becomes('reverting')
      hold.open()
      expect((await back.ended).exitCode).toBe(REMOTE.ok)
      expect((await keep.ended).exitCode).toBe(REMOTE.expired)
      expect(everything()).toBe(before)
      expect(host.log('RUN')).toContain('being taken back')
    })

    it('keep is asked for again: the second waits and hears the same', async () => {
      const keep = await keeping()
      const again = host.guarding('RUN', 'keep')
      hold.open()
      expect((await keep.ended).exitCode).toBe(REMOTE.ok)
      expect((await again.ended).exitCode).toBe(REMOTE.ok)
      expect(everything()).toBe(after)
    })
  })

  describe('somebody is taking it back', () => {
    const inUndo = (): StageOptions =>
      holding('undo.sh', /(do_undo\(\) \{[\s\S]*?)(restore_value \S*\/b )/, script => `$1${script} $2`)

    it('and is killed at it: the next ones finish it, but only one of them', async () => {
      const { edit } = inUndo()
      const count = (text: string): string => text.replace('do_undo() {', `do_undo() { echo >>${host.at('undone')};`)
      host.stage('RUN', changes, { edit: (name, text) => count(edit?.(name, text) ?? text) })
      host.keep('RUN')
      const first = host.guarding('RUN', 'revert')
      await hold.reached()
      host.kill('RUN')
      await first.ended
      hold.open()
      expect(host.state('RUN')).toBe('reverting')
      expect(everything()).toBe('2 2 1 absent old')
      const next = await Promise.all([host.guarding('RUN', 'revert').ended, host.guarding('RUN', 'keep').ended])
      expect(next.map(({ exitCode }) => exitCode)).toEqual([REMOTE.ok, REMOTE.expired])
      expect(host.state('RUN')).toBe('reverted')
      expect(host.read('undone'), 'the one that was killed, and one more').toBe('\n\n')
      expect(everything()).toBe(before)
    })

    it('and only the one who watches over undo.sh is killed: it is waited for', async () => {
      host.stage('RUN', changes, inUndo())
      const first = host.guarding('RUN', 'revert')
      await hold.reached()
      const script = host.workers('RUN').filter(pid => commandOf(pid).includes('undo.sh'))
      for (const pid of host.workers('RUN')) if (!script.includes(pid)) process.kill(pid, 'SIGKILL')
      const second = host.guarding('RUN', 'revert')
      hold.open()
      await first.ended
      expect((await second.ended).exitCode).toBe(REMOTE.ok)
      expect(everything()).toBe(before)
    })

    it('and others ask for the same: they hear how it ended', async () => {
      host.stage('RUN', changes, inUndo())
      const first = host.guarding('RUN', 'expire')
      await hold.reached()
      expect(host.status('RUN').get('worker')).toBe('busy')
      const others = [host.guarding('RUN', 'revert').ended, host.guarding('RUN', 'keep').ended]
      hold.open()
      expect((await Promise.all(others)).map(({ exitCode }) => exitCode)).toEqual([REMOTE.ok, REMOTE.expired])
      expect((await first.ended).exitCode).toBe(0)
      expect(everything()).toBe(before)
    })
  })
})
