/** What the next boot makes of a limit and a hash size, by where they come from and who reads it. */
import { expect, test } from 'vitest'
import { diagnose } from '../../../src/diagnose/diagnose.ts'
import { lostAtReboot } from '../../../src/diagnose/rules/lost-at-reboot.ts'
import { otherAtBoot } from '../../../src/diagnose/rules/other-at-boot.ts'
import type { Facts } from '../../../src/facts/facts.ts'
import { but, calm, cured, MAX, recorded, sysctl } from './hosts.ts'

const GIB = 1024 ** 3
const option = (hashsize: number | string, file = '/etc/modprobe.d/x.conf') => ({
  ...{ file, line: 1, text: `options nf_conntrack hashsize=${hashsize}` },
})
const BUCKETS = 'net.netfilter.nf_conntrack_buckets'
const loaded = (text: string) => [{ file: '/etc/modules-load.d/x.conf', line: 1, text }]
const lost = (facts: Facts): readonly string[] => lostAtReboot(facts)?.evidence ?? []

test('buckets that somebody raised and no line gives the module are lost', () => {
  const facts = but(calm, { buckets: 262_144, memoryBytes: 2 * GIB })
  expect(lost(facts)).toEqual(['the number of buckets is 262,144: boot gives it the default of the kernel'])
  const { recommendation } = diagnose(facts)
  expect(recommendation.steps.map(({ strategy, options }) => [strategy, options.max, options.buckets])).toEqual([
    ['raise', 65_536, 262_144],
  ])
  expect(recommendation.plan?.changes.map(({ target }) => target)).toContain('/etc/modprobe.d/zz-ctfix.conf')
})

test('a line that gives fewer is named, and one that gives as many, or whole pages of as many, keeps them', () => {
  const raised = but(cured, { buckets: 131_072 })
  const by = (hashsize: number | string) => lost(but(raised, { modprobeSettings: [option(hashsize)] }))
  expect(by(32_768)).toEqual(['the number of buckets is 131,072: /etc/modprobe.d/x.conf:1 makes it 32,768'])
  expect([by(131_072), by(130_900), by('"131072"'), by(262_144)]).toEqual([[], [], [], []])
  expect(lostAtReboot(but(raised, { modprobeSettings: [option(32_768)] }))?.title).toMatch(
    /hash size will .* otherwise/,
  )
})

test('the sysctl of the buckets keeps them where something loads the module first', () => {
  const raised = but(cured, { buckets: 131_072, modprobeSettings: [] })
  const sysctlSettings = [...cured.sysctlSettings, sysctl('/etc/sysctl.d/x.conf', BUCKETS, 131_072)]
  expect(lost(but(raised, { sysctlSettings }))).toEqual([])
  expect(lost(but(raised, { sysctlSettings, moduleLoadSettings: [] }))).toHaveLength(1)
})

test('where it is built in no line of modprobe.d counts, and the command line of the kernel does', () => {
  const builtin = but(cured, { buckets: 131_072, providedBy: 'builtin', modprobeSettings: [option(131_072)] })
  expect(lost(builtin)).toHaveLength(1)
  expect(lost(but(builtin, { modprobeSettings: [option(131_072, '/proc/cmdline')] }))).toEqual([])
})

test.for<[string, Partial<Facts>]>([
  ['what a kernel chooses for 16 GiB', { max: 262_144, buckets: 262_144, memoryBytes: 16 * GIB }],
  ['what an older one chooses for them', { max: 262_144, buckets: 65_536, memoryBytes: 16 * GIB }],
  ['what a kernel chooses for 2 GiB', { max: 65_536, buckets: 65_536, memoryBytes: 2 * GIB }],
  ['what an older one chooses for them', { max: 65_536, buckets: 16_384, memoryBytes: 2 * GIB }],
  ['a small machine', { max: 7_680, buckets: 7_680, memoryBytes: 0.95 * GIB }],
  ['a tiny one', { max: 2_560, buckets: 2_560, memoryBytes: 320 * 1024 ** 2 }],
  ['a tiny one with an older kernel', { max: 10_240, buckets: 2_560, memoryBytes: 320 * 1024 ** 2 }],
  ['a router of 32 bits', { max: 8_192, buckets: 2_048, memoryBytes: 125 * 1024 ** 2, machine: 'armv7l' }],
  [
    'a router with its own share of memory',
    { max: 16_000, buckets: 16_000, memoryBytes: 250 * 1024 ** 2, init: 'procd' },
  ],
  ['a small hash that somebody made', { buckets: 512, sysctlSettings: [sysctl('/etc/sysctl.d/a.conf', MAX, 65_536)] }],
])('nobody wrote it down, and nothing is lost: %s', ([, facts]) => {
  expect(lost(but(calm, { moduleLoadSettings: loaded('nf_conntrack'), ...facts }))).toEqual([])
})

test('what a larger machine has by itself somebody set on a smaller one', () => {
  expect(lost(but(calm, { max: 262_144, memoryBytes: 2 * GIB }))).toEqual([
    `${MAX} is 262,144: boot gives it the default of the kernel`,
  ])
})

test('a hash size without a limit makes the limit eight times as large', () => {
  const facts = but(calm, { modprobeSettings: [option(131_000)], buckets: 65_536 })
  expect(lost(facts)).toEqual([`${MAX} is 65,536: /etc/modprobe.d/x.conf:1 makes it 1,048,576`])
  expect(lost(but(facts, { max: 1_048_576 }))).toEqual([])
})

test.for<[string, boolean]>([
  ['nf_conntrack', false],
  ['nf-conntrack', false],
  ['iptable_nat', false],
  ['nf_conntrack_ftp', false],
  // No kernel since 4.19 has it.
  ['nf_conntrack_ipv4', true],
])('the sysctl file is applied too early where boot loads %s: %s', ([name, isEarly]) => {
  const facts = but(cured, { moduleLoadSettings: loaded(name) })
  expect(otherAtBoot(facts)?.evidence.join() ?? '').toMatch(isEarly ? /before anything has loaded/ : /^$/)
})

test('older hosts: the option is of their own module, and kube-proxy writes what it wants', () => {
  const old = recorded('centos5')
  const lines = [{ file: '/etc/modprobe.conf', line: 2, text: 'options ip_conntrack hashsize=65000' }]
  expect(lost(but(old, { buckets: 65_000 }))).toHaveLength(1)
  expect(lost(but(old, { buckets: 65_000, max: 520_000, modprobeSettings: lines }))).toEqual([])
  expect(lost(but(recorded('kube-node'), { buckets: 524_288 }))).toEqual([])
})
