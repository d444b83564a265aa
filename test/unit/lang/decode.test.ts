import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { ConfigError } from '../../../src/errors.ts'
import { parseYaml } from '../../../src/inventory/yaml-text.ts'
import { decode, describe as describeValue } from '../../../src/lang/decode.ts'

const play = z.strictObject({
  name: z.string().optional(),
  hosts: z.string(),
  strategy: z.union([z.string(), z.array(z.string())]),
  serial: z
    .array(z.union([z.int().min(1), z.string().regex(/^\d+%$/, 'expected a percentage such as 10%')]))
    .optional(),
  become: z.boolean().default(false),
  method: z.enum(['sudo', 'su']).optional(),
  limits: z.record(z.string(), z.number()).optional(),
})
const plays = z.array(play).min(1)
const read = (text: string): unknown => decode(plays, parseYaml(text, 'site.yaml'))
const base = '- hosts: all\n  strategy: raise\n'

describe('schema → value', () => {
  test('a value of the schema, defaults put in', () => {
    expect(read(base)).toEqual([{ hosts: 'all', strategy: 'raise', become: false }])
  })

  test('own files are YAML 1.2: yes is text', () => {
    expect(() => read(`${base}  become: yes\n`)).toThrow(
      'site.yaml:3:11: expected true or false for [0].become, got "yes"',
    )
  })

  test('only the part at a path', () => {
    expect(decode(z.string(), parseYaml(base, 'site.yaml'), [0, 'hosts'])).toBe('all')
    expect(() => decode(z.int(), parseYaml(base, 'site.yaml'), [0, 'hosts'])).toThrow(
      'site.yaml:1:10: expected a number for [0].hosts, got "all"',
    )
  })

  test.each<[string, string]>([
    [`${base}  strateg: x\n`, 'site.yaml:3:3: expected a known key, got "strateg"; did you mean "strategy"?'],
    [
      `${base}  zzzzzzzz: x\n`,
      'site.yaml:3:3: expected one of name, hosts, strategy, serial, become, method, limits, got "zzzzzzzz"',
    ],
    ['- strategy: raise\n', 'site.yaml:1:3: expected text for [0].hosts, got nothing'],
    ['- hosts: all\n  strategy: 5\n', 'site.yaml:2:13: expected text or a list for [0].strategy, got 5'],
    ['- hosts: all\n  strategy: [raise, 5]\n', 'site.yaml:2:21: expected text for [0].strategy[1], got 5'],
    [`${base}  serial: [1, ten]\n`, 'site.yaml:3:15: expected a percentage such as 10% for [0].serial[1], got "ten"'],
    [`${base}  method: pbrun\n`, 'site.yaml:3:11: expected sudo or su for [0].method, got "pbrun"'],
    [`${base}  limits: {a: x}\n`, 'site.yaml:3:15: expected a number for [0].limits.a, got "x"'],
    ['hosts: all\n', 'site.yaml:1:1: expected a list, got a mapping'],
    ['[]\n', 'site.yaml:1:1: expected a number of items of at least 1, got an empty list'],
  ])('%j', (text, message) => {
    expect(() => read(text)).toThrow(ConfigError)
    expect(() => read(text)).toThrow(message)
  })

  test('the place is on the error too', () => {
    try {
      read(`${base}  become: 1\n`)
      expect.unreachable()
    } catch (error) {
      expect(error).toMatchObject({ place: { file: 'site.yaml', line: 3, column: 11 } })
    }
  })

  test('an alias stands for its value, at the place of the value', () => {
    expect(() => read('- hosts: &h 5\n  strategy: raise\n')).toThrow('site.yaml:1:13')
    expect(read('- &p {hosts: a, strategy: b}\n- *p\n')).toHaveLength(2)
  })

  test('a key that programs trip over is only a key', () => {
    const value = parseYaml('__proto__: {polluted: 1}\n', 'x').value
    expect(Object.keys(Object(value))).toEqual(['__proto__'])
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false)
  })
})

test.each<[unknown, string]>([
  [null, 'nothing'],
  [undefined, 'nothing'],
  [[1], 'a list'],
  [{}, 'a mapping'],
  [true, 'true'],
  ['a\u001b[31m', '"a\\\\x1b[31m"'],
  ['x'.repeat(100), `"${'x'.repeat(58)}…`],
])('what was met: %j', (value, expected) => {
  expect(describeValue(value)).toBe(expected)
})
