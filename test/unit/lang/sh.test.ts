import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { quote, Script, sh } from '../../../src/lang/sh.ts'

describe('one word', () => {
  test.each<[string, string]>([
    ['', "''"],
    ['plain-word_1.2/3:4,5@6%7+8', 'plain-word_1.2/3:4,5@6%7+8'],
    ['two words', "'two words'"],
    ["it's", "'it'\\''s'"],
    ['$(reboot)', "'$(reboot)'"],
    ['a=b', "'a=b'"],
    ['~', "'~'"],
    ['line\nline', "'line\nline'"],
  ])('%j', (value, expected) => {
    expect(quote(value)).toBe(expected)
  })

  test('NUL is refused', () => {
    expect(() => quote('a\0b')).toThrow(TypeError)
  })

  test('sh reads back exactly what was quoted', () => {
    const text = fc.string({ unit: 'binary' }).filter(value => !value.includes('\0') && value.isWellFormed())
    const words = fc.array(
      fc.oneof(text, fc.string({ unit: fc.constantFrom("'", '"', '\\', '$', '`', ' ', '\n', '!', '*', '~') })),
      {
        minLength: 1,
        maxLength: 40,
      },
    )
    fc.assert(
      fc.property(words, values => {
        const output = execFileSync('/bin/sh', ['-s'], { input: sh`printf '%s\0' ${values}`.text, encoding: 'utf8' })
        expect(output.split('\0').slice(0, -1)).toEqual(values)
      }),
      { numRuns: 40 },
    )
  })
})

describe('a script', () => {
  test('quotes strings, spreads lists, keeps scripts and numbers', () => {
    expect(sh`rm ${'a b'} ${['c', 'd e']} ${3}; ${sh`echo ${'$x'}`}`.text).toBe("rm 'a b' c 'd e' 3; echo '$x'")
  })

  test('backslashes are those of sh', () => {
    expect(sh`printf 'a\n'`.text).toBe("printf 'a\\n'")
  })

  test('joins lines', () => {
    expect(Script.lines([sh`a`, sh`b`]).text).toBe('a\nb')
  })
})
