import { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { type Entry, everyEntry, grammarOf } from '../../../src/cli/grammar.ts'
import { createProgram } from '../../../src/cli/index.ts'
import {
  type SharedOptions,
  unknownWord,
  type WhatOptions,
  withSharedOptions,
  withWhatOptions,
} from '../../../src/cli/options.ts'
import { parseSet } from '../../../src/cli/set.ts'
import { STRATEGIES } from '../../../src/cli/strategies-help.ts'
import { optionNames } from '../../../src/cli/task.ts'
import { auto } from '../../../src/diagnose/auto.ts'
import { UsageError } from '../../../src/errors.ts'
import { strategies } from '../../../src/strategy/index.ts'

function parsed(...args: readonly string[]): SharedOptions & WhatOptions {
  const command = withWhatOptions(withSharedOptions(new Command('x')))
  command.exitOverride().configureOutput({ writeErr: () => {} })
  return command.parse([...args], { from: 'user' }).opts()
}

describe('--set', () => {
  it.each<[string, string | null, string, unknown]>([
    ['max=1048576', null, 'max', 1_048_576],
    ['max=auto', null, 'max', 'auto'],
    ['established=2h4m', null, 'established', '2h4m'],
    ['raise.headroom=1.5', 'raise', 'headroom', 1.5],
    ['lower=true', null, 'lower', true],
    ['lower=false', null, 'lower', false],
    ['udp=-1', null, 'udp', -1],
    ['max=', null, 'max', ''],
    ['max=a=b', null, 'max', 'a=b'],
    ['max=1e3', null, 'max', '1e3'],
    ['tcp=[80, "90:99"]', null, 'tcp', [80, '90:99']],
    ["rules=['a, b', c]", null, 'rules', ['a, b', 'c']],
    ['rules=[]', null, 'rules', []],
    ['rules=[a', null, 'rules', '[a'],
    ['rules=["a]', null, 'rules', '["a]'],
    ['rules=[{a: 1}]', null, 'rules', '[{a: 1}]'],
    ['rules=a -m comment --comment "x,y=z"', null, 'rules', 'a -m comment --comment "x,y=z"'],
  ])('%s', (text, strategy, key, value) => {
    expect(parseSet(text)).toEqual({ strategy, key, value })
  })

  it.each(['max', '=1', '.max=1', 'raise.=1', 'a.b.c=1', '', 'a=true,b=true', 'a=true, b=true', 'a=1,b_c=2 3'])(
    '%j is no setting',
    text => {
      expect(() => parseSet(text)).toThrow(UsageError)
    },
  )
})

describe('flags', () => {
  it('have their defaults', () => {
    expect(parsed()).toMatchObject({
      inventory: [],
      set: [],
      forks: 50,
      connectTimeout: 60,
      window: 10,
      output: 'human',
      becomeMethod: 'sudo',
      color: true,
    })
  })

  it('that repeat are collected, lists are split', () => {
    const options = parsed(
      '-i',
      'a',
      '-i',
      'b,',
      '--strategy',
      'raise, timeouts',
      '-s',
      'raise',
      '--set',
      'a=1',
      '--set',
      'b=2',
    )
    expect(options).toMatchObject({
      inventory: ['a', 'b,'],
      strategy: ['raise', 'timeouts', 'raise'],
      set: ['a=1', 'b=2'],
    })
  })

  it('that are times take durations', () => {
    expect(parsed('--window', '1m30s', '--connect-timeout', '5')).toMatchObject({ window: 90, connectTimeout: 5 })
  })

  it('that were said are known from those that are defaults, also where they say the same', () => {
    expect(parsed('--connect-timeout', '60')).toMatchObject({ connectTimeout: 60, connectTimeoutSaid: true })
    expect(parsed().connectTimeoutSaid).toBeUndefined()
  })

  it.each([
    ['--forks', '0'],
    ['--forks', '1001'],
    ['--forks', '1.5'],
    ['--window', '0'],
    ['--window', 'soon'],
    ['--output', 'xml'],
    ['--host-key', 'off'],
    ['--become-method', 'pbrun'],
    ['--frobnicate', 'x'],
  ])('%s %s is refused', (...args) => {
    expect(() => parsed(...args)).toThrow(expect.objectContaining({ name: 'CommanderError' }))
  })
})

describe('a word that is not known', () => {
  it('brings the nearest one', () => {
    expect(unknownWord('a strategy', 'rais', ['raise', 'timeouts'])).toBe(
      'expected a strategy, got "rais"; did you mean "raise"?',
    )
  })
  it('brings all of them where none is near', () => {
    expect(unknownWord('a strategy', 'xyzzy', ['raise', 'timeouts'])).toBe(
      'expected a strategy (raise, timeouts), got "xyzzy"',
    )
  })
})

describe('help', () => {
  it('has every strategy with its summary and options, as the strategies themselves have them', () => {
    const known = [...strategies, auto].map(strategy => ({
      name: strategy.name,
      summary: strategy.summary,
      options: optionNames(strategy),
    }))
    expect(STRATEGIES, 'this is the list in src/cli/strategies-help.ts').toEqual(known)
  })

  it('lists the commands', () => {
    expect(createProgram('1.2.3').commands.map(command => command.name())).toEqual([
      'facts',
      'diagnose',
      'watch',
      'plan',
      'show',
      'apply',
      'verify',
      'rollback',
      'runs',
      'report',
      'inventory',
      'hostkeys',
      'strategies',
      'completion',
      'complete-names',
    ])
  })
})

describe('a ticket', () => {
  const entries = everyEntry(grammarOf(createProgram('1.2.3')))
  const offers = ({ flags }: Entry): readonly string[] | undefined =>
    flags.find(({ names }) => names.includes('--output'))?.value?.choices
  const nameOf = ({ path }: Entry): string => path.join(' ')

  it('is offered where there is a run, or facts, to make it of, and nowhere else', () => {
    const made = entries.filter(entry => offers(entry)?.includes('markdown')).map(nameOf)
    expect(made).toEqual(['facts', 'plan', 'show', 'apply', 'verify', 'rollback', 'report'])
    for (const entry of entries) {
      const known = offers(entry)
      if (known !== undefined && !made.includes(nameOf(entry))) expect(known).toEqual(['human', 'json', 'ndjson'])
    }
  })

  it.each(['diagnose', 'watch', 'runs list', 'runs show x', 'inventory list', 'hostkeys scan'])(
    'of %s is refused with what there is instead',
    async path => {
      const program = createProgram('1.2.3')
      const quiet = (command: Command): void => {
        command.exitOverride().configureOutput({ writeErr: () => {} })
        for (const below of command.commands) quiet(below)
      }
      quiet(program)
      for (const output of ['markdown', 'junit']) {
        await expect(program.parseAsync([...path.split(' '), '--output', output], { from: 'user' })).rejects.toThrow(
          'Allowed choices are human, json, ndjson.',
        )
      }
    },
  )
})
