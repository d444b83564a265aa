/** Two at once, one of them slow: it ends as it was or as it was wanted, never between. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { REMOTE } from '../../src/run/codes.ts'
import { AFTER, BEFORE, type HeldHost, heldHost, LIVE } from '../support/held-host.ts'
import { commandOf } from '../support/processes.ts'
import { SHELLS } from '../support/shells.ts'

describe.each(SHELLS)('under %s', (_name, shell) => {
  let host: HeldHost
  beforeEach(() => {
    host = heldHost(shell)
  })
  afterEach(() => host[Symbol.dispose]())

  describe('a step of the change is slow', () => {
    it.each(['expire', 'revert'] as const)('%s waits for it, then takes all of it back', async verb => {
      const start = host.staging('RUN', host.changes, host.inStep('b'))
      await host.hold.reached()
      const back = host.guarding('RUN', verb)
      await host.becomes('reverting')
      expect(host.everything()).toBe('2 1 1 absent old')
      host.hold.open()
      expect((await back.ended).exitCode).toBe(0)
      expect((await start.ended).exitCode).toBe(REMOTE.expired)
      expect(host.state('RUN')).toBe('reverted')
      expect(host.everything()).toBe(BEFORE)
    })

    it('and what began it is killed: it is waited for all the same', async () => {
      const start = host.staging('RUN', host.changes, host.inStep('b'))
      await host.hold.reached()
      const script = host.workers('RUN').filter(pid => commandOf(pid).includes('apply.sh'))
      expect(script).toHaveLength(1)
      for (const pid of host.workers('RUN')) if (!script.includes(pid)) process.kill(pid, 'SIGKILL')
      const back = host.guarding('RUN', 'expire')
      await host.becomes('reverting')
      host.hold.open()
      expect((await back.ended).exitCode).toBe(0)
      await start.ended
      expect(host.state('RUN')).toBe('reverted')
      expect(host.everything()).toBe(BEFORE)
    })

    it('beyond all patience: what is done is taken back, and what comes after that too', async () => {
      const start = host.staging('RUN', host.changes, host.inStep('b'))
      await host.hold.reached()
      const back = host.guarding('RUN', 'expire')
      await host.becomes('reverting')
      await host.pass(31, () => expect(host.everything()).toBe(BEFORE))
      expect(host.state('RUN')).toBe('reverting')
      host.hold.open()
      expect((await back.ended).exitCode).toBe(0)
      expect((await start.ended).exitCode).toBe(REMOTE.expired)
      expect(host.state('RUN')).toBe('reverted')
      expect(host.everything()).toBe(BEFORE)
    })

    it('and never ends: that is said, and later it can be taken back', async () => {
      const start = host.staging('RUN', host.changes, host.inStep('b'))
      await host.hold.reached()
      const back = host.guarding('RUN', 'revert')
      await host.becomes('reverting')
      await host.pass(31, () => expect(host.everything()).toBe(BEFORE))
      await host.pass(100_000, () => expect(host.state('RUN')).toBe('revert-failed'))
      expect((await back.ended).exitCode).toBe(REMOTE.undoFailed)
      expect(host.log('RUN')).toContain('may yet have its effect')
      host.hold.open()
      expect((await start.ended).exitCode).toBe(REMOTE.undoFailed)
      expect(host.everything()).toBe('1 2 1 absent old')
      expect(host.revert('RUN').exitCode).toBe(REMOTE.ok)
      expect(host.everything()).toBe(BEFORE)
    })

    it('and whoever asked for it hangs up: it goes on to its end', async () => {
      const start = host.staging('RUN', host.changes, host.inStep('b'))
      await host.hold.reached()
      expect(host.workers('RUN')).toHaveLength(2)
      for (const pid of host.workers('RUN')) process.kill(pid, 'SIGHUP')
      host.hold.open()
      expect((await start.ended).exitCode).toBe(REMOTE.ok)
      expect(host.everything()).toBe(LIVE)
    })

    it('keep waits for it: half a change is never kept', async () => {
      const start = host.staging('RUN', host.changes, host.inStep('b'))
      await host.hold.reached()
      const keep = host.guarding('RUN', 'keep')
      host.hold.open()
      expect((await start.ended).exitCode).toBe(REMOTE.ok)
      expect((await keep.ended).exitCode).toBe(REMOTE.ok)
      expect(host.everything()).toBe(AFTER)
    })
  })

  it('the guard takes over while the last step is slow: what all went well is taken back, and that is said', async () => {
    const start = host.staging('RUN', host.changes, host.inStep('c'))
    await host.hold.reached()
    const back = host.guarding('RUN', 'expire')
    await host.becomes('reverting')
    host.hold.open()
    expect((await back.ended).exitCode).toBe(0)
    expect((await start.ended).exitCode).toBe(REMOTE.expired)
    expect(host.everything()).toBe(BEFORE)
  })

  it('revert while no timer can be set: the way back is not thrown away under it', async () => {
    host.stub('systemd-run', `${host.hold.script} exit 1`)
    const start = host.staging('RUN', host.changes, {
      edit: (_, text) => text.replace('wait) wait_here ;;', 'wait) exit 1 ;;'),
    })
    await host.hold.reached()
    const back = host.guarding('RUN', 'revert')
    await host.becomes('reverting')
    host.hold.open()
    expect((await start.ended).exitCode).toBe(REMOTE.expired)
    expect((await back.ended).exitCode).toBe(REMOTE.ok)
    expect(host.state('RUN')).toBe('reverted')
    expect(host.everything()).toBe(BEFORE)
  })

  it('revert before anything was changed calls it off', async () => {
    const start = host.staging(
      'RUN',
      host.changes,
      host.holding('apply.sh', /do_check\(\) \{/, script => `$& ${script}`),
    )
    await host.hold.reached()
    expect(host.revert('RUN').exitCode).toBe(REMOTE.untouched)
    host.hold.open()
    expect((await start.ended).exitCode).toBe(REMOTE.expired)
    expect(host.revert('RUN').exitCode).not.toBe(REMOTE.undoFailed)
    expect(host.everything()).toBe(BEFORE)
    expect(host.stage('NEXT', host.changes).exitCode, 'the host is free').toBe(REMOTE.ok)
  })
})
