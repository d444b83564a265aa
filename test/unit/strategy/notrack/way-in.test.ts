/** Our own connection, and what is ours at boot: by whole plans, as a host would get them. */
import { describe, expect, it } from 'vitest'
import type { Facts } from '../../../../src/facts/facts.ts'
import { OWNER_FILES } from '../../../../src/facts/files.ts'
import { makePlan, type Plan } from '../../../../src/plan/plan.ts'
import { notrack } from '../../../../src/strategy/notrack/notrack.ts'
import { file, makeFacts } from '../../../support/facts.ts'
import { DEBIAN, filter, rulesetOf, source, UFW } from '../../firewall/samples.ts'

const PATH = { clientAddress: '198.51.100.7', clientPort: 50_022, serverAddress: '192.0.2.5', serverPort: 22 }

function plan(options: Readonly<Record<string, unknown>>, facts: Partial<Facts>, force = false): Plan {
  const about = { directories: ['/etc/iptables', '/etc/ufw', '/etc/systemd/system'], ipv6: false, managementPath: PATH }
  return makePlan('h', { steps: [{ strategy: notrack, options }], force }, makeFacts({ ...about, ...facts }))
}

const codes = ({ blockers }: Plan): string[] => blockers.map(({ code }) => code)
const debian = (text: string): Partial<Facts> => ({ ruleset: rulesetOf(source(text, { backend: 'iptables-nft' })) })

describe('our own way in', () => {
  it('is not cut off with everything else, forced or not', () => {
    const { blockers } = plan({ all: true }, debian(DEBIAN))
    expect(blockers.map(({ code }) => code)).toEqual(['cuts-off-service', 'cuts-off-management'])
    expect(blockers[0]?.message).toContain('new IPv4 connections to tcp port 22, 80, 443 would be dropped')
    expect(codes(plan({ all: true }, debian(DEBIAN), true))).toEqual(['cuts-off-management'])
    expect(codes(plan({ all: true, tcp: [22, 80, 443] }, debian(DEBIAN), true))).toEqual([])
  })

  it('stays open untracked when it was asked for by its number, and somebody insists', () => {
    expect(codes(plan({ tcp: 22 }, debian(DEBIAN)))).toEqual(['management-port'])
    expect(codes(plan({ tcp: 22 }, debian(DEBIAN), true))).toEqual([])
    expect(codes(plan({ tcp: '20-30' }, debian(filter('ACCEPT'))))).toEqual(['management-port'])
  })

  it('is no matter where other ports are untracked', () => {
    for (const text of [DEBIAN, UFW, filter('ACCEPT'), '']) expect(codes(plan({ tcp: 80 }, debian(text)))).toEqual([])
  })
})

describe('senders who are kept out', () => {
  const banned = (first: boolean): string => {
    const ban = '-A ufw-user-input -s 203.0.113.9/32 -j DROP\n'
    const rule = '-A ufw-user-input -p tcp -m tcp --dport 80 -j ACCEPT\n'
    return UFW.replace(rule, first ? ban + rule : rule)
  }
  it('stay out, and no accept is needed for others', () => {
    const owner = { firewall: { owner: 'ufw', backend: 'iptables-nft', mixed: false } } as const
    for (const first of [true, false]) {
      const made = plan({ tcp: 80 }, { ...owner, ...debian(banned(first)) })
      expect(codes(made)).toEqual([])
      expect(JSON.stringify(made.changes)).not.toContain('"--dport","80","-m","conntrack"')
    }
  })

  it('would be let in by an accept that stands before what keeps them out', () => {
    const text = DEBIAN.replace(
      '-A INPUT -p tcp -m multiport',
      '-A INPUT -s 203.0.113.9/32 -j DROP\n-A INPUT -p tcp -m multiport',
    )
    expect(codes(plan({ tcp: 80 }, debian(text)))).toEqual(['opens-port'])
    const before = DEBIAN.replace('-A INPUT -i lo', '-A INPUT -s 203.0.113.9/32 -j DROP\n-A INPUT -i lo')
    expect(codes(plan({ tcp: 80 }, debian(before)))).toEqual([])
  })
})

describe('files', () => {
  it('that a plan may write are all among those the probe reads', () => {
    const owners: readonly (readonly [Facts['firewall']['owner'], Partial<Facts>])[] = [
      ['netfilter-persistent', {}],
      ['iptables-services', { directories: ['/etc/sysconfig'] }],
      ['ufw', {}],
      ['docker', {}],
      ['none', {}],
      ['none', { init: 'sysvinit', directories: ['/etc/rc.d/rc3.d'] }],
      ['none', { init: 'openrc', directories: ['/etc/local.d', '/etc/runlevels/default/local'] }],
      ['none', { init: 'sysvinit', directories: ['/etc/network/if-pre-up.d'] }],
    ]
    for (const [owner, parts] of owners) {
      const text = owner === 'none' && parts.init ? filter('ACCEPT') : DEBIAN
      const made = plan(
        { tcp: 80 },
        { firewall: { owner, backend: 'iptables-nft', mixed: false }, ...debian(text), ...parts },
      )
      const files = made.changes.filter(({ kind }) => kind === 'file').map(({ target }) => target)
      expect(codes(made), owner).toEqual([])
      expect(files.length, owner).toBeGreaterThan(0)
      for (const path of files) expect(OWNER_FILES).toContain(path)
    }
  })

  it('of ufw run ours once, whatever they did before, with the bit that lets ufw run them', () => {
    const ufw = { firewall: { owner: 'ufw', backend: 'iptables-nft', mixed: false } } as const
    const hook = '[ ! -e /etc/ufw/ctfix.init ] || /bin/sh /etc/ufw/ctfix.init "$1" # ctfix'
    const before = '#!/bin/sh\nset -e\ncase "$1" in\nstart) exit 0 ;;\nesac\n'
    const own = (content: string, mode = '0640') => ({
      ...file('/etc/ufw/after.init', content),
      state: { content, mode, owner: '0:0', label: null },
    })
    const found = (after: ReturnType<typeof own>) =>
      plan({ tcp: 80 }, { ...ufw, ...debian(UFW), files: [after] }).changes.find(
        ({ target }) => target === '/etc/ufw/after.init',
      )
    const content = before.replace('\n', `\n${hook}\n`)
    expect(found(own(before))?.after).toMatchObject({ content, mode: '0750' })
    expect(found(own(content))?.after).toMatchObject({ content, mode: '0750' })
    expect(found(own(content, '0750'))).toBeUndefined()
  })
})
