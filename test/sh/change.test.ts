/** The compiled scripts, run for real on files of a scratch directory under every shell. */
import { chmodSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Change } from '../../src/change/change.ts'
import { quote } from '../../src/lang/sh.ts'
import { compile, persistPrelude, stageProgram, undoProgram } from '../../src/plan/compile.ts'
import { makePlan, type Plan } from '../../src/plan/plan.ts'
import { REMOTE } from '../../src/run/codes.ts'
import { changeLibrary } from '../../src/run/tools.ts'
import { makeFacts } from '../support/facts.ts'
import { type Run, runOnStdin, SHELLS, scratch } from '../support/shells.ts'

const emptyPlan = makePlan('h', { steps: [], force: false }, makeFacts())
const read = (path: string): string => readFileSync(path, 'utf8')

function value(target: string, before: string, after: string): Change {
  return { kind: 'kernel-value', layer: 'runtime', target, before, after, why: 'w' }
}

function file(target: string, before: string | null, after: string, mode = '0644'): Change {
  const state = (content: string) => ({
    content,
    mode,
    owner: `${process.getuid?.()}:${process.getgid?.()}`,
    label: null,
  })
  return {
    kind: 'file',
    layer: 'persistent',
    target,
    before: before === null ? null : state(before),
    after: state(after),
    why: 'w',
  }
}

