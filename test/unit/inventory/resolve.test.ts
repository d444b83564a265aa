import { describe, expect, test } from 'vitest'
import { load } from './inventory.ts'

/** The same file read by ansible-inventory 2.14 gave the values expected here. */
const PRECEDENCE = `
all:
  hosts:
    solo: {ansible_user: hostuser}
    y:
  vars: {v: all}
  children:
    zeta:
      vars: {v: zeta, w: zeta}
      hosts: {"web[01:03]": , "db[a:c:2]": {x: 1}}
    alpha:
      vars: {v: alpha, w: alpha, ansible_group_priority: 0}
      hosts: {web02: , h: }
      children:
        deep: {hosts: {web03: {q: 1}, deeponly: }, vars: {w: deep}}
empty:
edge:
  hosts: web01
`

describe('membership and precedence', () => {
  const inventory = load(PRECEDENCE)
  const values = (host: string): Record<string, unknown> =>
    Object.fromEntries([...inventory.variables(host)].map(([name, { value }]) => [name, value]))

  test.each<[string, Record<string, unknown>]>([
    ['solo', { v: 'all', ansible_user: 'hostuser' }],
    ['y', { v: 'all' }],
    // Of groups equally deep the priority decides before the alphabet.
    ['web02', { v: 'zeta', w: 'zeta' }],
    ['web03', { v: 'zeta', w: 'deep', q: 1 }],
    ['deeponly', { v: 'alpha', w: 'deep' }],
    ['dbc', { v: 'zeta', w: 'zeta', x: 1 }],
  ])('%s', (host, expected) => {
    expect(values(host)).toEqual(expected)
  })

  test('hosts come in the order of all, each once', () => {
    const names = inventory.hosts.map(({ name }) => name)
    expect(names.join(' ')).toBe('solo y web01 web02 web03 dba dbc h deeponly')
  })

  test('groups of a host', () => {
    const groups = Object.fromEntries(inventory.hosts.map(host => [host.name, host.groups.join(' ')]))
    expect(groups).toMatchObject({
      solo: 'all ungrouped',
      web01: 'all zeta edge',
      web03: 'all zeta alpha deep',
      deeponly: 'all alpha deep',
    })
  })

  test('the tree', () => {
    const tree = Object.fromEntries([...inventory.groups].map(([name, { children }]) => [name, children.join(' ')]))
    expect(tree).toEqual({
      all: 'ungrouped zeta alpha empty edge',
      ungrouped: '',
      zeta: '',
      alpha: 'deep',
      deep: '',
      empty: '',
      edge: '',
    })
  })

  test('of equal groups the later in the alphabet wins, the deeper before it, and ungrouped lets go of grouped hosts', () => {
    const other = load(`
all: {vars: {v: all}}
ungrouped: {hosts: {x: , u: }, vars: {v: ung}}
g1: {hosts: {x: }, children: {g3: }, vars: {v: g1}}
g2: {hosts: {x: }, vars: {v: g2, ansible_group_priority: "5"}}
g3: {hosts: {x: , w: }, vars: {v: g3}}
`)
    const value = (host: string): unknown => other.variables(host).get('v')?.value
    expect(['x', 'u', 'w'].map(value)).toEqual(['g3', 'ung', 'g3'])
    expect(other.groups.get('ungrouped')?.hosts).toEqual(['u'])
    expect(other.hosts.find(({ name }) => name === 'x')?.groups).toEqual(['all', 'g1', 'g3', 'g2'])
  })

  test('groups inside each other without end are refused, not a crash', () => {
    const chain = Array.from({ length: 5000 }, (_, i) => `g${i}: {children: {g${i + 1}: }}`).join('\n')
    expect(() => load(chain)).toThrow(/expected at most 500 groups inside each other, got more/)
  })
})
