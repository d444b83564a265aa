import { describe, expect, test } from 'vitest'
import { ConfigError } from '../../../src/errors.ts'
import { type Play, readPlaybook } from '../../../src/inventory/playbook.ts'
import { refusal, write } from './inventory.ts'

const read = (text: string): readonly Play[] => readPlaybook(write(text, 'site.yaml'))
const only = (text: string): unknown => read(text).map(({ placeOf, ...play }) => play)[0]

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
    })
  })

  test('needs hosts and a strategy only', () => {
    expect(only('- hosts: all\n  strategy: raise\n  options:\n')).toEqual({
      name: null,
      hosts: 'all',
      become: null,
      strategy: ['raise'],
      options: {},
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

describe('what is refused', () => {
  const base = '- hosts: all\n  strategy: raise\n'
  test.each<[string, string | RegExp]>([
    [`${base}  strateg: x\n`, 'site.yaml:3:3: expected a known key, got "strateg"; did you mean "strategy"?'],
    [`${base}  zzz: "{{ x }}"\n`, 'site.yaml:3:3: expected one of name, hosts, become, strategy, options, got "zzz"'],
    ['- strategy: raise\n', 'site.yaml:1:3: expected a host pattern, or a list of them for hosts, got nothing'],
    ['- hosts: all\n', 'site.yaml:1:3: expected a strategy or a list of strategies for strategy, got nothing'],
    ['- hosts: all\n  strategy: []\n', /^site\.yaml:2:13: expected a strategy or a list of strategies/],
    [`${base}  become: 3\n`, 'site.yaml:3:11: expected true or false for become, got 3'],
    [`${base}  options: [max]\n`, 'site.yaml:3:12: expected a mapping for options, got a list'],
    ['- hosts: "{{ target }}"\n  strategy: raise\n', /^site\.yaml:1:10: expected a plain value for hosts, got a Jinja/],
    [`${base}  options: {max: "{{ m }}"}\n`, /^site\.yaml:3:12: expected a plain value for options, got a Jinja/],
    ['hosts: all\n', 'site.yaml:1:1: expected a list of plays, got a mapping'],
    ['[]\n', 'site.yaml:1:1: expected at least one play, got a list'],
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

  test.each(['serial', 'max_fail_percentage', 'max_unreachable', 'revert_in', 'canary'])(
    '%s, which is not yet',
    key => {
      expect(refusal(() => read(`${base}  ${key}: 1\n`))).toMatch(
        new RegExp(`^site\\.yaml:3:3: not supported yet: ${key}; `),
      )
    },
  )

  test('a file that is not there', () => {
    expect(() => readPlaybook('/nonexistent/site.yaml')).toThrow(ConfigError)
  })
})
