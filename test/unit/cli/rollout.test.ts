/** Batches, limits and gates as flags and plays give them, and what cannot be meant. */
import { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { type ApplyOptions, withGuardOptions, withSharedOptions, withWhatOptions } from '../../../src/cli/options.ts'
import { revertInBy, stretchesOf, withFlags } from '../../../src/cli/rollout.ts'
import { withRolloutOptions } from '../../../src/cli/rollout-options.ts'
import { openFleet } from '../../../src/cli/session.ts'
import { wanted } from '../../../src/cli/wanted.ts'
import { ConfigError, NoMatchError, UsageError } from '../../../src/errors.ts'
import { GateCommand } from '../../../src/run/rollout/gate-command.ts'
import { recordedStretches, stretchesSchema, writtenStretches } from '../../../src/run/rollout/recorded-rules.ts'
import type { Stretch } from '../../../src/run/rollout/rules.ts'
import { write } from '../inventory/inventory.ts'
import { amount, limit } from '../run/rollout/hosts.ts'

const HOSTS = 'web: {hosts: {w1: {}, w2: {}, w3: {}}}\nedge: {hosts: {e1: {}, e2: {ctfix_exclude: case 7}}}\n'

async function stretches(...args: readonly string[]): Promise<readonly Stretch[]> {
  const command = withRolloutOptions(withGuardOptions(withWhatOptions(withSharedOptions(new Command('x')))))
  command.exitOverride().configureOutput({ writeErr: () => {} })
  const options = command.parse(['-i', write(HOSTS), '-u', 'me', ...args], { from: 'user' }).opts<ApplyOptions>()
  const fleet = await openFleet(options)
  const work = wanted(fleet, options)
  return stretchesOf(work.plays ?? [{ play: null, hosts: work.hosts }], options, fleet)
}

const names = ({ hosts }: Stretch): string => hosts.map(({ name }) => name).join(' ')
const RAISE = ['-s', 'raise']
const PLAYS = `
- {name: Edge, hosts: "edge:w1", strategy: raise, serial: 1, max_failed: 0, revert_in: 90s, gate: ./edge, order: pressure}
- {name: All, hosts: all, strategy: timeouts, canary: "web[1]", max_unreachable: 50%, bake: 2m}
- {name: Nobody new, hosts: e1, strategy: raise, serial: 9}
`

describe('rules', () => {
  it('are none where nothing says any', async () => {
    const [only, ...more] = await stretches(...RAISE)
    expect(more).toEqual([])
    expect(only).toMatchObject({
      name: null,
      // The one that is excluded is nobody to be a share of.
      total: 4,
      revertInSeconds: null,
      rules: { serial: [], canary: [], maxFailed: null, maxUnreachable: null, bakeSeconds: 0, gate: null },
    })
  })

  it('come from flags', async () => {
    const flags = ['--serial', '1,10%', '--canary', 'web[-1]', '--max-failed', '5%', '--max-unreachable', '2']
    const [only] = await stretches(...RAISE, ...flags, '--bake', '2m', '--gate', './ok', '--order', 'pressure')
    expect(only?.rules).toEqual({
      serial: [amount('1'), amount('10%')],
      canary: ['w3'],
      maxFailed: limit('5%', 'run'),
      maxUnreachable: limit('2', 'run'),
      bakeSeconds: 120,
      gate: new GateCommand('./ok'),
      order: 'pressure',
    })
  })

  it('come from plays: a host goes with the first that selects it', async () => {
    const [edge, all, ...more] = await stretches('--playbook', write(PLAYS, 'site.yaml'))
    if (!edge || !all) throw new Error('too few')
    expect(more).toEqual([])
    expect([names(edge), names(all)]).toEqual(['w1 e1 e2', 'w2 w3'])
    expect(edge).toMatchObject({
      name: 'Edge',
      total: 2,
      rules: { serial: [amount('1')], maxFailed: limit('0'), gate: { shown: './edge' }, order: 'pressure' },
    })
    expect(all).toMatchObject({
      total: 2,
      rules: { serial: [], canary: ['w2'], maxFailed: null, maxUnreachable: limit('50%'), bakeSeconds: 120 },
    })
    const revertIn = revertInBy([edge, all])
    expect([edge, all].flatMap(({ hosts }) => hosts.map(revertIn))).toEqual([
      ...[{ revertInSeconds: 90 }, { revertInSeconds: 90 }, { revertInSeconds: 90 }],
      ...[{}, {}],
    ])
  })

  it('of flags go before those of plays, one by one', async () => {
    const flags = ['--serial', '2', '--max-failed', '1', '--gate', 'true', '--bake', '0', '--revert-in', '70s']
    const found = await stretches('--playbook', write(PLAYS, 'site.yaml'), ...flags)
    expect(found.map(({ rules, revertInSeconds }) => ({ ...rules, revertInSeconds }))).toMatchObject([
      {
        serial: [amount('2')],
        maxFailed: limit('1', 'run'),
        gate: { shown: 'true' },
        order: 'pressure',
        revertInSeconds: null,
      },
      { serial: [amount('2')], canary: ['w2'], maxUnreachable: limit('50%'), bakeSeconds: 0, gate: { shown: 'true' } },
    ])
  })
})

describe('a gate with a secret', () => {
  const INVENTORY =
    'web: {hosts: {w1: {ansible_password: kanarien-ssh}, w2: {ansible_become: true, ansible_become_password: kan@rien/su}}}\n'
  const options = async (...args: readonly string[]) => {
    const command = withRolloutOptions(withGuardOptions(withWhatOptions(withSharedOptions(new Command('x')))))
    return command.parse(['-i', write(INVENTORY), '-u', 'me', ...RAISE, ...args], { from: 'user' }).opts<ApplyOptions>()
  }

  it('is run as it is, and shown and written down without it; gone on with it has to be given again', async () => {
    const said = './ask --as kanarien-ssh https://x/?p=kan%40rien%2Fsu --password kanarien-cli'
    const given = await options('--serial', '1', '--gate', said)
    const fleet = await openFleet(given)
    const made = stretchesOf([{ play: null, hosts: fleet.hosts }], given, fleet)
    expect(made[0]?.rules.gate?.reveal()).toBe(said)
    const written = writtenStretches(made)
    const shown = './ask --as *** https://x/?p=*** --password ***'
    expect(written).toMatchObject([{ gate: shown, gate_masked: true }])
    expect(JSON.stringify([written, made])).not.toContain('kanarien-')
    const back = recordedStretches(stretchesSchema.parse(JSON.parse(JSON.stringify(written))), fleet.hosts)
    expect(() => withFlags(back, given, fleet)).not.toThrow()
    const without = await options()
    expect(() => withFlags(back, without, fleet)).toThrow(UsageError)
    expect(() => withFlags(back, without, fleet)).toThrow(
      `the gate had a secret in it, and that is not written down: ${shown}`,
    )
    expect(withFlags(back, await options('--gate', 'true'), fleet)[0]?.rules.gate).toMatchObject({ shown: 'true' })
  })

  it('of a play is masked, too; one without any goes on as it was written', async () => {
    const play = write(
      '- {hosts: web, strategy: raise, serial: 1, gate: "curl https://ops:kanarien@x/ok"}\n',
      'site.yaml',
    )
    const given = await options('--gate', './ok "$TOKEN"')
    const fleet = await openFleet(given)
    const [of] = wanted(fleet, { set: [], window: 10, playbook: play }).plays ?? []
    if (!of) throw new Error('no play')
    const { gate: _, ...flags } = given
    expect(stretchesOf([of], flags, fleet)[0]?.rules.gate).toMatchObject({ shown: 'curl https://ops:***@x/ok' })
    const written = writtenStretches(stretchesOf([of], given, fleet))
    expect(written[0]).toMatchObject({ gate: './ok "$TOKEN"' })
    const back = recordedStretches(stretchesSchema.parse(written), fleet.hosts)
    expect(withFlags(back, flags, fleet)[0]?.rules.gate?.reveal()).toBe('./ok "$TOKEN"')
  })
})

describe('what cannot be meant', () => {
  const play = (keys: string): string => write(`- hosts: web\n  strategy: raise\n  ${keys}\n`, 'site.yaml')

  it.each<[string, readonly string[], unknown, RegExp]>([
    ['a canary that is nobody', [...RAISE, '--canary', 'w9'], NoMatchError, /^no host or group matches "w9"/],
    [
      'a canary that --limit leaves out',
      [...RAISE, '--canary', 'e1', '-l', 'web'],
      NoMatchError,
      /^--canary e1: none of/,
    ],
    ['a canary that is excluded', [...RAISE, '--canary', 'e2'], NoMatchError, /^--canary e2: none of the hosts/],
    ['a canary that is no pattern', [...RAISE, '--canary', '!'], UsageError, /^expected a name after !/],
  ])('%s', async (_, args, kind, message) => {
    const error: unknown = await stretches(...args).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(kind)
    expect(error).toMatchObject({ message: expect.stringMatching(message) })
  })

  it.each<[string, string, readonly string[], unknown, RegExp]>([
    ['a canary that is nobody', 'canary: w9', [], NoMatchError, /site\.yaml:3:11: no host or group matches "w9"/],
    [
      'a canary that --limit leaves out',
      'canary: w1',
      ['-l', 'w2'],
      NoMatchError,
      /site\.yaml:3:11: no host of the canary/,
    ],
    [
      'a canary of another play’s hosts',
      'canary: e1',
      [],
      NoMatchError,
      /site\.yaml:3:11: no host of the canary is among those of this run$/,
    ],
    ['no time to prove anything', 'revert_in: 9s', [], ConfigError, /site\.yaml:3:14: revert_in 9: with --window 10 /],
  ])('in a play, %s', async (_, keys, args, kind, message) => {
    const error: unknown = await stretches('--playbook', play(keys), ...args).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(kind)
    expect(error).toMatchObject({ message: expect.stringMatching(message) })
  })

  it.each([
    [['--serial', '0'], /expected numbers of hosts from 1, .* got 0/],
    [['--serial', '1,many'], /got 1,many/],
    [['--max-failed', '-1'], /expected a number of hosts, .* got -1/],
    [['--max-unreachable', '101%'], /got 101%/],
    // A variable of the shell that is not set: no gate would be no stop.
    [['--gate', ' '], /expected a command \("true" lets every batch begin\), got/],
    [['--bake', 'soon'], /expected seconds or a duration/],
    [['--order', 'worst'], /Allowed choices are inventory, pressure/],
  ])('%j', async (args, message) => {
    await expect(stretches(...RAISE, ...args)).rejects.toThrow(message)
  })
})
