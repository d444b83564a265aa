import fc from 'fast-check'
import { expect, it } from 'vitest'
import { canonical } from '../../../src/lang/canonical.ts'

it('is the same whatever the order of keys, all the way down', () => {
  expect(canonical({ b: [{ d: 1, c: null }], a: 'x' })).toBe('{"a":"x","b":[{"c":null,"d":1}]}')
  expect(canonical({ a: 'x', b: [{ c: null, d: 1 }] })).toBe(canonical({ b: [{ d: 1, c: null }], a: 'x' }))
})

it('keeps the order of lists', () => {
  expect(canonical([1, 2])).not.toBe(canonical([2, 1]))
})

it('is JSON of the same value', () => {
  fc.assert(
    fc.property(fc.jsonValue(), value => {
      const copy = JSON.parse(JSON.stringify(value))
      expect(JSON.parse(canonical(copy))).toEqual(copy)
    }),
  )
  expect(JSON.parse(canonical(JSON.parse('{"__proto__":1}')))).toHaveProperty(['__proto__'], 1)
})
