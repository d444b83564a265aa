import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { lastLine, nearest, plain } from '../../../src/lang/text.ts'

describe('text from a host', () => {
  test.each<[string, string]>([
    ['\u001b[31mred', '\\x1b[31mred'],
    ['a\rb', 'a\\x0db'],
    ['tab\tand\nnewline', 'tab\tand\nnewline'],
    ['\u202eabc', '\\u202eabc'],
    ['\u009b31m', '\\x9b31m'],
    ['\u007f', '\\x7f'],
    ['grüße 漢字', 'grüße 漢字'],
  ])('%j', (text, expected) => {
    expect(plain(text)).toBe(expected)
  })

  test('never leaves a control character, and is done in one go', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), text => {
        const safe = plain(text)
        // biome-ignore lint/suspicious/noControlCharactersInRegex: looking for them is the test
        expect(safe).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e]/)
        expect(plain(safe)).toBe(safe)
      }),
    )
  })
})

test.each<[string, string]>([
  ['', ''],
  ['one\ntwo\n\n', 'two'],
  ['  padded  \n', 'padded'],
  ['x'.repeat(300), `${'x'.repeat(199)}…`],
  ['\u001b[1mloud', '\\x1b[1mloud'],
])('last line of %j', (output, expected) => {
  expect(lastLine(output)).toBe(expected)
})

test.each<[string, string[], string | undefined]>([
  ['strateg', ['strategy', 'serial'], 'strategy'],
  ['srategy', ['strategy', 'serial'], 'strategy'],
  ['nothing-like-it', ['strategy', 'serial'], undefined],
  ['x', [], undefined],
  ['web1', ['web01', 'db'], 'web01'],
])('nearest to %s', (word, known, expected) => {
  expect(nearest(word, known)).toBe(expected)
})
