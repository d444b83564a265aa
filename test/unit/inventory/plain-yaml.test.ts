import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ConfigError } from '../../../src/errors.ts'
import { parseAnsibleYaml } from '../../../src/inventory/ansible-yaml.ts'
import { readPlainYaml } from '../../../src/inventory/plain-yaml.ts'
import { NO_VAULT, Vaulted } from '../../../src/inventory/vault.ts'
import type { Yaml } from '../../../src/lang/decode.ts'

/** Everything that is known of a text: values, names, places; or the error. */
function reading(text: string, plainFirst: boolean): unknown {
  try {
    return dump(parseAnsibleYaml(text, 'hosts.yaml', NO_VAULT, { plainFirst }))
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
}

function dump(node: Yaml): unknown {
  return {
    value: JSON.stringify(node.value),
    place: node.place,
    entries: node.entries().map(({ name, isText, node: child }) => [name, isText, child.keyPlace, dump(child)]),
  }
}

function isSame(text: string): void {
  expect(reading(text, true)).toEqual(reading(text, false))
}

const CORPUS = join(import.meta.dirname, '../../inventory/corpus')
const texts = readdirSync(CORPUS, { recursive: true, encoding: 'utf8' })
  .filter(name => /\.ya?ml$/.test(name))
  .map(name => readFileSync(join(CORPUS, name), 'utf8'))
texts.push(readFileSync(join(import.meta.dirname, '../../../inventory.example.yaml'), 'utf8'))

describe('plain YAML', () => {
  test('is read without the library', () => {
    const text = '---\nall:\n  hosts:\n    a: # one\n      v: 1\n    "b[1:2]":\n  vars: {}\n'
    expect(readPlainYaml(text, () => null)?.items).toHaveLength(1)
    const values = 'a: -5\nb: 1.50 # c\nc: 2001:db8::1\nd: -0.25\n'
    expect(readPlainYaml(values, () => null)?.items).toHaveLength(4)
  })

  test.each([
    'a: b\n c\n',
    'a:\n- b\n- c\nd: 1\n',
    'a:\n  - b\n  # c\n  - d\n',
    'a: |\n  # text\n\n  more\n# comment\nb: 1\n',
    'a: "two\n  lines"\nb: c\n',
    'a:\n  b:\n    c: [1,\n      2]\n  d: e\n',
    'a: 1 # x\nb: "q" # y\nc: d#e\nf: #g\n',
    'a:\n    b: 1\n  c: 2\n',
    'a:\n  b: 1\n c: 2\n',
    '  a: 1\nb: 2\n',
    '  a: 1\n  b: 2\n',
    'a: 1\na: 2\n',
    'yes: 1\nnull: 2\n1: 3\n1.5: 4\n192.0.2.1: 5\n',
    'a: yes\nb: y\nc: null\nd: NULL\ne: nan\nf: 0o7\ng: 07\nh: 1_0\n',
    "a: ''\nb: 'it''s'\nc: \"\\t\"\nd: ~\n",
    'a: b: c\n',
    'a: -o X=yes -o Y=no\nb: "-o X"\nc: /x y\n',
    'a: &x 1\nb: *x\n',
    'd: &d {x: 1}\na:\n  <<: *d\n  y: 2\nb: *d\n10: c\n',
    'a: {x: 1}\n"<<": {y: 1}\n',
    "a:\n  v:\n    '<<':\n      x: 1\n",
    'a: &a\n  b: 1\nc:\n  <<: [*a, *a]\n',
    '? a\nb: 1\n',
    'a: 1\n{b: 2}\n',
    'a: !vault |\n  61\nb: !foo 1\n',
    '---\n---\na: 1\n',
    '# c\n---\na: 1\n...\n',
    'a: 1\n...\n',
    '%YAML 1.1\n---\na: 1\n',
    'a:\n\n  # x\n\n  b: 1\n\n',
    'a:1\n',
    'a:\nb\n',
    '? a\n: b\n',
    'a b: c\n"a b": c\n',
    'x[01:20:2].y:\n  z:22: 1\n',
    'a: {b: c}\n  d: e\n',
    'a:\n  b: 1\n  {}\n',
    '- a: 1\n',
    'a: @x\nb: `y\n',
    'a: 2020-01-01\nb: 22:22\n',
    'a: x, y\nb: x #\nc: x#\n',
    'a: -5\nb: -0\nc: 1.50\nd: -0.25\ne: 1.\nf: .5\ng: 00.5\nh: -x\ni: 1.5.2\nj: -1-2\n',
    'a: 2001:db8::1\nb: ::1\nc: 1::2\nd: 12:30:45\ne: fe80::1%eth0\nf: 1::\ng: 1:2:3.5\nh: a::1 b\ni: 1::2 # c\n',
    'a: b:\n',
    'a: 1::2::\n',
    'a:\n  b:\n #c\n    d\n',
    'a:\n  b:\n  - c\n  # d\n  - e\n',
    '"a": 1::2:\n',
    'a: b :c\n',
    'a:',
    'a: 1',
    'a: b ',
  ])('%j', isSame)

  test.each(texts)('of the corpus %#', isSame)

  test('any change of it is read alike, mistakes included', () => {
    const words = fc.constantFrom(
      ...[
        ' ',
        '  ',
        '\n',
        ':',
        ': ',
        '#',
        ' #',
        '-',
        '- ',
        '"',
        "'",
        '{',
        '}',
        '[',
        ']',
        '&a',
        '*a',
        '|',
        '>',
        '!vault',
      ],
      ...[
        'a',
        'b',
        '1',
        '0',
        'yes',
        'null',
        '~',
        '\t',
        '---\n',
        'x:\n',
        '\n  y: 1\n',
        ',',
        '%',
        '@',
        '<<',
        '<<: ',
        '"<<": ',
        ': -1',
        '.5',
        '::',
        ': 1::2',
        "'<<': ",
        '"k": ',
        '"<<"',
        '&b ',
        '*b',
        '? ',
        ': x',
        '{a: 1}',
        '---',
        '10: ',
        'a b: ',
        '.',
        '/',
      ],
    )
    const plain = fc.array(fc.tuple(fc.constantFrom('', '  ', '    '), words, words, words), { maxLength: 12 })
    const made = plain.map(lines => lines.map(([indent, ...rest]) => `${indent}k${rest.join('')}\n`).join(''))
    const changed = fc
      .tuple(fc.constantFrom(...texts), fc.nat(), fc.nat({ max: 4 }), words)
      .map(([text, at, length, word]) => {
        const offset = at % (text.length + 1)
        return text.slice(0, offset) + word + text.slice(offset + length)
      })
    fc.assert(fc.property(fc.oneof(made, changed), isSame), { numRuns: 3000 })
  }, 60_000)
})

describe('JSON', () => {
  test('is read as the library reads it, with the same places', () => {
    const words = fc.oneof(fc.string(), fc.constantFrom('<<', 'yes', '1', '{{ x }}', 'a\n\tb', '/', 'é\u2028'))
    const { tree } = fc.letrec<{ tree: unknown; map: unknown }>(tie => ({
      map: fc.dictionary(words, tie('tree'), { maxKeys: 4 }),
      tree: fc.oneof(
        words,
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie('tree'), { maxLength: 3 }),
        tie('map'),
      ),
    }))
    const indents = fc.constantFrom(undefined, 2, 4)
    fc.assert(
      fc.property(fc.dictionary(words, tree), indents, (value, indent) => isSame(JSON.stringify(value, null, indent))),
      { numRuns: 500 },
    )
  })

  test.each([
    '{"a": 1, "a": 2}',
    '{"a": {"b": [}',
    '{"a": 1,}',
    '{a: 1}',
    '{"a": 1} # c',
    '{"a": 1}\n---\n{}',
    '{"a": x\n}',
    '{"a": "\t"}',
    '{"a": !vault x}',
    '{}',
    '{"a": 1.50, "b": -0.25}',
  ])('%j is read as the library reads it', isSame)

  test('is read with what Ansible writes for vaults and unsafe text', () => {
    const text = '{"a": {"__ansible_unsafe": "{{ x }}"}, "b": {"__ansible_vault": "61"}, "c": {"d": "e"}}'
    const entries = parseAnsibleYaml(text, 'a.json', NO_VAULT).entries()
    expect(entries.map(({ node }) => node.value)).toEqual(['{{ x }}', expect.any(Vaulted), { d: 'e' }])
  })
})

describe('the line ends of Windows', () => {
  test.each([...texts, 'a: "x\n  y\n\n  z"\nb: |\n  c\n  d\ne: >-\n  f\n  g\n', '{"a": 1,\n"b": [}'])(
    'change nothing, places and mistakes included: %#',
    text => {
      const unix = text.replaceAll('\r\n', '\n')
      for (const plainFirst of [true, false]) {
        expect(reading(unix.replaceAll('\n', '\r\n'), plainFirst)).toEqual(reading(unix, plainFirst))
      }
    },
  )
})
