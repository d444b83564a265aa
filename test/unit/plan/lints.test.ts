/** The usual mistakes of recipes are pointed out wherever they are met: under every strategy, once, with file and line. */
import { describe, expect, it } from 'vitest'
import type { Facts } from '../../../src/facts/facts.ts'
import { makePlan } from '../../../src/plan/plan.ts'
import { strategies } from '../../../src/strategy/index.ts'
import { CENTOS5, file, makeFacts } from '../../support/facts.ts'
import { NO_TRACKING } from '../strategy/cases.ts'

const sysctl = (line: number, key: string, value: string) => ({
  ...{ file: '/etc/sysctl.conf', line, text: `${key} = ${value}`, key, value, appliedBy: 'sysctl' as const },
})
const modprobe = (line: number, text: string) => ({ file: '/etc/modprobe.d/netfilter.conf', line, text })
const RULES = '*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -m state --state NEW -j ACCEPT\nCOMMIT\n'
const MISTAKEN: Partial<Facts> = {
  ruleset: {
    complete: true,
    sources: [{ backend: 'iptables-legacy', family: 4, format: 'save', text: RULES }],
  },
  tracking: { ...NO_TRACKING, available: [{ name: 'nf_conntrack', needs: [] }] },
  modprobeSettings: [
    modprobe(1, 'options nf_conntrack hashsize = 131072'),
    modprobe(2, 'blacklist nf_conntrack'),
    modprobe(3, 'options nf_conntrack expect_hashsize=512'),
  ],
  sysctlSettings: [
    sysctl(1, 'net.netfilter.nf_conntrack_timeout_established', '3600'),
    sysctl(2, 'net.netfilter.ip_conntrack_tcp_timeout_established', '1'),
    sysctl(3, 'net.ipv4.ip_conntrack_max', '393216'),
    sysctl(4, 'net.netfilter.nf_conntrack_max', '65536'),
  ],
  files: [
    ...makeFacts().files.filter(({ path }) => path !== '/etc/modules'),
    file('/etc/modules', 'loop\noptions nf_conntrack –hashsize=5\n'),
  ],
}
const SAID = [
  /^\/etc\/modprobe\.d\/netfilter\.conf:1 says "options nf_conntrack hashsize = 131072": the blanks around =/,
  /^\/etc\/modprobe\.d\/netfilter\.conf:2 says "blacklist nf_conntrack": that alone does not keep it out/,
  /^\/etc\/sysctl\.conf:1 says .*: there is no such key, it is …conntrack_tcp_timeout_established$/,
  /^\/etc\/sysctl\.conf:2 says .*: no kernel has such a key: it mixes the names of two$/,
  /^\/etc\/sysctl\.conf:3 says .*: this kernel calls it nf_conntrack$/,
  /^\/etc\/modules:2 says "–hashsize": that is a dash and no hyphen, so it is no option$/,
]

/** Everything that a plan says to whoever reads it. */
function said(names: readonly string[], facts: Partial<Facts>): string[] {
  const steps = names.map(name => {
    const strategy = strategies.find(one => one.name === name)
    if (!strategy) throw new Error(`no strategy ${name}`)
    return { strategy, options: name === 'notrack' ? { tcp: 80 } : {} }
  })
  const { warnings, blockers } = makePlan('h', { steps, force: false }, makeFacts(facts))
  return [...warnings, ...blockers.map(({ message }) => message)]
}

describe.each(strategies.map(({ name }) => [name]))('%s', name => {
  it('points out each mistake once, and no line that is none', () => {
    const all = said([name], MISTAKEN)
    for (const mistake of SAID)
      expect(
        all.filter(text => mistake.test(text)),
        `${mistake}`,
      ).toHaveLength(1)
    expect(all.filter(text => /netfilter\.conf:3|sysctl\.conf:4/.test(text) && !text.includes('after ours'))).toEqual(
      [],
    )
  })

  it('does so where the module is not there, for one of these lines may be why', () => {
    const gone = { ...MISTAKEN, family: null, providedBy: 'absent', max: null, count: null, buckets: null } as const
    expect(said([name], gone).filter(text => SAID[0]?.test(text))).toHaveLength(1)
  })

  it('names of a newer kernel are none of CentOS 5', () => {
    const all = said([name], { ...CENTOS5, sysctlSettings: [sysctl(7, 'net.netfilter.nf_conntrack_max', '1')] })
    expect(all.filter(text => /^\/etc\/sysctl\.conf:7 .*this kernel calls it ip_conntrack$/.test(text))).toHaveLength(1)
  })
})

it('two strategies in one plan say it once', () => {
  const all = said(['raise', 'timeouts'], MISTAKEN)
  for (const mistake of SAID)
    expect(
      all.filter(text => mistake.test(text)),
      `${mistake}`,
    ).toHaveLength(1)
})
