/** The compiled scripts, run for real on files of a scratch directory under every shell: what they write and put back. */
import { chmodSync, chownSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { EntriesChange, FileChange } from '../../src/change/change.ts'
import { quote } from '../../src/lang/sh.ts'
import { compile } from '../../src/plan/compile.ts'
import { stageProgram } from '../../src/plan/programs.ts'
import { REMOTE } from '../../src/run/codes.ts'
import { changeLibrary, guardProgram } from '../../src/run/tools.ts'
import { fileChange, planOf, valueChange } from '../support/changes.ts'
import { type GuardedHost, guardedHost } from '../support/guarded-host.ts'
import { runOnStdin, SHELLS } from '../support/shells.ts'

describe.each(SHELLS)('compiled scripts under %s', (_name, shell) => {
  let host: GuardedHost
  let max: string
  let conf: string

  beforeEach(() => {
    host = guardedHost(shell)
    max = host.at('max')
    conf = host.at('own.conf')
    host.write('max', '600\n')
  })
  afterEach(() => host[Symbol.dispose]())

  const modeOf = (path: string): number => statSync(path).mode & 0o7777

  it('make files with mode and bytes as planned, to the last newline', () => {
    const text = "a = 'b'\n\n"
    expect(host.stage('RUN', [fileChange(conf, null, text)]).exitCode).toBe(REMOTE.ok)
    expect(host.keep('RUN')).toBe(REMOTE.ok)
    expect(host.read('own.conf')).toBe(text)
    expect(modeOf(conf)).toBe(0o644)
  })

  it('keep mode, owner and bytes of a file that was there, empty or without a last newline', () => {
    host.write('own.conf', '')
    chmodSync(conf, 0o640)
    const { uid, gid } = statSync(conf)
    expect(host.stage('RUN', [fileChange(conf, '', 'x = 1', { mode: '0640' })]).exitCode).toBe(REMOTE.ok)
    expect(host.keep('RUN')).toBe(REMOTE.ok)
    expect(host.read('own.conf')).toBe('x = 1')
    expect(modeOf(conf)).toBe(0o640)
    expect(host.revert('RUN').exitCode).toBe(REMOTE.ok)
    expect(host.read('own.conf')).toBe('')
    expect(modeOf(conf)).toBe(0o640)
    expect([statSync(conf).uid, statSync(conf).gid]).toEqual([uid, gid])
  })

  it.runIf(process.getuid?.() === 0)("keep a file's owner where that is somebody else", () => {
    host.write('own.conf', 'old\n')
    chownSync(conf, 1234, 4321)
    const change = fileChange(conf, 'old\n', 'new\n')
    const owned = { ...change, after: change.after && { ...change.after, owner: '1234:4321' } }
    expect(host.stage('RUN', [owned]).exitCode).toBe(REMOTE.ok)
    expect(host.keep('RUN')).toBe(REMOTE.ok)
    expect([statSync(conf).uid, statSync(conf).gid]).toEqual([1234, 4321])
  })

  it('touch nothing where a link stands in place of a file', () => {
    symlinkSync('/nonexistent', conf)
    expect(host.stage('RUN', [fileChange(conf, null, 'ours')]).exitCode).toBe(REMOTE.stale)
  })

  describe('when a file cannot be written', () => {
    it('because somebody else wrote it in the meantime: theirs stays, live values go back', () => {
      host.stage('RUN', [valueChange(max, '600', '8192'), fileChange(conf, null, 'ours')])
      host.write('own.conf', 'theirs')
      // An incomplete undo is not said to be a clean one.
      expect(host.keep('RUN')).toBe(REMOTE.undoFailed)
      expect(host.read('own.conf')).toBe('theirs')
      expect(host.read('max')).toBe('600\n')
      expect(host.log('RUN')).toContain('the plan was made without it')
    })

    it('because there is no such directory: no other file is written either, live values go back', () => {
      const deep = host.at('gone/own.conf')
      host.stage('RUN', [valueChange(max, '600', '8192'), fileChange(conf, null, 'ours'), fileChange(deep, null, 'x')])
      expect(host.keep('RUN')).toBe(REMOTE.undone)
      expect(host.read('max')).toBe('600\n')
      expect(host.exists('own.conf') || host.exists('own.conf.ctfix-new')).toBe(false)
    })

    it('all of one and half of another: the first is taken back too', () => {
      host.stage('RUN', [fileChange(conf, null, 'ours'), fileChange(host.at('second.conf'), null, 'x')], {
        edit: (name, text) =>
          name === 'apply.sh' ? text.replace(/(do_files\(\) \{[\s\S]*)place_file \S*second\.conf/, '$1false') : text,
      })
      expect(host.keep('RUN')).toBe(REMOTE.undone)
      for (const name of ['own.conf', 'second.conf', 'second.conf.ctfix-new']) expect(host.exists(name)).toBe(false)
    })
  })

  it('leave a value that somebody else set since', () => {
    host.stage('RUN', [valueChange(max, '600', '8192')])
    host.write('max', '1048576\n')
    const run = host.revert('RUN')
    expect(run.exitCode).toBe(REMOTE.undoFailed)
    expect(run.stderr).toContain('set by somebody else')
    expect(host.read('max')).toBe('1048576\n')
  })

  it('take back a hash size that the kernel had rounded up, and none that somebody else set', () => {
    mkdirSync(host.at('parameters'))
    const hashsize = host.at('parameters/hashsize')
    writeFileSync(hashsize, '2560\n')
    host.stage('RUN', [valueChange(hashsize, '2560', '100000')])
    writeFileSync(hashsize, '200000\n')
    expect(host.revert('RUN').exitCode).toBe(REMOTE.undoFailed)
    writeFileSync(hashsize, '100352\n')
    expect(host.revert('RUN').exitCode).toBe(REMOTE.ok)
    expect(host.read('parameters/hashsize')).toBe('2560\n')
  })

  it("take back a value that became '' or 0", () => {
    host.write('blank', 'x\n')
    host.stage('RUN', [valueChange(host.at('blank'), 'x', ''), valueChange(max, '600', '0')])
    expect(host.read('blank')).toBe('\n')
    expect(host.revert('RUN').exitCode).toBe(REMOTE.ok)
    expect(host.read('blank')).toBe('x\n')
    expect(host.read('max')).toBe('600\n')
  })

  it("values '0' and nothing, empty files, names with blanks and quotes: there and back", () => {
    const odd = host.at(`it's "odd" $(x) conf`)
    writeFileSync(odd, '')
    const file = host.at('empty.conf')
    host.write('old.conf', 'old\n')
    host.write('zero', '0\n')
    host.write('blank', '\n')
    const list = [
      valueChange(host.at('zero'), '0', '1'),
      valueChange(host.at('blank'), '', '0'),
      valueChange(host.at('max'), '600', '0'),
      fileChange(odd, '', 'x = 1'),
      fileChange(file, null, ''),
      fileChange(host.at('old.conf'), 'old\n', ''),
    ]
    const look = (): string[] => ['zero', 'blank', 'max', `it's "odd" $(x) conf`, 'old.conf'].map(host.read)
    const first = look()
    expect(host.stage('RUN', list).exitCode).toBe(REMOTE.ok)
    expect(host.keep('RUN')).toBe(REMOTE.ok)
    expect(look()).toEqual(['1\n', '0\n', '0\n', 'x = 1', ''])
    expect(host.read('empty.conf')).toBe('')
    expect(host.revert('RUN').exitCode).toBe(REMOTE.ok)
    expect(look()).toEqual(first)
    expect(host.exists('empty.conf')).toBe(false)
  })

  it('make the directory of a file that has one for itself, and leave it to whoever else is in it', () => {
    const file = host.at('own.d/own.conf')
    const change = fileChange(file, null, 'ours')
    const owned: FileChange = { ...change, after: change.after && { ...change.after, ownDirectory: true } }
    const leave: FileChange = { ...change, before: owned.after, after: null }
    for (const [guest, stays] of [
      ['', false],
      ['own.d/theirs.conf', true],
    ] as const) {
      const [there, back] = [`THERE${stays}`, `BACK${stays}`]
      expect(host.stage(there, [owned]).exitCode).toBe(REMOTE.ok)
      expect(host.exists('own.d')).toBe(false)
      expect(host.keep(there)).toBe(REMOTE.ok)
      expect([host.read('own.d/own.conf'), modeOf(host.at('own.d'))]).toEqual(['ours', 0o755])
      if (guest) host.write(guest, 'theirs')
      // As a plan of its own: gone, back again, and then all of it taken back.
      expect(host.stage(back, [leave]).exitCode).toBe(REMOTE.ok)
      expect(host.keep(back)).toBe(REMOTE.ok)
      expect(host.exists('own.d')).toBe(stays)
      expect(host.revert(back).exitCode).toBe(REMOTE.ok)
      expect(host.read('own.d/own.conf')).toBe('ours')
      expect(host.revert(there).exitCode).toBe(REMOTE.ok)
      expect([host.exists('own.d'), host.exists('own.d/own.conf')]).toEqual([stays, false])
    }
  })

  it('remove live entries last, with an end to the wait, and take nothing back for want of them', () => {
    const entries: EntriesChange = {
      kind: 'entries',
      layer: 'final',
      target: 'entries of tcp 80',
      before: { count: 2, selectors: ["-p tcp --dport 80 it's".split(' '), ['-p', 'udp']] },
      after: null,
      why: 'w',
    }
    const changes = [valueChange(max, '600', '8192'), fileChange(conf, null, 'ours'), entries]
    const note = `printf '%s ' "$*" >>${quote(host.at('asked'))}`
    const timeouts = [
      '[ "$1" != -t ] || exit 1; shift; exec "$@"',
      // As busybox had it before 1.30.
      '[ "$1" = -t ] || exit 127; shift 2; exec "$@"',
      'exit 127',
    ]
    for (const [found, timeout] of timeouts.entries()) {
      host.stub('timeout', timeout)
      // After the files, and with an answer that there was nothing to remove.
      host.stub('conntrack', `test -e ${quote(conf)} && ${note}; exit ${found}`)
      host.write('asked', '')
      const run = `RUN${found}`
      expect(host.stage(run, changes).exitCode).toBe(REMOTE.ok)
      expect(host.read('asked')).toBe('')
      expect(host.keep(run)).toBe(REMOTE.ok)
      expect(host.read('asked')).toBe("-D -p tcp --dport 80 it's -D -p udp ")
      expect(host.revert(run).exitCode).toBe(REMOTE.ok)
      expect(host.read('asked')).toBe("-D -p tcp --dport 80 it's -D -p udp ")
    }
    mkdirSync(host.at('only'))
    symlinkSync('/usr/bin/printf', host.at('only/printf'))
    const program = `${changeLibrary()}\nPATH=${quote(host.at('only'))}\nforget_entries -p udp\n`
    expect(runOnStdin(shell, program)).toMatchObject({
      exitCode: 1,
      stderr: 'ctfix: there is no conntrack here: live entries stay until they end by themselves\n',
    })
  })

  it('leave what somebody else made of our file, and of one that we removed', () => {
    const gone = host.at('gone.conf')
    host.write('gone.conf', 'old\n')
    host.stage('RUN', [fileChange(conf, null, 'ours'), fileChange(gone, 'old\n', null)])
    expect(host.keep('RUN')).toBe(REMOTE.ok)
    host.write('own.conf', 'edited since')
    host.write('gone.conf', 'made since')
    expect(host.revert('RUN').exitCode).toBe(REMOTE.undoFailed)
    expect(host.log('RUN')).toContain('changed by somebody else')
    expect(host.log('RUN')).toContain('made anew by somebody else')
    expect(host.read('own.conf')).toBe('edited since')
    expect(host.read('gone.conf')).toBe('made since')
  })

  it('quote any text so that it arrives as it is', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.string({ unit: 'binary' }).filter(text => !text.includes('\0')),
          { maxLength: 8 },
        ),
        words => {
          const program = `main() { for w in ${words.map(quote).join(' ')}; do printf '%s|' "$w"; done; }\nmain\n`
          expect(runOnStdin(shell, program).stdout).toBe(words.map(text => `${text}|`).join(''))
        },
      ),
      { numRuns: 25 },
    )
  })
})

it('the exit codes in the scripts are the ones of the table, all and no others', () => {
  const scripts = compile(planOf([valueChange('/a', '1', '2'), fileChange('/b', null, 'x')]), changeLibrary())
  const stage = stageProgram({ runDir: '/x/RUN', files: new Map(), revertInSeconds: 60 })
  const text = [guardProgram(), scripts.apply, scripts.undo, stage].join('\n').replaceAll(/^ *#.*$/gm, '')
  const used = [...text.matchAll(/\b(?:exit|return|give_up) (\d\d+)|\bcode=(\d\d+)/g)].map(([, a, b]) => Number(a ?? b))
  // 64 is nobody's answer: the scripts say so when they are called with a verb that they do not have.
  expect([...new Set(used)].filter(code => code !== 64).toSorted()).toEqual(
    Object.values(REMOTE)
      .filter(code => code !== REMOTE.ok)
      .toSorted(),
  )
})
