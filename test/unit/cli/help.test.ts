import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { EXAMPLES } from '../../../src/cli/examples.ts'
import { type Entry, everyEntry, grammarOf, isHelp } from '../../../src/cli/grammar.ts'
import { exitCodes, HELP_COLUMNS } from '../../../src/cli/help.ts'
import { createProgram } from '../../../src/cli/index.ts'
import { strategyPages } from '../../../src/cli/strategies.ts'
import { tasksFromFlags } from '../../../src/cli/task.ts'
import { readPlaybook } from '../../../src/inventory/playbook.ts'
import { isRunId } from '../../../src/run/run-id.ts'

const ROOT = join(import.meta.dirname, '../../..')
const entries = everyEntry(grammarOf(createProgram('1.2.3'))).filter(entry => !isHelp(entry))
const examples = Object.entries(EXAMPLES).flatMap(([path, some]) => some.map(({ line }) => ({ path, line })))

const nameOf = ({ path }: Entry): string => path.join(' ')

function commandAt(program: Command, path: readonly string[]): Command {
  return path.reduce((command, name) => {
    const below = command.commands.find(candidate => candidate.name() === name)
    if (!below) throw new Error(`there is no command ${path.join(' ')}`)
    return below
  }, program)
}

function helpOf(path: readonly string[]): string {
  let help = ''
  const command = commandAt(createProgram('1.2.3'), path)
  command.configureOutput({ writeOut: text => (help += text) }).outputHelp()
  return help
}

/** Words of a simple command line: blanks part, quotes join. */
const words = (line: string): string[] =>
  [...line.matchAll(/'([^']*)'|(\S+)/g)].map(match => match[1] ?? match[2] ?? '')

describe('help', () => {
  it.each(entries.map(entry => [nameOf(entry), entry] as const))('of ctfix %s fits into 80 columns', (_, { path }) => {
    const help = helpOf(path)
    expect(help).toContain(`Usage: ctfix${path.map(name => ` ${name}`).join('')}`)
    expect(help.split('\n').filter(line => line.length > HELP_COLUMNS)).toEqual([])
    expect(help).not.toContain('[]')
  })

  it('shows the flags of a command itself before those that all have', () => {
    const headings = [...helpOf(['apply']).matchAll(/^(\S.*):$/gm)].map(match => match[1])
    expect(headings[0]).toBe('Options')
    expect(headings.indexOf('Batches and budgets')).toBe(1)
    expect(headings.slice(2, 5)).toEqual(['Which hosts', 'Getting into them', 'Output'])
    expect(headings.at(-1)).toBe('Examples')
    const [own = ''] = helpOf(['facts']).split('Which hosts:')
    expect(own).not.toMatch(/--(inventory|user|output|forks)/)
  })

  it('of commands that ask no host has no word of hosts, and a limit is refused rather than passed over', async () => {
    for (const path of [['show'], ['report'], ['runs', 'list']]) {
      expect(helpOf(path)).not.toMatch(/Which hosts|Getting into them|--(inventory|limit|user|forks)/)
      expect(helpOf(path)).toContain('--output')
      const program = createProgram('1.2.3').exitOverride()
      const operands = path[0] === 'runs' ? [] : ['x']
      const line = [...path, ...operands, '-i', 'hosts', '-l', 'web']
      await expect(program.parseAsync(line, { from: 'user' })).rejects.toThrow(
        `--limit: ctfix ${path.join(' ')} asks no host`,
      )
    }
    expect(helpOf(['runs', 'show'])).toContain('--limit')
  })

  it('has the exit codes in the words of the README', () => {
    const cells = [...readFileSync(join(ROOT, 'README.md'), 'utf8').matchAll(/^\| (\d+) \| (.+) \|$/gm)]
    expect(exitCodes()).toEqual(cells.map(([, code, meaning = '']) => [Number(code), meaning.replaceAll('`', '')]))
    for (const [code] of exitCodes()) expect(helpOf([])).toMatch(new RegExp(`^  ${code} {2,}\\S`, 'm'))
  })

  it('says of every option of every strategy what it means', () => {
    const silent = strategyPages().flatMap(({ name, options }) =>
      options.filter(({ meaning }) => meaning.length < 5).map(option => `${name}.${option.name}`),
    )
    expect(silent).toEqual([])
  })
})

describe('examples', () => {
  /** A program of our own: the actions of the real one are taken out. */
  let program: Command
  let parsed: Record<string, unknown>

  beforeEach(async () => {
    vi.resetModules()
    program = (await import('../../../src/cli/index.ts')).createProgram('1.2.3')
    for (const { path } of entries) {
      const command = commandAt(program, path)
      command.exitOverride().configureOutput({ writeErr: () => {} })
      if (command.commands.length === 0) {
        command.action(() => {
          parsed = command.opts()
        })
      }
    }
  })

  it.each(entries.filter(({ entries: below }) => below.length === 0).map(nameOf))('of ctfix %s: two to four', path => {
    const count = EXAMPLES[path]?.length ?? 0
    expect(count).toBeGreaterThanOrEqual(2)
    expect(count).toBeLessThanOrEqual(4)
  })

  it('are of commands that are there', () => {
    expect(Object.keys(EXAMPLES).filter(path => !entries.some(entry => nameOf(entry) === path))).toEqual([])
  })

  it.each(examples)('$line', async ({ path, line }) => {
    const [, command = ''] = /(ctfix .*?)(?:\)'? >> \S+| > \S+)?$/.exec(line) ?? []
    const [, ...args] = words(command)
    expect(args.join(' ').startsWith(path)).toBe(true)
    await program.parseAsync(args, { from: 'user' })
    const { strategy, set, playbook, run, resume } = parsed
    if (Array.isArray(strategy)) {
      const what = { strategy, set: Array.isArray(set) ? set : [], window: 10 }
      const task = tasksFromFlags(what, { variables: () => new Map() })
      expect(task).toBeTypeOf('function')
    }
    if (typeof playbook === 'string') {
      expect(existsSync(join(ROOT, playbook))).toBe(true)
      expect(readPlaybook(join(ROOT, playbook)).length).toBeGreaterThan(0)
    }
    for (const id of [run, resume, ...args.filter(word => word.length === 26)]) {
      if (id !== undefined) expect(isRunId(String(id))).toBe(true)
    }
  })

  it('with a flag that is not there would be found', async () => {
    const parsing = program.parseAsync(['apply', '--strategi', 'raise'], { from: 'user' })
    await expect(parsing).rejects.toThrow('unknown option')
  })
})
