import fc from 'fast-check'
import { expect, it } from 'vitest'
import { cutTo, displayWidth, padTo } from '../../../src/view/width.ts'

it.each([
  ['web-1', 5],
  ['', 0],
  ['→ é', 3],
  ['e\u0301', 1],
  ['日本', 4],
  ['한글', 4],
  ['ﾊﾝ', 2],
  ['👍🏽', 2],
  ['👩‍👩‍👧', 2],
  ['█░…', 3],
  ['\u200b', 0],
  ['\u001b[31mred\u001b[0m', 3],
])('%j takes %i columns', (text, width) => {
  expect(displayWidth(text)).toBe(width)
})

it.each([
  ['web-001', 7, 'web-001'],
  ['web-001', 6, 'web-0…'],
  ['web-001', 1, '…'],
  ['web-001', 0, ''],
  ['日本語', 5, '日本…'],
  ['日本語', 6, '日本語'],
  ['日本語', 4, '日…'],
])('%j in %i columns is %j', (text, columns, cut) => {
  expect(cutTo(text, columns)).toBe(cut)
})

it('nothing is ever wider than it may be, and what fits is whole', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.nat({ max: 30 }), (text, columns) => {
      const cut = cutTo(text, columns)
      expect(displayWidth(cut)).toBeLessThanOrEqual(columns)
      if (displayWidth(text) <= columns) expect(cut).toBe(text)
      expect(displayWidth(padTo(cut, columns))).toBe(columns)
    }),
  )
})