describe.each(SHELLS)('compiled scripts under %s', (_name, shell) => {
  let root: string
  let runDir: string
  let max: string
  let conf: string

  beforeEach(() => {
    root = scratch()
    runDir = join(root, 'lib', 'RUN')
    max = join(root, 'max')
    conf = join(root, 'own.conf')
    writeFileSync(max, '600\n')
  })

  function stage(changes: readonly Change[]): Run {
    const plan: Plan = { ...emptyPlan, changes }
    const scripts = compile(plan, changeLibrary())
    const files = new Map([
      ['undo.sh', scripts.undo],
      ['apply.sh', scripts.apply],
      ['persist.sh', scripts.persist],
    ])
    return runOnStdin(shell, stageProgram(runDir, files))
  }

  const persist = (): Run => runOnStdin(shell, persistPrelude(runDir, 'n'))
  const undo = (): Run => runOnStdin(shell, undoProgram(runDir))

  it('changes live values first, files only by persist, and takes both back', () => {
    const changes = [value(max, '600', '8192'), file(conf, null, "a = 'b'\n\n")]
    expect(stage(changes).exitCode).toBe(REMOTE.ok)
    expect(read(max)).toBe('8192\n')
    expect(() => statSync(conf)).toThrow()
    expect(statSync(runDir).mode & 0o777).toBe(0o700)
    expect(persist().stdout.split('\n')[1]).toBe('0')
    expect(read(conf)).toBe("a = 'b'\n\n")
    expect(statSync(conf).mode & 0o777).toBe(0o644)
    expect(undo().exitCode).toBe(0)
    expect(read(max)).toBe('600\n')
    expect(() => statSync(conf)).toThrow()
    expect(undo().exitCode, 'undo may run more than once').toBe(0)
  })

  it('touches nothing when a value is not what the plan was made on', () => {
    writeFileSync(max, '700\n')
    const run = stage([value(max, '600', '8192')])
    expect(run.exitCode).toBe(REMOTE.stale)
    expect(run.stderr).toContain("is now '700'")
    expect(read(max)).toBe('700\n')
  })

  it('touches nothing when a file it would make is there', () => {
    writeFileSync(conf, 'theirs')
    expect(stage([value(max, '600', '8192'), file(conf, null, 'ours')]).exitCode).toBe(REMOTE.stale)
    expect(read(max)).toBe('600\n')
    expect(read(conf)).toBe('theirs')
  })

  it('touches nothing when a link stands where a file is to be made', () => {
    symlinkSync('/nonexistent', conf)
    expect(stage([file(conf, null, 'ours')]).exitCode).toBe(REMOTE.stale)
  })

  it('takes everything back when a later write fails', () => {
    const changes = [value(max, '600', '8192'), value(join(root, 'absent', 'x'), '', '1')]
    const run = stage(changes)
    // Taking back the value that never was fails too, and is said so.
    expect([REMOTE.undone, REMOTE.undoFailed]).toContain(run.exitCode)
    expect(read(max)).toBe('600\n')
  })

  it('keeps mode and bytes of a file that was there, empty or without a last newline', () => {
    writeFileSync(conf, '')
    chmodSync(conf, 0o640)
    expect(stage([file(conf, '', 'x = 1', '0640')]).exitCode).toBe(REMOTE.ok)
    persist()
    expect(read(conf)).toBe('x = 1')
    expect(statSync(conf).mode & 0o777).toBe(0o640)
    expect(undo().exitCode).toBe(0)
    expect(read(conf)).toBe('')
  })

  it('takes live values back when a file changed under it between the two scripts', () => {
    expect(stage([value(max, '600', '8192'), file(conf, null, 'ours')]).exitCode).toBe(REMOTE.ok)
    writeFileSync(conf, 'theirs')
    const [, code] = persist().stdout.split('\n')
    // Theirs stays as it is, and that is said as an incomplete undo, not as a clean one.
    expect(Number(code)).toBe(REMOTE.undoFailed)
    expect(read(conf)).toBe('theirs')
    expect(read(max)).toBe('600\n')
  })

  it('takes live values back when the directory of a file cannot be written', () => {
    const deep = join(root, 'gone', 'own.conf')
    expect(stage([value(max, '600', '8192'), file(deep, null, 'ours')]).exitCode).toBe(REMOTE.ok)
    const [, code] = persist().stdout.split('\n')
    expect(Number(code)).toBe(REMOTE.undone)
    expect(read(max)).toBe('600\n')
  })

  it('leaves a value that somebody else set since', () => {
    stage([value(max, '600', '8192')])
    writeFileSync(max, '1048576\n')
    const run = undo()
    expect(run.exitCode).not.toBe(0)
    expect(run.stderr).toContain('set by somebody else')
    expect(read(max)).toBe('1048576\n')
  })

  it('takes a hash size back that the kernel had rounded up', () => {
    mkdirSync(join(root, 'parameters'))
    const hashsize = join(root, 'parameters', 'hashsize')
    writeFileSync(hashsize, '2560\n')
    stage([value(hashsize, '2560', '100000')])
    writeFileSync(hashsize, '100352\n')
    expect(undo().exitCode).toBe(0)
    expect(read(hashsize)).toBe('2560\n')
  })

  it('leaves what somebody else made of our file', () => {
    stage([file(conf, null, 'ours')])
    persist()
    writeFileSync(conf, 'edited since')
    const run = undo()
    expect(run.exitCode).not.toBe(0)
    expect(run.stderr).toContain('changed by somebody else')
    expect(read(conf)).toBe('edited since')
  })

  it('changes nothing when the run directory cannot be made or exists', () => {
    mkdirSync(runDir, { recursive: true })
    expect(stage([value(max, '600', '8192')]).exitCode).toBe(REMOTE.notStaged)
    expect(read(max)).toBe('600\n')
  })

  it('is a syntax error, not half a change, when it is cut off in transfer', () => {
    const scripts = compile({ ...emptyPlan, changes: [value(max, '600', '8192')] }, changeLibrary())
    const program = stageProgram(
      runDir,
      new Map([
        ['undo.sh', scripts.undo],
        ['apply.sh', scripts.apply],
      ]),
    )
    for (const share of [0.3, 0.6, 0.95]) {
      const run = runOnStdin(shell, program.slice(0, Math.floor(program.length * share)))
      expect(run.exitCode).not.toBe(0)
      expect(read(max)).toBe('600\n')
    }
  })

  it('quotes any text so that it arrives as it is', () => {
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

it('the exit codes in the scripts are the ones of the table', () => {
  const text =
    changeLibrary() +
    stageProgram('/x/RUN', new Map()) +
    compile({ ...emptyPlan, changes: [value('/a', '1', '2')] }, '').apply
  const used = new Set([...text.matchAll(/\bexit (\d+)/g)].map(match => Number(match[1])))
  expect([...used].toSorted()).toEqual(
    Object.values(REMOTE)
      .filter(code => code !== 0)
      .toSorted(),
  )
})
