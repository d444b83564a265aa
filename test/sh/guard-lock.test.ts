/** One run at a time on a host: who holds it, for how long, and what a boot makes of that. */
import { renameSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { REMOTE } from '../../src/run/codes.ts'
import { fileChange, valueChange } from '../support/changes.ts'
import { type Gate, gate } from '../support/gate.ts'
import { type GuardedHost, guardedHost, type StageOptions } from '../support/guarded-host.ts'
import { SHELLS } from '../support/shells.ts'

describe.each(SHELLS)('the lock under %s', (_name, shell) => {
  let host: GuardedHost
  beforeEach(() => {
    host = guardedHost(shell)
    for (const name of ['a', 'b']) host.write(name, '1\n')
  })
  afterEach(() => host[Symbol.dispose]())

  const a = () => [valueChange(host.at('a'), '1', '2'), fileChange(host.at('a.conf'), null, 'ours\n')]
  const b = () => [valueChange(host.at('b'), '1', '2')]

  /** Stands still after it found the host free, before anything is armed. */
  const inCheck = ({ script }: Gate): StageOptions => ({
    edit: (name, text) => (name === 'apply.sh' ? text.replace('do_check() {', `do_check() { ${script}`) : text),
  })

  function moveTo(run: string, state: string): void {
    renameSync(join(host.runDir(run), host.state(run)), join(host.runDir(run), state))
  }

  it('is held by a change that is not confirmed, even when its guard is late', () => {
    host.stage('FIRST', a())
    host.setUptime(1075)
    const run = host.stage('RUN', b())
    expect(run.exitCode).toBe(REMOTE.locked)
    expect(run.stderr).toContain('was not confirmed, and its guard is 15 s late')
    expect(host.revert('FIRST').exitCode).toBe(REMOTE.ok)
    expect(host.stage('RUN', b()).exitCode).toBe(REMOTE.ok)
  })

  it.each(['confirmed', 'reverting'])('is held in state %s by whoever died there, until that run is ended', state => {
    host.stage('FIRST', a())
    moveTo('FIRST', state)
    host.leaveDeadWorker('FIRST')
    const run = host.stage('RUN', b())
    expect(run.exitCode).toBe(REMOTE.locked)
    expect(run.stderr).toContain('in the middle of a change')
    host.keep('FIRST')
    expect(host.stage('RUN', b()).exitCode).toBe(REMOTE.ok)
  })

  it('is not held by who was killed before anything was armed', async () => {
    const hold = gate(host.at('hold'))
    const first = host.staging('FIRST', a(), inCheck(hold))
    await hold.reached()
    const refused = host.stage('RUN', b())
    expect(refused.exitCode, 'while it lives').toBe(REMOTE.locked)
    expect(refused.stderr).toContain('locked by run FIRST of tester of FIRST since 2026-01-01: it is at work')
    host.kill('FIRST')
    hold.open()
    expect((await first.ended).exitCode).not.toBe(0)
    expect(host.state('FIRST')).toBe('none')
    expect(host.stage('RUN', b()).exitCode).toBe(REMOTE.ok)
    // The one that died can be tried again as soon as the host is free.
    host.keep('RUN')
    expect(host.stage('FIRST', a()).exitCode).toBe(REMOTE.ok)
  })

  it('is held while an older run is taken back, and keeps one from being taken back while another holds it', async () => {
    const hold = gate(host.at('hold'))
    host.stage('OLD', a(), {
      edit: (name, text) => (name === 'undo.sh' ? text.replace('do_undo() {', `do_undo() { ${hold.script}`) : text),
    })
    host.keep('OLD')
    host.stage('RUN', b())
    const refused = host.revert('OLD')
    expect(refused.exitCode).toBe(REMOTE.locked)
    expect(refused.stderr).toContain('locked by run RUN of tester of RUN')
    expect(host.state('OLD')).toBe('kept')
    host.keep('RUN')
    const back = host.guarding('OLD', 'revert')
    await hold.reached()
    expect(host.stage('NEXT', [valueChange(host.at('b'), '2', '3')]).exitCode).toBe(REMOTE.locked)
    hold.open()
    expect((await back.ended).exitCode).toBe(REMOTE.ok)
    expect(host.stage('NEXT', [valueChange(host.at('b'), '2', '3')]).exitCode).toBe(REMOTE.ok)
  })

  describe('after another boot', () => {
    /** Live values are those of the boot; what is on disk stays. */
    function boot(): void {
      host.setBoot('boot-two')
      host.setUptime(5)
      for (const name of ['a', 'b']) host.write(name, '77\n')
    }

    it('a change that was not confirmed went with it, whoever asks', () => {
      host.stage('FIRST', a())
      boot()
      expect(host.status('FIRST').get('boot')).toBe('other')
      expect(host.stage('RUN', [valueChange(host.at('b'), '77', '2')]).exitCode).toBe(REMOTE.ok)
      expect(host.state('FIRST')).toBe('reverted')
      expect(host.read('a')).toBe('77\n')
    })

    it.each(['keep', 'revert'] as const)('%s says so, and leaves the values of this boot', verb => {
      host.stage('FIRST', a())
      boot()
      expect(host.guard('FIRST', verb).exitCode).toBe(verb === 'keep' ? REMOTE.expired : REMOTE.ok)
      expect(host.state('FIRST')).toBe('reverted')
      expect(host.read('a')).toBe('77\n')
      expect(host.exists('a.conf')).toBe(false)
    })

    it.each(['keep', 'revert', 'another run'])('files that were half written are taken back by %s', who => {
      host.stage('FIRST', a())
      moveTo('FIRST', 'confirmed')
      host.leaveDeadWorker('FIRST')
      host.write('a.conf', 'ours\n')
      host.write('a.conf.ctfix-new', 'ou')
      boot()
      // As before, as a boot makes it that read no file of ours.
      host.write('a', '1\n')
      if (who === 'keep') expect(host.keep('FIRST')).toBe(REMOTE.expired)
      else if (who === 'revert') expect(host.revert('FIRST').exitCode).toBe(REMOTE.ok)
      else expect(host.stage('RUN', [valueChange(host.at('b'), '77', '2')]).exitCode).toBe(REMOTE.ok)
      expect(host.state('FIRST')).toBe('reverted')
      expect(host.exists('a.conf') || host.exists('a.conf.ctfix-new')).toBe(false)
    })

    it('what was kept is kept', () => {
      host.stage('FIRST', a())
      host.keep('FIRST')
      boot()
      expect(host.keep('FIRST')).toBe(REMOTE.ok)
      expect(host.read('a.conf')).toBe('ours\n')
    })
  })

  it('two tries of one run that are staged at once: the second hears of the first, which keeps its way back', async () => {
    const hold = gate(host.at('hold'))
    // It has looked whether there is such a run, and a slow disk keeps it from going on.
    const second = host.slowly('RUN', a(), hold)
    await hold.reached()
    expect(host.stage('RUN', a()).exitCode).toBe(REMOTE.ok)
    hold.open()
    const { exitCode, stderr } = await second.ended
    expect([exitCode, stderr]).toEqual([REMOTE.locked, expect.stringContaining('this run is under way here')])
    expect(host.runs()).toEqual(['RUN'])
    expect(host.revert('RUN').exitCode).toBe(REMOTE.ok)
    expect(host.read('a')).toBe('1\n')
  })

  it('one that is asked back while it is still being staged never begins', async () => {
    const hold = gate(host.at('hold'))
    const first = host.slowly('RUN', a(), hold)
    await hold.reached()
    expect(host.revert('RUN').exitCode).toBe(REMOTE.untouched)
    hold.open()
    expect((await first.ended).exitCode).toBe(REMOTE.notStaged)
    expect(host.runs()).toEqual([])
    expect(host.read('a')).toBe('1\n')
  })

  it('the same run a second time while the first is looking around: the first goes on undisturbed', async () => {
    const hold = gate(host.at('hold'))
    const first = host.staging('RUN', a(), inCheck(hold))
    await hold.reached()
    expect(host.stage('RUN', a()).exitCode).toBe(REMOTE.locked)
    hold.open()
    expect((await first.ended).exitCode).toBe(REMOTE.ok)
    expect(host.keep('RUN')).toBe(REMOTE.ok)
  })

  it('three in a bad order: who waits for one sees what became of another meanwhile', async () => {
    const hold = gate(host.at('hold'))
    const waits = (name: string): StageOptions => ({
      edit: (file, text) => (file === 'guard.sh' ? text.replace('nap() {', `nap() { echo >${host.at(name)};`) : text),
    })
    // C came first and goes on; B, before it by name, waits for it; A waits for both, for B first.
    const c = host.staging('C', b(), inCheck(hold))
    await hold.reached()
    const second = host.staging('B', b(), waits('b-waits'))
    await vi.waitFor(() => expect(host.exists('b-waits')).toBe(true), { timeout: 10_000, interval: 5 })
    const first = host.staging('A', b(), waits('a-waits'))
    await vi.waitFor(() => expect(host.exists('a-waits')).toBe(true), { timeout: 10_000, interval: 5 })
    hold.open()
    const codes = (await Promise.all([first.ended, second.ended, c.ended])).map(({ exitCode }) => exitCode)
    expect(codes).toEqual([REMOTE.locked, REMOTE.locked, REMOTE.ok])
    expect(host.runs()).toEqual(['C'])
  })

  it('two that begin at once: one goes, the other hears of it', async () => {
    for (let round = 0; round < 4; round++) {
      const both = [`A${round}`, `B${round}`]
      const runs = await Promise.all(both.map(run => host.staging(run, b()).ended))
      const codes = runs.map(({ exitCode }) => exitCode)
      expect(codes.toSorted(), runs.map(({ stderr }) => stderr).join()).toEqual([REMOTE.ok, REMOTE.locked])
      const winner = both[codes.indexOf(REMOTE.ok)] ?? ''
      expect(host.runs().filter(name => both.includes(name))).toEqual([winner])
      expect(host.revert(winner).exitCode).toBe(REMOTE.ok)
    }
  })
})
