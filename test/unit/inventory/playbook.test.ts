import { describe, expect, test } from 'vitest'
import { ConfigError } from '../../../src/errors.ts'
import { type Play, readPlaybook } from '../../../src/inventory/playbook.ts'
import { refusal, write } from './inventory.ts'

const read = (text: string): readonly Play[] => readPlaybook(write(text, 'site.yaml'))
const only = (text: string): unknown => read(text).map(({ placeOf, ...play }) => play)[0]

const NOTHING_SAID = {
  serial: null,
  canary: null,
  maxFailed: null,
  maxUnreachable: null,
  revertIn: null,
  bake: null,
  gate: null,
  order: null,
}

describe('a play', () => {
  test('has what it says', () => {
    expect(
      only('- {name: n, hosts: "edge:!lab", become: true, strategy: [raise, timeouts], options: {max: auto}}'),
    ).toEqual({
      name: 'n',
      hosts: 'edge:!lab',
      become: true,
      strategy: ['raise', 'timeouts'],
      options: { max: 'auto' },
      ...NOTHING_SAID,
    })
  })

  test('needs hosts and a strategy only', () => {
    expect(only('- hosts: all\n  strategy: raise\n  options:\n')).toEqual({
      name: null,
      hosts: 'all',
      become: null,
      strategy: ['raise'],
      options: {},
      ...NOTHING_SAID,
    })
  })

  test('is read as Ansible reads it', () => {
    expect(only('- {hosts: [a, b], become: yes, strategy: "raise, timeouts"}')).toMatchObject({
      hosts: 'a,b',
      become: true,
      strategy: ['raise', 'timeouts'],
    })
  })

  test('knows where its values stand', () => {
    const [, second] = read('- {hosts: a, strategy: b}\n- hosts: a\n  strategy: c\n  options:\n    max: 1\n')
    expect(second?.placeOf(['options', 'max'])).toMatchObject({ line: 5, column: 10 })
    expect(second?.placeOf(['options', 'max'], { key: true })).toMatchObject({ line: 5, column: 5 })
  })

  test('comes in the order of the file', () => {
    expect(read('- {hosts: b, strategy: x}\n- {hosts: a, strategy: x}\n').map(({ hosts }) => hosts)).toEqual(['b', 'a'])
  })
})

describe('how a play goes over its hosts', () => {
  const play = (text: string): unknown => only(`- hosts: all\n  strategy: raise\n${text}`)

  test('sizes, one or several, in hosts and percent', () => {
    expect(play('  serial: [1, 10%, "100%"]\n')).toMatchObject({
      serial: [hosts(1), percent(10), percent(100)],
    })
    expect(play('  serial: 5\n')).toMatchObject({ serial: [hosts(5)] })
    expect(play('  serial: 12.5%\n')).toMatchObject({ serial: [percent(12.5)] })
    expect(play('  serial:\n')).toMatchObject({ serial: null })
  })

  test('limits', () => {
    expect(play('  max_failed: 5%\n  max_unreachable: 0\n')).toMatchObject({
      maxFailed: percent(5),
      maxUnreachable: hosts(0),
    })
    expect(play('  max_fail_percentage: 5\n')).toMatchObject({ maxFailed: percent(5) })
    expect(play('  max_fail_percentage: "2.5%"\n')).toMatchObject({ maxFailed: percent(2.5) })
  })

  test('canary, times, gate and order', () => {
    expect(
      play('  canary: [web-1, "edge*"]\n  bake: 2m\n  revert_in: 90\n  gate: ./ok\n  order: pressure\n'),
    ).toMatchObject({
      canary: 'web-1,edge*',
      bake: 120,
      revertIn: 90,
      gate: './ok',
      order: 'pressure',
    })
  })
})

const hosts = (value: number): object => ({ value, unit: 'hosts' })
const percent = (value: number): object => ({ value, unit: 'percent' })

