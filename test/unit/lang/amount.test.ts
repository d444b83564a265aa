import { describe, expect, it, test } from 'vitest'
import { formatAmount, limitOf, parseAmount, sizeOf } from '../../../src/lang/amount.ts'

const of = (text: string) => {
  const amount = parseAmount(text)
  if (amount === null) throw new RangeError(text)
  return amount
}

test.each([
  ['0', { value: 0, unit: 'hosts' }],
  [' 12 ', { value: 12, unit: 'hosts' }],
  ['10%', { value: 10, unit: 'percent' }],
  ['2.5 %', { value: 2.5, unit: 'percent' }],
  ['100%', { value: 100, unit: 'percent' }],
  ['100.5%', null],
  ['2.5', null],
  ['-1', null],
  ['', null],
  ['%', null],
  ['ten', null],
  ['1e3', null],
])('%j', (text, amount) => {
  expect(parseAmount(text)).toEqual(amount)
})

describe('a share', () => {
  it.each([
    ['10%', 45, 4, 5],
    ['10%', 40, 4, 4],
    ['10%', 5, 0, 1],
    ['0%', 5, 0, 1],
    ['100%', 7, 7, 7],
    // Fractions that a computer does not have: 1.1 % of 1000 is 11, and not 11.000000000000002.
    ['1.1%', 1000, 11, 11],
    ['0.7%', 1000, 7, 7],
    ['3', 2, 3, 3],
  ])('%s of %i is at most %i, and a part of %i', (text, total, limit, size) => {
    expect([limitOf(of(text), total), sizeOf(of(text), total)]).toEqual([limit, size])
  })
})

test('as it was written', () => {
  expect(['5', '2.5%'].map(text => formatAmount(of(text)))).toEqual(['5', '2.5%'])
})
