/** The dead man's switch, run for real under every shell: from each state, each way out of it. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Change } from '../../src/change/change.ts'
import { REMOTE } from '../../src/run/codes.ts'
import { fileChange, valueChange } from '../support/changes.ts'
import { type GuardedHost, guardedHost, type State } from '../support/guarded-host.ts'
import { SHELLS } from '../support/shells.ts'

describe.each(SHELLS)('guard.sh under %s', (_name, shell) => {
  let host: GuardedHost
  let changes: readonly Change[]

  beforeEach(() => {
    host = guardedHost(shell)
    host.write('max', '600\n')
    host.write('old.conf', 'old\n')
    changes = [
      valueChange(host.at('max'), '600', '8192'),
      fileChange(host.at('own.conf'), null, 'ours\n'),
      fileChange(host.at('old.conf'), 'old\n', 'new\n'),
    ]
  })
  afterEach(() => host[Symbol.dispose]())

  const everything = (): string[] => [
    host.read('max').trim(),
    host.exists('own.conf') ? host.read('own.conf').trim() : 'absent',
    host.read('old.conf').trim(),
  ]
  const before = ['600', 'absent', 'old']
  const live = ['8192', 'absent', 'old']
  const after = ['8192', 'ours', 'new']

  /** What a process that died in the middle leaves: its state, and a number that nobody has any more. */
  function cutOffIn(state: State): void {
    const present = host.state('RUN')
    renameSync(join(host.runDir('RUN'), present), join(host.runDir('RUN'), state))
    host.leaveDeadWorker('RUN')
  }

  it('start: arms, sets a timer, changes what is live and no file', () => {
    // As it travels to a host.
    expect(host.piped(host.stagingOf('RUN', changes))).toEqual({ exitCode: REMOTE.ok, stdout: '', stderr: '' })
    expect(host.state('RUN')).toBe('armed')
    expect(everything()).toEqual(live)
    expect(host.runs()).toEqual(['RUN'])
    expect(statSync(host.runDir('RUN')).mode & 0o777).toBe(0o700)
    expect(host.workers('RUN')).toEqual([])
    const [max, old] = [host.at('max'), host.at('old.conf')]
    expect(host.exists(`runs/RUN/snapshot${old}`)).toBe(true)
    expect(host.exists(`runs/RUN/snapshot${max}`)).toBe(false)
  })

  it('status: state, time left, timer, who', () => {
    host.stage('RUN', changes, { seconds: 45 })
    host.setUptime(1030)
    const status = host.status('RUN')
    expect(Object.fromEntries([...status].filter(([name]) => name !== 'before'))).toEqual({
      state: 'armed',
      left: '15',
      boot: 'same',
      timer: 'pending',
      worker: 'gone',
      run: 'RUN',
      who: 'tester of RUN',
      at: '2026-01-01',
      '': '',
    })
    expect(status.get('before')).toMatch(/^[0-9a-f]{32,}$/)
  })

  it('status by hand, in its directory or from elsewhere, needs no more than that; nothing at all is refused', () => {
    host.stage('RUN', changes, { seconds: 45 })
    const runDir = host.at('runs/RUN')
    const [program = '', ...flags] = shell
    const asked = (cwd: string, ...words: readonly string[]) =>
      spawnSync(program, [...flags, ...words], { cwd, encoding: 'utf8' })
    expect(asked(runDir, 'guard.sh', 'status').stdout).toMatch(/^state armed\n/)
    expect(asked('/', `${runDir}/guard.sh`, 'status').stdout).toMatch(/^state armed\n/)
    expect(asked(runDir, 'guard.sh').status).toBe(64)
  })

  it('keep: files are written, the timer is called off, the host is free', () => {
    host.stage('RUN', changes)
    expect(host.keep('RUN')).toBe(REMOTE.ok)
    expect(host.state('RUN')).toBe('kept')
    expect(everything()).toEqual(after)
    const status = host.status('RUN')
    expect(status.get('timer')).toBe('gone')
    expect(status.get('after')).toMatch(/^[0-9a-f]{32,}$/)
    expect(status.get('after')).not.toBe(status.get('before'))
    expect(host.workers('RUN')).toEqual([])
    expect(host.stage('NEXT', [valueChange(host.at('max'), '8192', '9000')]).exitCode).toBe(REMOTE.ok)
  })

  it('keep: may be asked again', () => {
    host.stage('RUN', changes)
    host.keep('RUN')
    expect(host.keep('RUN')).toBe(REMOTE.ok)
    expect(everything()).toEqual(after)
  })

  it('expire: values are back, no file was ever there', () => {
    host.stage('RUN', changes)
    expect(host.fire('RUN').exitCode).toBe(0)
    expect(host.state('RUN')).toBe('reverted')
    expect(everything()).toEqual(before)
    const status = host.status('RUN')
    expect(status.get('after')).toBe(status.get('before'))
    expect(host.log('RUN')).toContain('not confirmed in time')
  })

  it('expire: a timer that fires too late for that does nothing', () => {
    host.stage('RUN', changes)
    const timer = host.read('timers/ctfix-RUN.timer')
    host.keep('RUN')
    host.write('timers/ctfix-RUN.timer', timer)
    expect(host.fire('RUN').exitCode).toBe(0)
    expect(host.state('RUN')).toBe('kept')
    expect(everything()).toEqual(after)
  })

  it('keep after that: says so, and writes nothing', () => {
    host.stage('RUN', changes)
    host.fire('RUN')
    expect(host.keep('RUN')).toBe(REMOTE.expired)
    expect(everything()).toEqual(before)
  })

  describe('revert', () => {
    it('where nothing was begun: says so', () => {
      expect(host.revert('RUN').exitCode).toBe(REMOTE.untouched)
      mkdirSync(host.at('runs'))
      expect(host.runs()).toEqual([])
    })

    it('in state armed', () => {
      host.stage('RUN', changes)
      const run = host.revert('RUN')
      expect(run.exitCode).toBe(REMOTE.ok)
      expect(run.stdout.trim()).toBe(host.status('RUN').get('before'))
      expect(everything()).toEqual(before)
      expect(host.status('RUN').get('timer')).toBe('gone')
    })

    it('in state confirmed, by whoever was cut off there', () => {
      host.stage('RUN', changes)
      cutOffIn('confirmed')
      host.write('own.conf', 'ours\n')
      host.write('old.conf.ctfix-new', 'ne')
      expect(host.revert('RUN').exitCode).toBe(REMOTE.ok)
      expect(host.state('RUN')).toBe('reverted')
      expect(everything()).toEqual(before)
      expect(host.exists('old.conf.ctfix-new')).toBe(false)
    })

    it('in state kept, and any number of times', () => {
      host.stage('RUN', changes)
      host.keep('RUN')
      expect(host.revert('RUN').exitCode).toBe(REMOTE.ok)
      expect(everything()).toEqual(before)
      expect(host.revert('RUN').exitCode).toBe(REMOTE.ok)
      expect(host.keep('RUN')).toBe(REMOTE.expired)
      expect(everything()).toEqual(before)
    })

    it('in state reverting, whose worker died', () => {
      host.stage('RUN', changes)
      cutOffIn('reverting')
      expect(host.revert('RUN').exitCode).toBe(REMOTE.ok)
      expect(host.state('RUN')).toBe('reverted')
      expect(everything()).toEqual(before)
    })

    it('in state revert-failed: tries again, and fails again until the cause is gone', () => {
      host.stage('RUN', changes)
      host.keep('RUN')
      host.write('own.conf', 'theirs\n')
      expect(host.revert('RUN').exitCode).toBe(REMOTE.undoFailed)
      expect(host.state('RUN')).toBe('revert-failed')
      // What could be taken back was.
      expect(everything()).toEqual(['600', 'theirs', 'old'])
      const run = host.revert('RUN')
      expect(run.exitCode).toBe(REMOTE.undoFailed)
      expect(run.stderr).toContain('changed by somebody else')
      expect(host.keep('RUN')).toBe(REMOTE.undoFailed)
      rmSync(host.at('own.conf'))
      expect(host.revert('RUN').exitCode).toBe(REMOTE.ok)
      expect(host.state('RUN')).toBe('reverted')
    })
  })

  it('keep stands in for whoever died in state reverting', () => {
    host.stage('RUN', changes)
    cutOffIn('reverting')
    expect(host.keep('RUN')).toBe(REMOTE.expired)
    expect(host.state('RUN')).toBe('reverted')
    expect(everything()).toEqual(before)
  })

  it('back is back to the byte: what undo.sh thinks well done and is not so counts as failed', () => {
    host.stage('RUN', changes, {
      edit: (name, text) => (name === 'undo.sh' ? text.replace(/^ {2}restore_value .*$/m, '  :') : text),
    })
    expect(host.revert('RUN').exitCode).toBe(REMOTE.undoFailed)
    expect(host.state('RUN')).toBe('revert-failed')
    expect(host.log('RUN')).toContain('not what was there before')
  })

  it('a file that goes comes back', () => {
    host.stage('RUN', [fileChange(host.at('old.conf'), 'old\n', null)])
    expect(host.keep('RUN')).toBe(REMOTE.ok)
    expect(host.exists('old.conf')).toBe(false)
    expect(host.revert('RUN').exitCode).toBe(REMOTE.ok)
    expect(host.read('old.conf')).toBe('old\n')
  })

  it('a verb it does not know is refused', () => {
    host.stage('RUN', changes)
    const program = `${[...shell].join(' ')} ${host.runDir('RUN')}/guard.sh nonsense ${host.runDir('RUN')}`
    expect(host.piped(program).exitCode).toBe(64)
    expect(host.state('RUN')).toBe('armed')
  })
})
