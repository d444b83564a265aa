/** Where guard.sh does not do what it was asked for: nothing is left half done, and nothing is left behind. */
import { mkdirSync, rmSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Change } from '../../src/change/change.ts'
import { quote } from '../../src/lang/sh.ts'
import { REMOTE } from '../../src/run/codes.ts'
import { fileChange, valueChange } from '../support/changes.ts'
import { type GuardedHost, guardedHost } from '../support/guarded-host.ts'
import { type Run, runOnStdin, SHELLS } from '../support/shells.ts'

describe.each(SHELLS)('guard.sh under %s refuses', (_name, shell) => {
  let host: GuardedHost
  let changes: readonly Change[]

  beforeEach(() => {
    host = guardedHost(shell)
    host.write('max', '600\n')
    changes = [valueChange(host.at('max'), '600', '8192'), fileChange(host.at('own.conf'), null, 'ours\n')]
  })
  afterEach(() => host[Symbol.dispose]())

  function expectUntouched(): void {
    expect(host.read('max')).toBe('600\n')
    expect(host.exists('own.conf')).toBe(false)
    expect(host.runs()).toEqual([])
    expect(host.exists('timers/ctfix-RUN.timer')).toBe(false)
  }

  it('a change that fails in the middle: all of it is taken back', () => {
    // Its parent is a file, so it can be neither read nor written, which is what the plan says it was before.
    const list = [...changes, valueChange(host.at('max/absent'), '', '1')]
    const run = host.stage('RUN', list)
    expect(run.exitCode).toBe(REMOTE.undone)
    expect(run.stderr).toContain('cannot write 1')
    expect(host.read('max')).toBe('600\n')
    expect(host.state('RUN')).toBe('reverted')
    expect(host.status('RUN').get('timer')).toBe('gone')
    expect(host.keep('RUN')).toBe(REMOTE.expired)
  })

  it('a change that fails, and so does taking it back: that is said, and why', () => {
    const other = host.at('other')
    host.write('other', '1\n')
    const run = host.stage('RUN', [valueChange(other, '1', '2'), valueChange(host.at('max/absent'), '', '1')], {
      // Between our write and undo somebody else makes it theirs.
      edit: (name, text) => (name === 'undo.sh' ? text.replace('failed=0', `failed=0; echo 3 >${other}`) : text),
    })
    expect(run.exitCode).toBe(REMOTE.undoFailed)
    expect(run.stderr.trimEnd().split('\n').at(-1)).toContain('set by somebody else')
    expect(host.state('RUN')).toBe('revert-failed')
  })

  it('a directory that cannot be made', () => {
    host.write('runs', 'a file')
    const run = host.stage('RUN', changes)
    expect(run.exitCode).toBe(REMOTE.notStaged)
    expect(run.stderr).toMatch(/^ctfix: cannot make /)
    rmSync(host.at('runs'))
    expectUntouched()
  })

  it('a full disk, at whichever moment it is full', () => {
    // No file may grow beyond so many blocks of 512 bytes; to a program that is as a full disk.
    const codes = [0, 1, 8].map(blocks => {
      const run = host.piped(`trap '' XFSZ; ulimit -f ${blocks} || exit 1\n${host.stagingOf('RUN', changes)}`)
      expectUntouched()
      expect(run.stderr).toContain('no space left')
      return run.exitCode
    })
    expect(codes).toEqual([REMOTE.notStaged, REMOTE.notStaged, REMOTE.notStaged])
  })

  it('a disk that is full only when the present state is copied', () => {
    const run = host.stage('RUN', changes, {
      edit: (name, text) =>
        name === 'guard.sh' ? text.replace('start() {', "start() {\n  trap '' XFSZ; ulimit -f 0") : text,
    })
    expect(run.exitCode).toBe(REMOTE.notStaged)
    expect(run.stderr).toContain('cannot copy the present state')
    expectUntouched()
  })

  it('to go on where no guard can be armed', () => {
    host.stub('systemd-run', 'exit 1')
    const run = host.stage('RUN', changes, {
      edit: (_, text) => text.replace('wait) wait_here ;;', 'wait) exit 1 ;;'),
    })
    expect(run.exitCode).toBe(REMOTE.notArmed)
    expect(run.stderr).toContain('neither systemd-run nor at nor a process of its own')
    expectUntouched()
  })

  it('to go on without a clock that counts from boot', () => {
    rmSync(host.at('uptime'))
    expect(host.stage('RUN', changes).exitCode).toBe(REMOTE.notArmed)
    expectUntouched()
  })

  it('a host that is no longer what the plan was made on', () => {
    host.write('max', '700\n')
    const run = host.stage('RUN', changes)
    expect(run.exitCode).toBe(REMOTE.stale)
    expect(run.stderr).toContain("is now '700'")
    host.write('max', '600\n')
    expectUntouched()
    host.write('own.conf', 'theirs')
    expect(host.stage('RUN', changes).exitCode).toBe(REMOTE.stale)
    rmSync(host.at('own.conf'))
    expectUntouched()
  })

  it('another run: who has it, since when, how long still', () => {
    host.stage('FIRST', changes)
    host.setUptime(1020)
    const run = host.stage('RUN', [valueChange(host.at('max'), '8192', '9000')])
    expect(run.exitCode).toBe(REMOTE.locked)
    expect(run.stderr).toBe(
      'ctfix: locked by run FIRST of tester of FIRST since 2026-01-01: its change is not confirmed yet, 40 s are left\n',
    )
    expect(host.runs()).toEqual(['FIRST'])
    expect(host.read('max')).toBe('8192\n')
    expect(host.keep('FIRST'), 'whom it did not disturb').toBe(REMOTE.ok)
  })

  it('the same run a second time, but makes room where the first ended as it began', () => {
    expect(host.stage('RUN', changes).exitCode).toBe(REMOTE.ok)
    expect(host.stage('RUN', changes).exitCode).toBe(REMOTE.locked)
    host.revert('RUN')
    expect(host.stage('RUN', changes).exitCode).toBe(REMOTE.ok)
    expect(host.keep('RUN')).toBe(REMOTE.ok)
    expect(host.stage('RUN', changes).exitCode).toBe(REMOTE.locked)
    expect(host.state('RUN')).toBe('kept')
  })

  it('a text that is cut off in transfer: a syntax error, not half a change', () => {
    const program = host.stagingOf('RUN', changes)
    for (const share of [0.1, 0.3, 0.6, 0.95, 0.999]) {
      expect(host.piped(program.slice(0, Math.floor(program.length * share))).exitCode).not.toBe(0)
      expectUntouched()
    }
  })
})

