/** Plans as they come: any mix of values, files, rules, chains and modules, made on what the made-up host is. */
import fc from 'fast-check'
import type { Change } from '../../../src/change/change.ts'
import { type ChainState, chainTarget } from '../../../src/firewall/own.ts'
import { type RuleState, ruleTarget } from '../../../src/firewall/rule-state.ts'
import type { FakeHost } from '../simulated/debian.ts'

const PROC = '/proc/sys/net/netfilter'
const VALUES = ['nf_conntrack_max', 'nf_conntrack_generic_timeout', 'nf_conntrack_icmp_timeout']
const FILES = [
  '/etc/sysctl.d/10-there.conf',
  '/etc/sysctl.d/99-zz-ctfix.conf',
  '/etc/modprobe.d/a b\'s "c".conf',
  '/etc/empty',
]
const MODULES = ['nf_conntrack_ftp', 'nf_conntrack_sip']

/** Two files are there before: one with words in it, one empty. */
export function furnish(host: FakeHost): void {
  host.put('/etc/sysctl.d/10-there.conf', { content: 'net.ipv4.ip_forward = 0\n', mode: 0o640 })
  host.put('/etc/empty', { content: '', mode: 0o600 })
}

const text = fc.oneof(
  fc.constantFrom('', '0', '\n', 'a = 1\n', "it's $HOME `id` \\n %s\n", '\n\n\n', 'no end'),
  fc.string({ unit: 'grapheme', maxLength: 40 }).filter(word => !/[\0\ufffd]/.test(word) && word.isWellFormed()),
)

const value = fc.record({ name: fc.constantFrom(...VALUES), after: fc.constantFrom('0', '1', '61', '4096', '1048576') })

const file = fc.record({
  path: fc.constantFrom(...FILES),
  after: fc.option(fc.record({ content: text, mode: fc.constantFrom('0644', '0600', '0755') }), { freq: 4 }),
})

const rule = fc.record({
  family: fc.constantFrom(4 as const, 6 as const),
  table: fc.constantFrom('filter', 'raw'),
  chain: fc.constantFrom('OUTPUT'),
  port: fc.integer({ min: 1000, max: 65_535 }),
  position: fc.constantFrom(null, 1),
  verdict: fc.constantFrom('ACCEPT', 'DROP'),
})

const chain = fc.record({
  family: fc.constantFrom(4 as const, 6 as const),
  ports: fc.uniqueArray(fc.integer({ min: 1000, max: 65_535 }), { maxLength: 3 }),
})

const module = fc.constantFrom(...MODULES)

/** Builds a plan on the host as it is: `before` is what is there, and nothing is named twice. */
export const wishes = fc.record({
  values: fc.uniqueArray(value, { maxLength: 3, selector: ({ name }) => name }),
  files: fc.uniqueArray(file, { maxLength: 3, selector: ({ path }) => path }),
  rules: fc.uniqueArray(rule, { maxLength: 3, selector: ({ family, table, port }) => `${family}${table}${port}` }),
  chains: fc.uniqueArray(chain, { maxLength: 2, selector: ({ family }) => family }),
  modules: fc.uniqueArray(module, { maxLength: 2 }),
})

export function planOn(host: FakeHost, wanted: typeof wishes extends fc.Arbitrary<infer T> ? T : never): Change[] {
  const why = 'by chance'
  const tree = host.tree()
  const files = wanted.files.flatMap(({ path, after }): Change[] => {
    const there = tree[path] === undefined ? null : host.read(path)
    const mode = path === '/etc/empty' ? '0600' : '0640'
    const before = there === null ? null : { content: there, mode, owner: '0:0', label: null }
    if (before === null && after === null) return []
    const state = after && { ...after, owner: '0:0', label: null }
    return [{ kind: 'file', layer: 'persistent', target: path, before, after: state, why }]
  })
  return [
    ...wanted.values.flatMap(({ name, after }): Change[] => {
      const before = host.read(`${PROC}/${name}`).trim()
      const target = `net.netfilter.${name}`
      return before === after ? [] : [{ kind: 'kernel-value', layer: 'runtime', target, before, after, why }]
    }),
    ...wanted.modules.map(
      (target): Change => ({ kind: 'module', layer: 'runtime', target, before: null, after: 'loaded', why }),
    ),
    ...wanted.rules.map(({ family, table, chain, port, position, verdict }): Change => {
      // Not TCP: a port that is not let out may be the one of our next connection, and that is refused.
      const spec = ['-p', 'udp', '-m', 'udp', '--dport', String(port), '-j', verdict]
      const after: RuleState = { backend: 'iptables-legacy', family, table, chain, position, spec }
      return { kind: 'rule', layer: 'runtime', target: ruleTarget(after), before: null, after, why }
    }),
    ...wanted.chains.flatMap(({ family, ports }): Change[] => {
      const rules = ports.map(port => ['-p', 'udp', '-m', 'udp', '--dport', String(port), '-j', 'CT', '--notrack'])
      const after: ChainState = { backend: 'iptables-legacy', family, table: 'raw', chain: 'CTFIX-OUT', rules }
      const jump: RuleState = { ...after, chain: 'OUTPUT', position: 1, spec: ['-j', 'CTFIX-OUT'] }
      return [
        { kind: 'chain', layer: 'runtime', target: chainTarget(after), before: null, after, why },
        { kind: 'rule', layer: 'runtime', target: ruleTarget(jump), before: null, after: jump, why },
      ]
    }),
    ...files,
  ]
}