describe('what is refused', () => {
  test('a saved plan, with the flag that it goes to', () => {
    const plan = '{"ctfix": "plan", "version": 1}'
    expect(refusal(() => read(plan))).toBe('site.yaml: expected a playbook, got a saved plan')
    const hint = expect.stringMatching(/^ctfix apply --plan .*site\.yaml$/)
    expect(() => read(plan)).toThrow(expect.objectContaining({ hint }))
  })

  const base = '- hosts: all\n  strategy: raise\n'
  test.each<[string, string | RegExp]>([
    [`${base}  strateg: x\n`, 'site.yaml:3:3: expected a known key, got "strateg"; did you mean "strategy"?'],
    [
      `${base}  zzz: "{{ x }}"\n`,
      'site.yaml:3:3: expected one of name, hosts, become, strategy, options, serial, canary, max_failed, max_fail_percentage, max_unreachable, revert_in, bake, gate, order, got "zzz"',
    ],
    [
      '- hosts: all\n  stratgy: raise\n',
      'site.yaml:2:3: expected a known key, got "stratgy"; did you mean "strategy"?',
    ],
    ['- strategy: raise\n', 'site.yaml:1:3: expected a host pattern, or a list of them for hosts, got nothing'],
    ['- hosts: all\n', 'site.yaml:1:3: expected a strategy or a list of strategies for strategy, got nothing'],
    [
      '- hosts: all\n  strategy: []\n',
      /^site\.yaml:2:13: expected a strategy or a list of strategies for strategy, got an empty list$/,
    ],
    [`${base}  become: 3\n`, 'site.yaml:3:11: expected true or false for become, got 3'],
    [`${base}  options: [max]\n`, 'site.yaml:3:12: expected a mapping for options, got a list'],
    ['- hosts: "{{ target }}"\n  strategy: raise\n', /^site\.yaml:1:10: expected a plain value for hosts, got a Jinja/],
    [`${base}  options: {max: "{{ m }}"}\n`, /^site\.yaml:3:12: expected a plain value for options, got a Jinja/],
    [`${base}  serial: 0\n`, /^site\.yaml:3:11: expected a number of hosts from 1, .* for serial, got 0$/],
    [
      `${base}  serial: [1, 0%]\n`,
      /^site\.yaml:3:15: expected a number of hosts from 1, .* for serial\[1\], got "0%"$/,
    ],
    [
      `${base}  serial: [1, many]\n`,
      /^site\.yaml:3:15: expected a number of hosts from 1, .* for serial\[1\], got "many"$/,
    ],
    [
      `${base}  serial: [1, 110%]\n`,
      /^site\.yaml:3:15: expected a number of hosts from 1, .* for serial\[1\], got "110%"$/,
    ],
    [`${base}  serial: []\n`, /^site\.yaml:3:11: expected at least one size for serial, got an empty list$/],
    [`${base}  serial: 110%\n`, /^site\.yaml:3:11: .* for serial, got "110%"$/],
    [`${base}  serial: 1.5\n`, /^site\.yaml:3:11: .* for serial, got 1.5$/],
    [`${base}  max_failed: -1\n`, /^site\.yaml:3:15: expected a number of hosts, or .* for max_failed, got -1$/],
    [`${base}  max_failed: 5 %%\n`, /^site\.yaml:3:15: expected a number of hosts, or .* for max_failed, got "5 %%"$/],
    [`${base}  max_unreachable: few\n`, /^site\.yaml:3:20: .* for max_unreachable, got "few"$/],
    [`${base}  max_fail_percentage: 101\n`, /^site\.yaml:3:24: expected a percentage .*, got 101$/],
    [
      `${base}  max_failed: 1\n  max_fail_percentage: 5\n`,
      'site.yaml:4:3: expected max_failed or max_fail_percentage, got both',
    ],
    [`${base}  bake: soon\n`, /^site\.yaml:3:9: expected seconds, or a duration .* for bake, got "soon"$/],
    [`${base}  revert_in: 2d\n`, /^site\.yaml:3:14: expected seconds, .* at most a day for revert_in, got "2d"$/],
    [`${base}  gate: ""\n`, /^site\.yaml:3:9: expected a command for gate, got ""$/],
    [`${base}  gate: [a]\n`, /^site\.yaml:3:9: expected a command for gate, got a list$/],
    [`${base}  order: worst\n`, /^site\.yaml:3:10: expected inventory or pressure for order, got "worst"$/],
    [`${base}  canary: 3\n`, /^site\.yaml:3:11: expected a host pattern, or a list of them for canary, got 3$/],
    [`${base}  seriel: 1\n`, 'site.yaml:3:3: expected a known key, got "seriel"; did you mean "serial"?'],
    [`${base}  max_fail: 1\n`, /^site\.yaml:3:3: expected a known key, got "max_fail"; did you mean "max_failed"\?$/],
    ['hosts: all\n', 'site.yaml:1:1: expected a list of plays, got a mapping'],
    ['[]\n', 'site.yaml:1:1: expected at least one play, got an empty list'],
    ['- all\n', 'site.yaml:1:3: expected a mapping, got "all"'],
    ['-\n', /^site\.yaml:1:\d: expected a mapping, got nothing$/],
    ['', 'site.yaml: expected YAML, got an empty file'],
  ])('%j', (text, message) => {
    expect(refusal(() => read(text))).toEqual(typeof message === 'string' ? message : expect.stringMatching(message))
  })

  test.each(['tasks', 'pre_tasks', 'post_tasks', 'handlers', 'roles'])('%s: ctfix is no general runner', key => {
    expect(refusal(() => read(`- hosts: all\n  ${key}: []\n`))).toBe(
      `site.yaml:2:3: expected a strategy, got "${key}": ctfix is no general runner`,
    )
  })

  test('a file that is not there', () => {
    expect(() => readPlaybook('/nonexistent/site.yaml')).toThrow(ConfigError)
  })
})
