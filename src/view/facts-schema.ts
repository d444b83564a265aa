/** Facts as the documents hold them; part of schema.ts. */
import { z } from 'zod'
import type { Facts, FirewallOwner, InitSystem, LogEvidence, SysctlSetting } from '../facts/facts.ts'

/** Every word of a type: one that is missing or unknown here does not compile. */
export function words<Word extends string>(all: Readonly<Record<Word, true>>) {
  return z.enum(Object.keys(all))
}

export const count = z.int().min(0)
const numbers = z.record(z.string(), z.number())

const setting = { file: z.string(), line: count, text: z.string() }
const log = z
  .strictObject({
    lines: count,
    other_namespace_lines: count,
    by_namespace: numbers.optional(),
    expectation_lines: count.optional(),
    elsewhere_at_seconds: z.number().optional(),
    expectation_at_seconds: z.number().optional(),
    last_at_seconds: z.number().nullable(),
    source: words<LogEvidence['source']>({ dmesg: true, journal: true, file: true }),
  })
  .nullable()
const stats = numbers.nullable().describe('counters, summed over CPUs, by the names the kernel gives them')

const census = z
  .strictObject({
    source: z.enum(['proc', 'netlink']),
    rows: count,
    cut: z.enum(['rows', 'seconds']).nullable().describe('why not every entry was looked at'),
    count: count.nullable(),
    states: z.array(
      z.strictObject({
        protocol: z.string(),
        state: z.string().nullable(),
        ...{ entries: count, assured: count, unreplied: count, idle: count },
      }),
    ),
    ports: z.array(
      z.strictObject({ protocol: z.string(), port: count.nullable(), entries: count, served: count.nullable() }),
    ),
    peers: z.array(z.strictObject({ address: z.string(), entries: count })),
    half: z.array(z.strictObject({ port: count, entries: count })),
    expectations: count.nullable(),
    namespaces: z.array(
      z.strictObject({ id: count, program: z.string(), entries: count.nullable(), lost: count.nullable() }),
    ),
  })
  .describe('who fills the table')

const firewallOwner = words<FirewallOwner>({
  'kube-proxy': true,
  docker: true,
  firewalld: true,
  ufw: true,
  'iptables-services': true,
  'netfilter-persistent': true,
  nftables: true,
  openwrt: true,
  none: true,
})

/** The `facts` of a host. */
export const facts = z.strictObject({
  kernel: z.string(),
  machine: z.string(),
  os: z.string().nullable(),
  init: words<InitSystem>({ systemd: true, openrc: true, sysvinit: true, procd: true, unknown: true }),
  boot_id: z.string().nullable(),
  machine_id: z.string().nullable(),
  uptime_seconds: z.number(),
  root: z.boolean(),
  family: words<NonNullable<Facts['family']>>({ nf_conntrack: true, ip_conntrack: true }).nullable(),
  provided_by: words<Facts['providedBy']>({ module: true, builtin: true, absent: true }),
  count: count.nullable(),
  max: count.nullable(),
  buckets: count.nullable(),
  usage: z.number().nullable().describe('count / max'),
  timeouts: numbers.describe('seconds'),
  stats,
  earlier: z.strictObject({ stats, count: count.optional(), log, seconds_before: z.number() }).nullable(),
  table_full_lines: count.nullable(),
  log,
  states: numbers.nullable(),
  flows: z
    .strictObject({
      entries: count,
      complete: z.boolean(),
      sample: z.array(z.string()),
      addresses: z.array(z.string()).describe("the host's own ends of them"),
      tracked: count,
    })
    .nullable()
    .describe('live entries of the flows a strategy asks for'),
  census: census.nullable().optional(),
  memory_bytes: count,
  memory_available_bytes: count.nullable(),
  entry_bytes: count.nullable(),
  page_bytes: count,
  nat: z.strictObject({ in_use: z.boolean(), evidence: z.array(z.string()) }),
  stateful_rules: z.array(z.string()),
  firewall: z.strictObject({
    owner: firewallOwner,
    also: z.array(firewallOwner).optional(),
    backend: words<NonNullable<Facts['firewall']['backend']>>({
      'iptables-legacy': true,
      'iptables-nft': true,
      nft: true,
    }).nullable(),
    mixed: z.boolean(),
  }),
  managers: z.array(z.string()),
  tools: z.strictObject({ conntrack: z.boolean(), iptables: z.boolean(), ip6tables: z.boolean(), nft: z.boolean() }),
  ipv6: z.boolean(),
  forwarding: z.strictObject({ ipv4: z.boolean(), ipv6: z.boolean() }),
  local_ports: z.strictObject({ from: z.number(), to: z.number() }).nullable(),
  writable: z.strictObject({ max: z.boolean(), buckets: z.boolean(), etc: z.boolean() }),
  owns_kernel: z.boolean(),
  container: z.string().nullable(),
  modules: z
    .array(
      z.strictObject({
        name: z.string(),
        refs: z.int(),
        users: z.array(z.string()),
        unloading: z.literal(true).optional(),
      }),
    )
    .nullable(),
  sysctl_settings: z.array(
    z.strictObject({
      ...setting,
      key: z.string(),
      value: z.string(),
      applied_by: words<SysctlSetting['appliedBy']>({ sysctl: true, ufw: true, tuned: true, 'tuned-first': true }),
    }),
  ),
  modprobe_settings: z.array(z.strictObject(setting)),
  module_load_settings: z.array(z.strictObject(setting)),
  files: z.array(
    z.strictObject({
      path: z.string(),
      present: z.boolean(),
      mode: z.string().nullable(),
      refused: z.string().nullable(),
    }),
  ),
  directories: z.array(z.string()),
  ufw: z.strictObject({ enabled: z.boolean(), sysctl_file: z.string().nullable() }).nullable(),
  management_path: z
    .strictObject({
      client_address: z.string(),
      client_port: count,
      server_address: z.string(),
      server_port: count,
    })
    .nullable(),
  passive: z.strictObject({ modules: z.enum(['same', 'changed']), tables: z.enum(['same', 'changed']) }),
  unreadable: z.array(z.string()),
})
