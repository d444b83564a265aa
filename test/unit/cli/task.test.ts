import { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { type SharedOptions, type WhatOptions, withSharedOptions, withWhatOptions } from '../../../src/cli/options.ts'
import { openFleet } from '../../../src/cli/session.ts'
import { type Wanted, wanted } from '../../../src/cli/wanted.ts'
import { ConfigError, NoMatchError, UsageError } from '../../../src/errors.ts'
import { write } from '../inventory/inventory.ts'

const TWO = 'x:\n  hosts:\n    a:\n    b:\n'

/** What is wanted under these flags of an inventory of this text. */
async function want(inventory: string, ...args: readonly string[]): Promise<Wanted> {
  const command = withWhatOptions(withSharedOptions(new Command('x')))
  const all = ['-i', write(inventory), '-u', 'me', ...args]
  const options = command.parse(all, { from: 'user' }).opts<SharedOptions & WhatOptions>()
  return wanted(await openFleet(options), options)
}

/** Strategy and options of every host, by its name. */
async function steps(inventory: string, ...args: readonly string[]): Promise<Record<string, unknown>> {
  const { hosts, taskOf } = await want(inventory, ...args)
  return Object.fromEntries(
    hosts.map(host => [host.name, taskOf(host).steps.map(({ strategy, options }) => [strategy.name, options])]),
  )
}

async function refusal(inventory: string, ...args: readonly string[]): Promise<[unknown, string]> {
  const error = await want(inventory, ...args).then(
    () => null,
    (reason: unknown) => reason,
  )
  if (!(error instanceof Error)) throw new Error('nothing was refused')
  return [error.constructor, error.message.replace(/^\/\S*-(?=[\w.]+:)/, '')]
}

describe('a task from flags', () => {
  it('is the same for every host', async () => {
    expect(await steps(TWO, '--strategy', 'raise', '--set', 'max=9')).toEqual({
      a: [['raise', { max: 9 }]],
      b: [['raise', { max: 9 }]],
    })
  })

  it('gives an option to every strategy that has it, and a named one to that strategy alone', async () => {
    const { a } = await steps(
      TWO,
      '-s',
      'raise,timeouts',
      '--set',
      'max=9',
      '--set',
      'udp=30',
      '--set',
      'timeouts.raise=true',
    )
    expect(a).toEqual([
      ['raise', { max: 9 }],
      ['timeouts', { udp: 30, raise: true }],
    ])
  })

  it('takes a named option over a bare one, and the last of two', async () => {
    const { a } = await steps(TWO, '-s', 'raise', '--set', 'raise.max=1', '--set', 'max=2', '--set', 'raise.max=3')
    expect(a).toEqual([['raise', { max: 3 }]])
  })

  it('takes all that is given for an option that holds a list', async () => {
    const [one, other] = ['nft ip filter input ct state new accept', 'nft ip filter input ct state invalid drop']
    const rules = [['untrigger', { rules: [one, other] }]]
    const twice = ['--set', `rules=${one}`, '--set', `rules=${other}`]
    expect((await steps(TWO, '-s', 'untrigger', ...twice)).a).toEqual(rules)
    expect((await steps(TWO, '-s', 'untrigger', '--set', `rules=["${one}","${other}"]`)).a).toEqual(rules)
    expect((await steps(TWO, '-s', 'untrigger', '--set', `untrigger.rules=['${one}', '${other}']`)).a).toEqual(rules)
    expect((await steps(TWO, '-s', 'notrack', '--set', 'tcp=80', '--set', 'tcp=[443, 8080]')).a).toEqual([
      ['notrack', { tcp: [80, 443, 8080] }],
    ])
  })

  it('runs a strategy once that is named twice', async () => {
    expect((await steps(TWO, '-s', 'raise,raise')).a).toEqual([['raise', {}]])
  })

  it('wins over what the inventory wants', async () => {
    const inventory = 'x: {hosts: {a: {ctfix_strategy: timeouts, ctfix_options: {udp: 1}}}}'
    expect(await steps(inventory, '-s', 'raise')).toEqual({ a: [['raise', {}]] })
  })

  it.each<[string[], unknown, string | RegExp]>([
    [['-s', 'rais'], UsageError, 'expected a strategy, got "rais"; did you mean "raise"?'],
    [
      ['-s', 'raise,'],
      UsageError,
      'expected a strategy (raise, timeouts, notrack, blacklist, untrigger, auto), got ""',
    ],
    [
      ['-s', 'raise', '--set', 'mx=1'],
      ConfigError,
      '--set: expected an option of raise, got "mx"; did you mean "max"?',
    ],
    [
      ['-s', 'raise', '--set', 'established=1'],
      ConfigError,
      /expected an option of raise \(max, .*\), got "established"/,
    ],
    [
      ['-s', 'raise', '--set', 'timeouts.udp=1'],
      ConfigError,
      '--set: expected one of the strategies (raise), got "timeouts"',
    ],
    [['-s', 'raise,timeouts', '--set', 'raise.udp=1'], ConfigError, /expected an option of raise \(/],
    [
      ['-s', 'raise', '--set', 'max=many'],
      ConfigError,
      /^--set: expected auto or a whole number .* for raise\.max, got "many"$/,
    ],
    [['-s', 'timeouts', '--set', 'udp=0'], ConfigError, /^--set: expected whole seconds .* for timeouts\.udp, got 0$/],
    [['-s', 'timeouts', '--set', 'raise=1'], ConfigError, '--set: expected true or false for timeouts.raise, got 1'],
    [
      ['-s', 'untrigger', '--set', 'stray=true,entries=true'],
      UsageError,
      '--set stray=true,entries=true: expected one --set for each option, as in --set entries=true',
    ],
    [
      ['-s', 'untrigger', '--set', 'rules=["nft ip a b ct state new accept", "x"]'],
      ConfigError,
      /^--set: expected a rule .*repeat --set rules=….* for untrigger\.rules\[1\], got "x"$/,
    ],
    [
      ['-s', 'untrigger', '--set', 'rules=nft ip a b ct state new accept,nft ip a b ct state invalid drop'],
      ConfigError,
      /^--set: (?!.*got.*got)expected a rule .* for untrigger\.rules, got "nft ip a b .*…$/,
    ],
    [['-s', 'raise', '--set', 'max=[1, 2]'], ConfigError, /for raise\.max, got a list$/],
    [['--set', 'max=1'], UsageError, /--set needs --strategy/],
    [['-s', 'raise', '--playbook', 'p'], UsageError, '--strategy and --playbook: give one of them'],
    [[], UsageError, /^nothing to do for a: give --strategy/],
  ])('%j is refused', async (args, kind, message) => {
    const [got, text] = await refusal(TWO, ...args)
    expect(got).toBe(kind)
    expect(text).toEqual(typeof message === 'string' ? message : expect.stringMatching(message))
  })
})

describe('a task from the inventory', () => {
  it('is each host’s own', async () => {
    const inventory = `
x:
  vars: {ctfix_strategy: raise}
  hosts:
    a: {ctfix_options: {max: 9}}
    b: {ctfix_strategy: [raise, timeouts], ctfix_options: {max: 7, udp: 30, timeouts: {icmp: 5}}}
    c: {ctfix_strategy: "timeouts,raise"}
    d: {ctfix_options: {raise: {max: 3}}}
    e: {ctfix_strategy: timeouts, ctfix_options: {raise: true}}
`
    expect(await steps(inventory)).toEqual({
      a: [['raise', { max: 9 }]],
      b: [
        ['raise', { max: 7 }],
        ['timeouts', { udp: 30, icmp: 5 }],
      ],
      c: [
        ['timeouts', {}],
        ['raise', {}],
      ],
      d: [['raise', { max: 3 }]],
      e: [['timeouts', { raise: true }]],
    })
    expect((await want(inventory)).strategy).toEqual(['raise', 'timeouts'])
  })

  it('is not needed of a host that is excluded', async () => {
    const { hosts, strategy } = await want('x: {hosts: {a: {ctfix_exclude: case 7}, b: {ctfix_strategy: raise}}}')
    expect(hosts.map(({ name }) => name)).toEqual(['a', 'b'])
    expect(strategy).toEqual(['raise'])
  })

  it.each([
    ['ctfix_strategy: rais', 'hosts.yaml:4:23: expected a strategy, got "rais"; did you mean "raise"?'],
    [
      'ctfix_strategy: [raise, x]',
      'hosts.yaml:4:23: expected a strategy (raise, timeouts, notrack, blacklist, untrigger, auto), got "x"',
    ],
    ['ctfix_options: {mx: 1}', 'hosts.yaml:4:23: expected an option of raise, got "mx"; did you mean "max"?'],
    [
      'ctfix_options: {max: x}',
      'hosts.yaml:4:28: expected auto or a whole number from 1 to 2147483647 for raise.max, got "x"',
    ],
    ['ctfix_options: {raise: {mx: 1}}', 'hosts.yaml:4:31: expected an option of raise, got "mx"; did you mean "max"?'],
  ])('%s is refused at its place', async (variable, message) => {
    const given = variable.startsWith('ctfix_strategy') ? variable : `${variable}\n      ctfix_strategy: raise`
    expect(await refusal(`x:\n  hosts:\n    a:\n      ${given}\n`)).toEqual([ConfigError, message])
  })
})

describe('a task from a playbook', () => {
  const FLEET =
    'edge: {hosts: {a: , b: }}\ncache: {hosts: {c: , b: , d: {ansible_become: false}}}\nrest: {hosts: {e: }}\n'
  const play = (text: string): string => write(text, 'site.yaml')

  it('is of the plays that select the host, in their order; others are left out', async () => {
    const file = play(`
- hosts: edge
  strategy: raise
  options: {max: 9}
- {hosts: cache, strategy: timeouts}
`)
    expect(await steps(FLEET, '--playbook', file)).toEqual({
      a: [['raise', { max: 9 }]],
      b: [
        ['raise', { max: 9 }],
        ['timeouts', {}],
      ],
      c: [['timeouts', {}]],
      d: [['timeouts', {}]],
    })
  })

  it('shares options as the inventory does', async () => {
    const file = play('- {hosts: a, strategy: [raise, timeouts], options: {max: 9, timeouts: {established: 2h4m}}}')
    expect(await steps(FLEET, '--playbook', file)).toEqual({
      a: [
        ['raise', { max: 9 }],
        ['timeouts', { established: '2h4m' }],
      ],
    })
  })

  it('knows --limit, --force, and who becomes root', async () => {
    const file = play('- {hosts: edge, strategy: raise}\n- {hosts: "cache", become: true, strategy: raise}')
    const { hosts, taskOf } = await want(FLEET, '--playbook', file, '--limit', 'all:!c', '--force')
    expect(hosts.map(({ name, become }) => [name, become?.method ?? null])).toEqual([
      ['a', null],
      ['b', 'sudo'],
      ['d', null],
    ])
    for (const host of hosts) expect(taskOf(host).force).toBe(true)
  })

  it('can do without root where the command line would become it', async () => {
    const file = play('- {hosts: edge, become: false, strategy: raise}\n- {hosts: rest, strategy: raise}')
    const { hosts } = await want(FLEET, '--playbook', file, '-b', '--become-method', 'sudo')
    expect(hosts.map(({ name, become }) => [name, become?.method ?? null])).toEqual([
      ['a', null],
      ['b', null],
      ['e', 'sudo'],
    ])
  })

  it.each<[string, unknown, string]>([
    [
      '- {hosts: edgy, strategy: raise}',
      NoMatchError,
      'site.yaml:1:11: no host or group matches "edgy"; did you mean edge?',
    ],
    ['- {hosts: "a[", strategy: raise}', NoMatchError, 'site.yaml:1:11: '],
    [
      '- {hosts: a, strategy: rais}',
      ConfigError,
      'site.yaml:1:24: expected a strategy, got "rais"; did you mean "raise"?',
    ],
    [
      '- {hosts: a, strategy: raise, options: {mx: 1}}',
      ConfigError,
      'site.yaml:1:41: expected an option of raise, got "mx"',
    ],
    [
      '- {hosts: a, strategy: raise, options: {max: x}}',
      ConfigError,
      'site.yaml:1:46: expected auto or a whole number',
    ],
    [
      '- {hosts: a, strategy: [raise, timeouts], options: {timeouts: {udp: x}}}',
      ConfigError,
      'site.yaml:1:69: expected whole seconds',
    ],
    [
      '- {hosts: a, strategy: raise, options: {timeouts: {udp: 1}}}',
      ConfigError,
      'site.yaml:1:41: expected options of raise, got those of timeouts, which is not among the strategies',
    ],
  ])('%s is refused at its place', async (text, kind, message) => {
    const [got, said] = await refusal(FLEET, '--playbook', play(text))
    expect([got, said.slice(0, message.length)]).toEqual([kind, message])
  })

  it('that --limit leaves nothing of is no run over nothing', async () => {
    const file = play('- {hosts: edge, strategy: raise}')
    expect((await refusal(FLEET, '--playbook', file, '--limit', 'rest'))[0]).toBe(NoMatchError)
  })

  it('does not mix with --set', async () => {
    const file = play('- {hosts: edge, strategy: raise}')
    expect((await refusal(FLEET, '--playbook', file, '--set', 'max=1'))[0]).toBe(UsageError)
  })
})
