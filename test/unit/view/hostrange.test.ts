import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hostRange } from '../../../src/view/hostrange.ts'
import { workMs } from '../../support/work.ts'

/** The hosts of a range, by somebody who has not seen how it is made. */
function expand(range: string): string[] {
  return range === '' ? [] : range.split(', ').flatMap(expandOne)
}

function expandOne(pattern: string): string[] {
  const [, before, items, after = ''] = /^(.*?)\[([^\]]*)\](.*)$/.exec(pattern) ?? []
  if (before === undefined || items === undefined) return [pattern]
  const numbers = items.split(',').flatMap(item => {
    const [first = '', last = first] = item.split('-')
    const width = first.startsWith('0') ? first.length : 0
    return Array.from({ length: Number(last) - Number(first) + 1 }, (_, i) =>
      String(Number(first) + i).padStart(width, '0'),
    )
  })
  return numbers.flatMap(number => expandOne(after).map(rest => `${before}${number}${rest}`))
}

const numbered = (stem: string, from: number, to: number, width = 0): string[] =>
  Array.from({ length: to - from + 1 }, (_, i) => `${stem}${String(from + i).padStart(width, '0')}`)

describe('a range of hosts', () => {
  it.each([
    [[], ''],
    [['web-1'], 'web-1'],
    [[...numbered('web-', 1, 212, 3), 'web-214'], 'web-[001-212,214]'],
    [[...numbered('web-', 9, 11), ...numbered('db', 1, 2)], 'web-[9-11], db[1-2]'],
    [['a', 'b', 'web-2', 'web-1'], 'a, b, web-[1-2]'],
    [numbered('web', 1, 3, 2).map(name => `${name}.dc1.example.net`), 'web[01-03].dc1.example.net'],
    [['r1-h1', 'r1-h2', 'r2-h1', 'r2-h2'], 'r[1-2]-h[1-2]'],
    [['r1-h1', 'r1-h2', 'r2-h1'], 'r1-h[1-2], r2-h1'],
    [['web-1', 'web-01', 'web-001'], 'web-[1,01,001]'],
    [['web-0', 'web-1', 'web-02', 'web-3'], 'web-[0-1,02,3]'],
    [['web-099', 'web-100', 'web-999', 'web-1000'], 'web-[099-100,999-1000]'],
    [['web-099', 'web-100', 'web-101'], 'web-[099-101]'],
    [['10.0.0.1', '10.0.0.2', '10.0.1.1'], '10.0.0.[1-2], 10.0.1.1'],
    [['web-1', 'web-1'], 'web-1'],
    [['i-12345678901234567', 'i-12345678901234568'], 'i-12345678901234567, i-12345678901234568'],
  ])('of %j is %s', (names, range) => {
    expect(hostRange(names)).toBe(range)
  })

  const part = fc.oneof(
    fc.constantFrom('web-', 'db', '.', '-', 'dc', 'a', '.example.net', ':'),
    fc.nat({ max: 30 }).map(String),
    fc.nat({ max: 1200 }).map(n => String(n).padStart(3, '0')),
    fc.constantFrom('0', '00', '9', '09', '99', '100', '0100', '999999999999999', '9999999999999999'),
  )
  const name = fc.array(part, { minLength: 1, maxLength: 5 }).map(parts => parts.join(''))

  it('stands for the hosts it was made of, each once, whatever they are called', () => {
    fc.assert(
      fc.property(fc.array(name, { maxLength: 60 }), names => {
        expect(expand(hostRange(names)).toSorted()).toEqual([...new Set(names)].toSorted())
      }),
      { numRuns: 2000 },
    )
  })

  it('of 20,000 hosts in two racks is short, and made at once', () => {
    const names = ['r1', 'r2'].flatMap(rack => numbered(`${rack}-web-`, 1, 10_000, 5))
    const ms = workMs(() => expect(hostRange(names)).toBe('r[1-2]-web-[00001-10000]'))
    expect(ms).toBeLessThan(1000)
  })
})
