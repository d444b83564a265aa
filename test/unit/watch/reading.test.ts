import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseReading, ReadingError, readingLines } from '../../../src/watch/reading.ts'

const LINE =
  'up=12.50 family=nf_conntrack count=20 max=4096 buckets=1024 names=entries,drop row=00000014,0000000a row=00000014,00000001'

describe('a line', () => {
  it('becomes numbers', () => {
    expect(parseReading(`${LINE} log=3,11.250000`)).toEqual({
      ...{ uptimeSeconds: 12.5, family: 'nf_conntrack', count: 20, max: 4096, buckets: 1024 },
      ...{ drops: 11, earlyDrops: null, insertFailed: null, log: { fresh: 3, newest: 11.25 } },
    })
  })

  it.each([
    ['', 'nothing'],
    ['up=x family=- count=- max=- buckets=-', 'no number'],
    ['up=1 family=tcp count=- max=- buckets=-', 'no family'],
    ['up=1 family=- count=-1 max=- buckets=-', 'below zero'],
    ['up=1 family=- count=- max=-', 'a word left out'],
    [`${LINE} count=21`, 'a word twice'],
    [`${LINE} row=00000014`, 'a short row'],
    [`${LINE} row=00000014,zz`, 'no hexadecimal number'],
    [LINE.replace('names=entries,drop', 'names=entries,evil'), 'a column nobody asked for'],
    [LINE.replace('names=entries,drop ', ''), 'rows without names'],
    [`${LINE} log=\u001b[2J`, 'a control sequence'],
  ])('%j is refused: %s', line => {
    expect(() => parseReading(line)).toThrow(ReadingError)
  })

  it('never lets text through, whatever a host prints', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.nat(120), (text, at) => {
        const broken = LINE.slice(0, at) + text + LINE.slice(at)
        try {
          const { family, log, ...numbers } = parseReading(broken)
          expect([null, 'nf_conntrack', 'ip_conntrack']).toContain(family)
          for (const value of [...Object.values(numbers), log?.fresh ?? 0]) {
            expect(value === null || (Number.isFinite(value) && value >= 0)).toBe(true)
          }
        } catch (error) {
          expect(error).toBeInstanceOf(ReadingError)
          // What is said of it has no word of the host.
          expect(String(error)).toMatch(/^ReadingError: [a-z ,_]+$/)
        }
      }),
    )
  })
})

describe('output', () => {
  it('comes in pieces of any size, with words of others between', () => {
    const text = `Welcome!\n@@abc one\n@@abd foreign\n@@abc two\nrest`
    for (const size of [1, 3, 7, 100]) {
      const lines: string[] = []
      const hear = readingLines('abc', line => lines.push(line))
      for (let at = 0; at < text.length; at += size) hear(text.slice(at, at + size))
      expect(lines).toEqual(['one', 'two'])
    }
  })

  it('without an end of line is not kept for ever', () => {
    const hear = readingLines('abc', () => {})
    expect(() => {
      for (let i = 0; i < 300; i++) hear('x'.repeat(1024))
    }).toThrow(ReadingError)
  })
})
