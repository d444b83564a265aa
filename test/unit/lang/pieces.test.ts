/** Texts in pieces: the same bytes as at once, with room in between. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonical, canonicalPieces } from '../../../src/lang/canonical.ts'
import { eachPiece, jsonPieces, mappingPieces } from '../../../src/lang/pieces.ts'

describe('a JSON text in pieces', () => {
  it('is to the byte what JSON.stringify makes of the whole', () => {
    const head = fc.dictionary(fc.string(), fc.jsonValue()).map(({ list: _, ...rest }) => rest)
    fc.assert(
      fc.property(head, fc.array(fc.jsonValue()), fc.constantFrom(0 as const, 2 as const), (one, list, indent) => {
        const text = [...jsonPieces(one, ['list', list], indent)].join('')
        expect(text).toBe(JSON.stringify({ ...one, list }, null, indent))
      }),
    )
  })

  it('asks for an element when the one before it is taken', () => {
    const made: number[] = []
    const elements = {
      *[Symbol.iterator]() {
        for (let i = 0; i < 3; i += 1) {
          made.push(i)
          yield { i }
        }
      },
    }
    const pieces = jsonPieces({}, ['list', elements], 0)
    pieces.next()
    pieces.next()
    expect(made).toEqual([0])
  })
})

describe('a mapping in pieces', () => {
  const mapping = fc.dictionary(fc.string(), fc.jsonValue())

  it('is to the byte what JSON.stringify makes of it', () => {
    fc.assert(
      fc.property(mapping, one => {
        expect([...mappingPieces(one)].join('')).toBe(JSON.stringify(one, null, 1))
      }),
    )
  })

  it('comes to its canonical text as well', () => {
    fc.assert(
      fc.property(mapping, one => {
        expect([...canonicalPieces({ ...one, gone: undefined })].join('')).toBe(canonical({ ...one, gone: undefined }))
      }),
    )
  })
})

function busy(ms: number): string {
  const until = performance.now() + ms
  while (performance.now() < until);
  return 'x'
}

describe('handing pieces on', () => {
  it('lets others have their turn before the whole is made', async () => {
    const order: string[] = []
    const waiting = new Promise<void>(resolve => setTimeout(() => resolve(void order.push('other')), 1))
    function* slowly(): Generator<string> {
      for (let i = 0; i < 6; i += 1) yield busy(8)
      order.push('made')
    }
    let text = ''
    await eachPiece(slowly(), piece => {
      text += piece
    })
    await waiting
    expect([text, order]).toEqual(['xxxxxx', ['other', 'made']])
  })

  it('waits for who takes slowly, and makes nothing meanwhile', async () => {
    const long = 'y'.repeat(100_000)
    let made = 0
    function* pieces(): Generator<string> {
      for (; made < 3; made += 1) yield long
    }
    let go: (() => void) | undefined
    const taken: number[] = []
    const all = eachPiece(pieces(), text => {
      taken.push(text.length)
      return new Promise<void>(resolve => {
        go = resolve
      })
    })
    await new Promise(resolve => setTimeout(resolve, 20))
    expect([taken.length, made]).toEqual([1, 0])
    for (let i = 0; i < 3; i += 1) {
      go?.()
      await new Promise(resolve => setTimeout(resolve, 5))
    }
    await all
    expect(taken).toEqual([100_000, 100_000, 100_000])
  })
})
