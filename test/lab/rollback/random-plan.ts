/** Plans as they come: any mix of what a change can be, made on what the made-up host is. */
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
const IDLE_MODULE = 'nf_conntrack_netlink'
const SERVICE = 'lab-firewall'
const IMAGE = '/boot/initrd.img-6.1.0-lab'

/** systemctl on two directories: what runs, and what boot starts. */
const SYSTEMCTL = `case $1 in
  is-active) if [ -e "/run/fake/active/$2" ]; then echo active; else echo inactive; exit 3; fi ;;
  is-enabled) if [ -e "/etc/fake-wants/$2" ]; then echo enabled; else echo disabled; exit 1; fi ;;
  start) printf '' >"/run/fake/active/$2" ;;
  stop) rm "/run/fake/active/$2" ;;
  enable) printf '' >"/etc/fake-wants/$2" ;;
  disable) rm "/etc/fake-wants/$2" ;;
  *) exit 1 ;;
esac`

/** No image is made twice with the same bytes. */
const UPDATE_INITRAMFS = `[ "$1 $2" = '-u -k' ] || exit 1
read -r made </lib/fake/images 2>/dev/null || made=0
echo $((made + 1)) >/lib/fake/images
printf 'image %s\n' "$((made + 1))" >"/boot/initrd.img-$3"`

/** Two files are there before: one with words in it, one empty; a service that runs and that boot starts, and an image. */
export function furnish(host: FakeHost): void {
  host.put('/etc/sysctl.d/10-there.conf', { content: 'net.ipv4.ip_forward = 0\n', mode: 0o640 })
  host.put('/etc/empty', { content: '', mode: 0o600 })
  host.put(`/run/fake/active/${SERVICE}`, { content: '' })
  host.put(`/etc/fake-wants/${SERVICE}`, { content: '' })
  host.put(IMAGE, { content: 'image of the package\n', mode: 0o600 })
  host.put('/usr/sbin/systemctl', { content: `#!/bin/sh\n${SYSTEMCTL}\n`, mode: 0o755 })
  host.put('/usr/sbin/update-initramfs', { content: `#!/bin/sh\n${UPDATE_INITRAMFS}\n`, mode: 0o755 })
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
  others: fc.record({ idle: fc.boolean(), stop: fc.boolean(), leave: fc.boolean(), image: fc.boolean() }),
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
    ...otherChanges(wanted.others, why),
  ]
}

/** What there is one of on this host: taken out, stopped, left out at boot, made anew. */
function otherChanges(wanted: Record<'idle' | 'stop' | 'leave' | 'image', boolean>, why: string): Change[] {
  const idle: Change = { kind: 'module', layer: 'runtime', target: IDLE_MODULE, before: 'loaded', after: null, why }
  const stop: Change = { kind: 'service', layer: 'runtime', target: SERVICE, before: 'running', after: null, why }
  const leave: Change = {
    ...{ kind: 'boot-service', layer: 'persistent', target: SERVICE },
    ...{ before: 'enabled', after: null, why },
  }
  const image: Change = {
    ...{ kind: 'initramfs', layer: 'persistent', target: IMAGE },
    ...{ before: 'holds nf_conntrack', after: 'rebuilt', why },
  }
  return [
    ...(wanted.idle ? [idle] : []),
    ...(wanted.stop ? [stop] : []),
    ...(wanted.leave ? [leave] : []),
    ...(wanted.image ? [image] : []),
  ]
}
