/** Live entries of the flows: how the probe counts them, how they are removed, and what their absence proves. */
import type { EntriesChange } from '../../change/change.ts'
import type { Facts } from '../../facts/facts.ts'
import { type Family, isOf } from '../../firewall/address.ts'
import type { PortRange } from '../../firewall/match.ts'
import { formatDuration } from '../../lang/duration.ts'
import { formatCount } from '../../lang/numbers.ts'
import type { Evidence } from '../strategy.ts'
import { flowsText, type Options } from './options.ts'
import { familiesWith } from './rules.ts'

/** conntrack takes one port at a time; beyond so many calls entries had better age out. */
const MOST_CALLS = 256

/** The flows as the probe counts them: `PROTOCOL PORTS PEERS ADDRESSES`, one a `;`. */
export function flowSelectors(wanted: Options): string {
  const { tcp, udp, all, local_out: out, peers } = wanted
  // A network that holds every address of a family is how the other is left out.
  const [only, other] = familiesWith(wanted)
  const whole = other !== undefined ? [] : only === 6 ? ['::/0'] : ['0.0.0.0/0']
  const addresses = wanted.addresses.length > 0 ? wanted.addresses : whole
  if (all) return `any * - ${addresses[0] ?? '-'}`
  const list = (words: readonly string[]): string => (words.length > 0 ? words.join(',') : '-')
  const one = (protocol: string, ports: string): string[] =>
    ports === '' ? [] : [`${protocol} ${ports} ${list(peers)} ${list(addresses)}`]
  const portWords = (ranges: readonly PortRange[]): string =>
    ranges.map(({ from, to }) => (from === to ? from : `${from}-${to}`)).join(',')
  return [...one('tcp', portWords(tcp)), ...one('udp', portWords(udp)), ...one('tcp', out ? 'own' : '')].join(';')
}

/** What is there goes, once all else is confirmed; what cannot be removed is said. */
export function entriesChange(wanted: Options, facts: Facts, families: readonly Family[]): EntriesChange | null {
  const { flows, tools } = facts
  if (!flows || flows.entries === 0 || !tools.conntrack) return null
  const selectors = selectorsOf(wanted, flows.addresses, families)
  if (selectors.length === 0) return null
  return {
    kind: 'entries',
    layer: 'final',
    target: `entries of ${flowsText(wanted)}`,
    before: { count: flows.entries, selectors },
    after: null,
    why: 'they would stay until their time is over, and no packet refreshes them any more',
  }
}

/** Why entries stay, where they do. */
export function entriesWarning(wanted: Options, facts: Facts, families: readonly Family[]): string[] {
  const { flows, tools } = facts
  if (!flows || flows.entries === 0) return []
  const why = tools.conntrack
    ? selectorsOf(wanted, flows.addresses, families).length === 0
      ? 'there are too many ports to remove them one by one'
      : null
    : 'there is no conntrack tool here to remove them'
  return why === null
    ? []
    : [`${formatCount(flows.entries)} live entries of ${flowsText(wanted)} stay: ${why}; ${agesOut(facts)}`]
}

function agesOut({ timeouts }: Facts): string {
  const longest = Math.max(0, ...Object.values(timeouts))
  return longest > 0 ? `they age out, the last in ${formatDuration(longest)}` : 'they age out'
}

/**
 * Both ways round: the half-open entries of answers begin at our own port. Only our own addresses: we may be clients of
 * others. And only with the peers that were named.
 */
function selectorsOf(wanted: Options, local: readonly string[], families: readonly Family[]): string[][] {
  const { tcp, udp, all, local_out: out, peers } = wanted
  const name = (family: Family): string[] => ['-f', family === 4 ? 'ipv4' : 'ipv6']
  if (all) return families.map(name)
  const calls = families.flatMap(family => {
    const own = local.filter(address => isOf(address, family))
    const others = peers.length === 0 ? [null] : peers.filter(peer => isOf(peer, family))
    const side = (option: string, peer: string | null): string[] => (peer === null ? [] : [option, peer])
    return own.flatMap(address =>
      others.flatMap(peer => [
        ...[...numbers('tcp', tcp), ...numbers('udp', udp)].flatMap(([protocol, port]) => [
          [...name(family), '-p', protocol, '-d', address, '--dport', port, ...side('-s', peer)],
          [...name(family), '-p', protocol, '-s', address, '--sport', port, ...side('-d', peer)],
        ]),
        ...(out ? [[...name(family), '-p', 'tcp', '-s', address, ...side('-d', peer)]] : []),
      ]),
    )
  })
  return calls.length <= MOST_CALLS ? calls : []
}

function numbers(protocol: string, ranges: readonly PortRange[]): [string, string][] {
  return ranges.flatMap(({ from, to }) =>
    Array.from({ length: Math.min(to - from + 1, MOST_CALLS) }, (_, i): [string, string] => [
      protocol,
      String(from + i),
    ]),
  )
}

/** What the probe counts; of UDP that this host begins nobody can tell by a port whose it is. */
function countedText(wanted: Options): string {
  const text = flowsText(wanted)
  return wanted.local_out && !wanted.all ? `${text} over TCP` : text
}

/** Counters prove nothing: what stays on the machine counts and is tracked all the same. An empty table does. */
export function noEntries(wanted: Options, facts: Facts, families: readonly Family[]): Evidence {
  const name = 'no-entries-of-flows'
  const when = 'kept'
  const { flows } = facts
  if (!flows) return { name, when, status: 'unknown', detail: 'the table could not be read' }
  const text = countedText(wanted)
  if (flows.entries > 0) {
    const detail = `${formatCount(flows.entries)} entries of ${text}: ${flows.sample[0] ?? ''}`
    // What nothing here could remove is no sign that something went wrong.
    return entriesChange(wanted, facts, families)
      ? { name, when, status: 'fail', detail }
      : { name, when, status: 'unknown', detail: `${detail}; ${agesOut(facts)}` }
  }
  return flows.complete
    ? { name, when, status: 'pass', detail: `none of ${text} among ${formatCount(flows.tracked)} entries` }
    : { name, when, status: 'unknown', detail: `none of ${text} among the first ${formatCount(flows.tracked)} entries` }
}
