import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FrameError, parseFrames } from '../../../src/lang/frames.ts'

const entries = (output: string): [string, string][] => [...parseFrames(output, 'n0')]

describe('framed output', () => {
  test.each<[string, string, [string, string][]]>([
    [
      'sections in order',
      '@@n0 b\n1\n@@n0 a\n2\n3\n@@n0 end\n',
      [
        ['b', '1'],
        ['a', '2\n3'],
      ],
    ],
    ['a motd before it', 'Welcome\n@@n0 a\n1\n@@n0 end\n', [['a', '1']]],
    ['an empty section', '@@n0 a\n@@n0 end\n', [['a', '']]],
    ['no section', '@@n0 end\n', []],
    ['another nonce is content', '@@n0 a\n@@n1 end\n@@n0 end\n', [['a', '@@n1 end']]],
    ['a header inside a line is content', '@@n0 a\nx @@n0 end\n@@n0 end\n', [['a', 'x @@n0 end']]],
  ])('%s', (_, output, expected) => {
    expect(entries(output)).toEqual(expected)
  })

  test.each<[string, string, RegExp]>([
    ['nothing', '', /no framed output/],
    ['only a motd', 'Welcome\n', /no framed output/],
    ['no end', '@@n0 a\n1\n', /cut off/],
    ['a cut end', '@@n0 a\n1\n@@n0 en', /cut off/],
    ['a section twice', '@@n0 a\n@@n0 a\n@@n0 end\n', /section a came twice/],
  ])('%s is refused', (_, output, message) => {
    expect(() => entries(output)).toThrow(FrameError)
    expect(() => entries(output)).toThrow(message)
  })

  test('what was framed comes out as it was', () => {
    const content = fc.string().filter(text => !text.includes('@@n0'))
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.stringMatching(/^[a-z]{1,8}$/).filter(name => name !== 'end'),
          content,
        ),
        sections => {
          const output = Object.entries(sections)
            .map(([name, text]) => `@@n0 ${name}\n${text}\n`)
            .join('')
          expect(Object.fromEntries(entries(`${output}@@n0 end\n`))).toEqual({ ...sections })
        },
      ),
    )
  })
})
