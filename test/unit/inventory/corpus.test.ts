import { describe, expect, test } from 'vitest'
import { cases, comparable, ours, recorded } from '../../inventory/corpus.ts'

test('the corpus is there', () => {
  expect(cases.length).toBeGreaterThanOrEqual(40)
})

describe.each(cases)('%s: as Ansible reads it', async name => {
  const expected = recorded(name)
  const read = comparable(await ours(name), expected)

  test('groups, their children and hosts', () => {
    expect(read.groups).toEqual(expected.groups)
  })

  test('the value of each variable of each host', () => {
    expect(read.variables).toEqual(expected.variables)
  })

  test('the tree', () => {
    expect(read.graph).toBe(expected.graph)
  })

  test('patterns', () => {
    expect(read.patterns).toEqual(expected.patterns)
  })
})
