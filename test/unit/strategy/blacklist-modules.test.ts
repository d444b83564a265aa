/** The order in which modules go, on kernels as they are and on any graph of uses. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { LoadedModule } from '../../../src/facts/facts.ts'
import { excess, foreign, holdersOf, unloadOrder } from '../../../src/strategy/blacklist/modules.ts'

/** `name refs users,…`, as in /proc/modules. */
function modules(...lines: readonly string[]): LoadedModule[] {
  return lines.map(line => {
    const [name = '', refs, users = ''] = line.split(' ')
    return { name, refs: Number(refs), users: users.split(',').filter(user => user !== '') }
  })
}

const NEW = modules(
  'nf_conntrack 4 xt_conntrack,nf_nat,nf_conntrack_netlink,xt_CT',
  'nf_nat 1 iptable_nat',
  'iptable_nat 0',
  'xt_conntrack 3',
  'xt_CT 1',
  'nf_conntrack_netlink 0',
  'nf_defrag_ipv4 1 nf_conntrack',
)

describe('unload order', () => {
  it('of a kernel of today: extensions, what stands on the core, the core', () => {
    expect(unloadOrder(NEW)).toEqual([
      'iptable_nat',
      'nf_conntrack_netlink',
      'xt_CT',
      'xt_conntrack',
      'nf_nat',
      'nf_conntrack',
    ])
  })

  it('of 2.6.32: families before the core', () => {
    const old = modules(
      'nf_conntrack 5 nf_conntrack_ipv4,nf_conntrack_ipv6,xt_state,nf_nat,iptable_nat',
      'nf_conntrack_ipv4 3 iptable_nat,nf_nat',
      'nf_conntrack_ipv6 2',
      'nf_nat 1 iptable_nat',
      'iptable_nat 0',
      'xt_state 0',
    )
    const order = unloadOrder(old) ?? []
    expect(order.at(-1)).toBe('nf_conntrack')
    expect(order.indexOf('nf_nat')).toBeLessThan(order.indexOf('nf_conntrack_ipv4'))
  })

  it('leaves alone what conntrack itself stands on', () => {
    expect(holdersOf(NEW).map(({ name }) => name)).not.toContain('nf_defrag_ipv4')
  })

  it('there is none where modules use each other in a circle', () => {
    expect(unloadOrder(modules('nf_conntrack 1 a', 'a 1 nf_conntrack'))).toBeNull()
  })

  it('every module leaves after all its users, in any graph', () => {
    const graph = fc.array(fc.array(fc.nat(), { maxLength: 4 }), { maxLength: 12 }).map(rows =>
      // A module is used by later ones only, so that there is no circle; the first is the core.
      rows.map((row, at): LoadedModule => {
        const name = (i: number): string => (i === 0 ? 'nf_conntrack' : `m${i}`)
        const later = rows.length - at - 1
        const users = later > 0 ? [...new Set(row.map(n => name(at + 1 + (n % later))))] : []
        return { name: name(at), refs: users.length, users }
      }),
    )
    const mixed = graph.chain(all => fc.shuffledSubarray(all, { minLength: all.length }))
    fc.assert(
      fc.property(mixed, all => {
        const holders = holdersOf(all)
        const order = unloadOrder(all)
        expect(order?.toSorted()).toEqual(holders.map(({ name }) => name).toSorted())
        for (const { name, users } of holders) {
          for (const user of users) expect(order?.indexOf(user)).toBeLessThan(order?.indexOf(name) ?? -1)
        }
      }),
    )
  })
})

describe('who else holds it', () => {
  it('references beyond those of modules are of rules, namespaces and programs', () => {
    expect(NEW.filter(module => excess(module) > 0).map(({ name }) => name)).toEqual(['xt_conntrack', 'xt_CT'])
  })

  it('what is no part of a firewall is named, loaded or only a user', () => {
    const all = modules('nf_conntrack 3 openvswitch,ip_vs,pf_ring', 'openvswitch 1', 'ip_vs 1 ip_vs_rr', 'ip_vs_rr 0')
    expect(foreign(all).toSorted()).toEqual(['ip_vs', 'ip_vs_rr', 'openvswitch', 'pf_ring'])
    expect(foreign(NEW)).toEqual([])
  })
})
