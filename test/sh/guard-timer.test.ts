/** What calls the guard when nobody confirmed: each way of being called, and what cannot keep it from being called. */
import { readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Change } from '../../src/change/change.ts'
import { quote } from '../../src/lang/sh.ts'
import { REMOTE } from '../../src/run/codes.ts'
import { guardProgram } from '../../src/run/tools.ts'
import { fileChange, valueChange } from '../support/changes.ts'
import { type GuardedHost, guardedHost } from '../support/guarded-host.ts'
import { commandOf, spawned } from '../support/processes.ts'
import { SHELLS } from '../support/shells.ts'

/** What a process has open. */
function openFiles(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap(fd => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${fd}`)]
    } catch {
      // Closed in the meantime.
      return []
    }
  })
}

describe.each(SHELLS)('the timer under %s', (_name, shell) => {
  let host: GuardedHost
  let changes: readonly Change[]

  function hostWith(timers: 'systemd' | 'process'): void {
    host = guardedHost(shell, { timers })
    host.write('max', '600\n')
    changes = [valueChange(host.at('max'), '600', '8192'), fileChange(host.at('own.conf'), null, 'ours\n')]
  }
  afterEach(() => host[Symbol.dispose]())

  const timer = (): string[] =>
    readFileSync(join(host.runDir('RUN'), 'timer'), 'utf8')
      .trim()
      .split(' ')
  const timerPid = (): number => Number(timer()[1])
  const until = (isSo: () => void): Promise<void> => vi.waitFor(isSo, { timeout: 10_000, interval: 10 })
  const expired = (): Promise<void> => until(() => expect(host.state('RUN')).toBe('reverted'))
  const isGone = (pid: number) => (): void => {
    expect(commandOf(pid)).toBe('')
  }

  describe("of systemd's", () => {
    beforeEach(() => hostWith('systemd'))

    it('is a unit with the name of the run, for so many seconds', () => {
      host.stage('RUN', changes, { seconds: 45 })
      expect(timer()).toEqual(['systemd', 'ctfix-RUN'])
      expect(host.read('timers/ctfix-RUN.after')).toBe('45s\n')
    })

    it('stopped by somebody: status says so, keep works all the same', () => {
      host.stage('RUN', changes)
      rmSync(host.at('timers/ctfix-RUN.timer'))
      expect(host.status('RUN').get('timer')).toBe('gone')
      expect(host.keep('RUN')).toBe(REMOTE.ok)
    })

    it.each([
      ['systemd-run fails', 'systemd-run', 'exit 1'],
      ['systemd-run says yes, but its timer is not active', 'systemctl', 'echo inactive; exit 3'],
      ['systemctl cannot be asked', 'systemctl', 'exit 1'],
    ])('%s: the next way is taken', (_case, name, body) => {
      host.stub(name, body)
      expect(host.stage('RUN', changes).exitCode).toBe(REMOTE.ok)
      expect(timer()[0]).toBe('process')
      expect(host.status('RUN').get('timer')).toBe('pending')
    })
  })

  describe("of at's", () => {
    beforeEach(() => {
      hostWith('process')
      host.stub('pgrep', 'exit 0')
      host.stub('pidof', 'exit 0')
      // What atd does: the text is run by sh, outside of the session that brought it.
      const job = quote(host.at('job'))
      host.stub('at', `[ "$*" = now ] || exit 1\ncat >${job}\nsetsid sh ${job} </dev/null >/dev/null 2>&1 &`)
    })

    it('is a process that atd started, and takes it back in time', async () => {
      host.stage('RUN', changes)
      expect(timer()[0]).toBe('process')
      expect(host.read('job')).toContain(`guard.sh' wait '${host.runDir('RUN')}'`)
      expect(host.read('max')).toBe('8192\n')
      host.setUptime(1060)
      await expired()
      expect(host.read('max')).toBe('600\n')
    })

    it('at accepts a job that atd does not start: the next way is taken', () => {
      host.stub('at', 'cat >/dev/null')
      expect(host.stage('RUN', changes).exitCode).toBe(REMOTE.ok)
      expect(host.status('RUN').get('timer')).toBe('pending')
    })
  })

  describe('of its own', () => {
    beforeEach(() => hostWith('process'))

    it('waits as long as it was told by the clock that counts from boot, and by no other', async () => {
      host.stub('date', `echo called >${quote(host.at('date-called'))}`)
      const looks = quote(host.at('looks'))
      host.stage('RUN', changes, {
        edit: (_, text) => text.replace('sleep 0.02; done', `sleep 0.02; echo look >>${looks}; done`),
      })
      const waiting = timerPid()
      const looked = (): number => host.read('looks').length
      await until(() => expect(looked()).toBeGreaterThan(0))
      host.setUptime(1059)
      const soFar = looked()
      await until(() => expect(looked()).toBeGreaterThan(soFar + 'look\nlook\n'.length))
      expect(host.state('RUN')).toBe('armed')
      host.setUptime(1060)
      await expired()
      expect(host.read('max')).toBe('600\n')
      await until(isGone(waiting))
      expect(host.exists('date-called')).toBe(false)
      expect(guardProgram()).not.toMatch(/\bdate\b|\$SECONDS|EPOCH|-newer|-mmin/)
    })

    it('stands outside of the control group of its session', () => {
      host.write('cgroup/cgroup.procs', '')
      host.stage('RUN', changes)
      expect(host.read('cgroup/cgroup.procs').trim()).toBe(timer()[1])
    })

    it('ends when there is nothing to wait for any more', async () => {
      host.stage('RUN', changes)
      const waiting = timerPid()
      expect(host.keep('RUN')).toBe(REMOTE.ok)
      await until(isGone(waiting))
    })

    it.each(['keep', 'revert'] as const)('killed: status says so, %s works all the same', async verb => {
      host.stage('RUN', changes)
      process.kill(timerPid(), 'SIGKILL')
      await until(isGone(timerPid()))
      expect(host.status('RUN').get('timer')).toBe('gone')
      expect(host.guard('RUN', verb).exitCode).toBe(REMOTE.ok)
      expect(host.read('max')).toBe(verb === 'keep' ? '8192\n' : '600\n')
    })

    it('somebody else who got its number is no timer', () => {
      host.stage('RUN', changes)
      process.kill(timerPid(), 'SIGKILL')
      host.write('runs/RUN/timer', `process ${process.pid}\n`)
      expect(host.status('RUN').get('timer')).toBe('gone')
      expect(host.keep('RUN')).toBe(REMOTE.ok)
    })

    it.each([
      ['setsid', (text: string) => text],
      ['no setsid', (text: string) => text.replace('has setsid', 'false')],
    ])('holds nothing of its session, with %s: so that ends with its command', async (_case, edit) => {
      const program = host.stagingOf('RUN', changes, { edit: (_, text) => edit(text) })
      const [command = '', ...words] = shell
      // Says what it was given, and becomes what sshd starts: the program comes over the same stdin.
      const session = spawned([command, ...words], ['-c', 'ls -l /proc/$$/fd; exec "$@" -s', 'sh', ...shell], {
        cwd: host.root,
        input: program,
      })
      const { exitCode, stdout } = await session.ended
      expect(exitCode).toBe(REMOTE.ok)
      const given = new Map([...stdout.matchAll(/ (\d+) -> (.*)$/gm)].map(([, fd, file = '']) => [Number(fd), file]))
      const ofSession = [0, 1, 2].map(fd => given.get(fd) ?? '')
      expect(ofSession.filter(file => /^(pipe|socket):/.test(file))).toHaveLength(3)
      // What whoever runs the tests left open is in all that they start.
      const own = [join(host.runDir('RUN'), 'guard.sh'), '/dev/null', ...given.values()].filter(
        file => !ofSession.includes(file),
      )
      // It reads a clock now and then; what it holds it holds for good.
      await until(() => expect(openFiles(timerPid()).filter(file => !own.includes(file))).toEqual([]))
    })

    it('outlives its session: the whole process group of it is killed', async () => {
      host.write('stage', host.stagingOf('RUN', changes))
      const [command = '', ...words] = shell
      // A session of its own, which goes on for as long as its stdin is open.
      const session = spawned(
        ['setsid', '-w', command, ...words],
        ['-c', '"$@" stage; echo "$$"; cat', 'sh', ...shell],
        {
          cwd: host.root,
          hold: true,
        },
      )
      const leader = Number(await session.line)
      expect(host.state('RUN')).toBe('armed')
      process.kill(-leader, 'SIGKILL')
      await session.ended
      expect(host.status('RUN').get('timer')).toBe('pending')
      host.setUptime(1061)
      await expired()
      expect(host.read('max')).toBe('600\n')
    })

    it('outlives its terminal', async () => {
      host.write('stage', host.stagingOf('RUN', changes))
      const command = `cd ${quote(host.root)} && ${shell.map(quote).join(' ')} stage`
      const run = await spawned(['script', '-qec', command, '/dev/null'], []).ended
      expect(run.exitCode, run.stdout).toBe(REMOTE.ok)
      expect(host.status('RUN').get('timer')).toBe('pending')
      host.setUptime(1061)
      await expired()
    })
  })
})