describe.each(SHELLS)('guard.sh under %s, where the disk fails after it was armed', (_name, shell) => {
  let host: GuardedHost
  let changes: readonly Change[]
  beforeEach(() => {
    host = guardedHost(shell)
    host.write('max', '600\n')
    mkdirSync(host.at('runs'))
    // The file is to lie on the disk that fails.
    changes = [valueChange(host.at('max'), '600', '8192'), fileChange(host.at('runs/own.conf'), null, 'ours\n')]
  })
  afterEach(() => host[Symbol.dispose]())

  const asked = (verb: string): string =>
    `${[...shell].join(' ')} ${host.runDir('RUN')}/guard.sh ${verb} ${host.runDir('RUN')}`
  /** Runs it where it sees mounts of its own, as somebody who may make them. */
  const mounting = (script: string): Run => runOnStdin(['unshare', '-rm', 'sh'], script)

  it.each(['expire', 'revert', 'keep'])('read-only: %s takes it back all the same', verb => {
    host.stage('RUN', changes)
    const runs = quote(host.at('runs'))
    const run = mounting(`mount --bind ${runs} ${runs} && mount -o remount,ro,bind ${runs} && ${asked(verb)}`)
    expect(run.exitCode, run.stderr).toBe(verb === 'keep' ? REMOTE.undone : REMOTE.ok)
    expect(host.read('max')).toBe('600\n')
    expect(host.exists('runs/own.conf')).toBe(false)
  })

  it.each(['expire', 'revert', 'keep'])('full: %s takes it back, and tells it right', verb => {
    host.write('stage', host.stagingOf('RUN', changes))
    const run = mounting(`
      cd ${quote(host.root)} && mount -t tmpfs -o size=512k none runs && ${[...shell].join(' ')} stage || exit 1
      cat /dev/zero >runs/fill 2>/dev/null
      ${asked(verb)}
      echo "$?" runs/own.conf* runs/RUN/reverted`)
    const code = verb === 'keep' ? REMOTE.undone : REMOTE.ok
    expect(run.stdout.trim(), run.stderr).toBe(`${code} runs/own.conf* runs/RUN/reverted`)
    expect(host.read('max')).toBe('600\n')
  })
})
