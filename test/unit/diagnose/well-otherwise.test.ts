/** Hosts that only look ill: what kernels, packages and other programs do by themselves. */
import { describe, expect, it } from 'vitest'
import { diagnose } from '../../../src/diagnose/diagnose.ts'
import type { Facts, SysctlSetting } from '../../../src/facts/facts.ts'
import { lint } from '../../../src/strategy/lint.ts'
import { but, calm, cured, MAX, recorded, rules, sysctl } from './hosts.ts'

const codes = (facts: Facts): string[] => diagnose(facts).findings.map(({ code, severity }) => `${code} ${severity}`)
const modprobe = (text: string, file = '/etc/modprobe.d/x.conf') => ({ file, line: 1, text })

describe('timeouts', () => {
  it('of 0.3 s are shown as 0 by kernels before 6, and are none', () => {
    const sctp = { sctp_shutdown_sent: 0, sctp_shutdown_recd: 0 }
    expect(codes(but(calm, { timeouts: { ...calm.timeouts, ...sctp } }))).toEqual([])
  })

  it('of 0 get the value that the kernel had', () => {
    const zero = but(calm, { timeouts: { ...calm.timeouts, tcp_established: 0, icmp: -1 } })
    const { findings, recommendation } = diagnose(zero)
    expect(findings[0]?.remedy).toMatch(
      /--set icmp=30 --set established=432000$|--set established=432000 --set icmp=30$/,
    )
    const values = recommendation.plan?.changes.map(({ target, after }) => [target, after])
    expect(values).toContainEqual(['net.netfilter.nf_conntrack_tcp_timeout_established', '432000'])
  })

  it('of 0 that no strategy knows are named by their sysctl', () => {
    const { findings, recommendation } = diagnose(but(calm, { timeouts: { ...calm.timeouts, dccp_open: 0 } }))
    expect(findings[0]?.remedy).toBe('set it by net.netfilter.nf_conntrack_dccp_timeout_open')
    expect(recommendation.steps).toEqual([])
  })
})

describe('values of several files', () => {
  const by = (file: string, value: number, appliedBy: SysctlSetting['appliedBy'] = 'sysctl'): SysctlSetting => ({
    ...sysctl(file, MAX, value),
    appliedBy,
  })
  const own = by('/etc/sysctl.d/99-zz-ctfix.conf', 65_536)

  it.each<[string, readonly SysctlSetting[], string[]]>([
    ['a default of a package, and one in /etc', [by('/usr/lib/sysctl.d/50-x.conf', 9_000), own], []],
    ['a profile of tuned that /etc overrules', [by('/usr/lib/tuned/x/tuned.conf', 9_000, 'tuned-first'), own], []],
    ['one that ours overrules', [by('/etc/sysctl.d/10-a.conf', 9_000), own], ['competing-values notice']],
    [
      'one that overrules ours',
      [own, by('/etc/sysctl.d/99-zzz.conf', 9_000)],
      ['other-at-boot warning', 'competing-values warning'],
    ],
    [
      'one that ufw applies over ours',
      [own, by('/etc/ufw/sysctl.conf', 9_000, 'ufw')],
      ['other-at-boot warning', 'competing-values warning'],
    ],
    ['the same twice', [by('/etc/sysctl.d/10-a.conf', 65_536), own], []],
  ])('%s', (_, sysctlSettings, expected) => {
    expect(codes(but(cured, { sysctlSettings }))).toEqual(expected)
  })
})

describe('rules in two backends', () => {
  const nft = { backend: 'nft', family: null, format: 'json', text: '{"nftables":[]}' } as const
  const compat = { backend: 'iptables-nft', family: 4, format: 'save', text: '*filter\nCOMMIT\n' } as const
  const mixed = (source: typeof nft | typeof compat): Facts => {
    const ruleset = rules('*filter', 'COMMIT')
    return but(calm, {
      ...{ firewall: { owner: 'none', backend: 'iptables-legacy', mixed: true } },
      ruleset: ruleset && { ...ruleset, sources: [...ruleset.sources, source] },
    })
  }

  it('are a failure where both are of iptables, and worth a word where a program has a table of its own', () => {
    expect(codes(mixed(compat))).toEqual(['competing-firewalls warning'])
    expect(codes(mixed(nft))).toEqual(['competing-firewalls notice'])
  })
})

describe('lines of modprobe.d', () => {
  const stateful = { statefulRules: ['filter: -A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT'] }
  const install = (command: string) => modprobe(`install nf_conntrack ${command}`)

  it.each<[string, Partial<Facts>, boolean]>([
    ['with blanks', { modprobeSettings: [modprobe('options nf_conntrack hashsize = 65536')] }, true],
    ['with a word for a number', { modprobeSettings: [modprobe('options nf_conntrack hashsize=64k')] }, true],
    ['with quotes', { modprobeSettings: [modprobe('options nf_conntrack hashsize="65536"')] }, false],
    ['of another parameter', { modprobeSettings: [modprobe('options nf_conntrack expect_hashsize=64')] }, false],
    [
      'of what is built in',
      { providedBy: 'builtin', modprobeSettings: [modprobe('options nf_conntrack hashsize = 65536')] },
      false,
    ],
    ['that refuse what rules ask for', { ...stateful, modprobeSettings: [install('/bin/false')] }, true],
    ['that only say it was loaded', { ...stateful, modprobeSettings: [install('/usr/bin/true')] }, true],
    ['that refuse what nobody asks for', { statefulRules: [], modprobeSettings: [install('/bin/false')] }, false],
    [
      'behind one that loads it',
      { ...stateful, modprobeSettings: [install('modprobe --ignore-install nf_conntrack'), install('/bin/false')] },
      false,
    ],
  ])('%s', (_, differences, isBroken) => {
    // Files of sizes are another matter.
    const found = codes(but(cured, { buckets: 65_536, ...differences }))
    expect(found.includes('broken-modprobe-line critical')).toBe(isBroken)
  })

  it('that refuse it shut everybody out where ufw is', () => {
    const facts = but(cured, {
      ...stateful,
      modprobeSettings: [install('/bin/false')],
      ufw: { enabled: true, sysctlFile: null },
    })
    expect(diagnose(facts).findings[0]?.evidence.join()).toMatch(/SSH too/)
  })
})

it('a container misses no log, which is that of its machine', () => {
  expect(codes(recorded('docker-container'))).toEqual([])
})

it('names of older kernels are told by the modules there are', () => {
  const sysctlSettings = [sysctl('/etc/sysctl.conf', 'net.ipv4.netfilter.ip_conntrack_max', 65_536)]
  const module = (name: string) => ({ name, refs: 1, users: [] })
  const modules = [module('nf_conntrack')]
  expect(lint(but(calm, { sysctlSettings, modules })).join()).toMatch(/this kernel calls it nf_conntrack/)
  expect(lint(but(calm, { sysctlSettings, modules: [...modules, module('nf_conntrack_ipv4')] }))).toEqual([])
})
