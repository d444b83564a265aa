/** Live rules: which of them need connection tracking, which translate addresses, and where they live. */
import { plain } from '../lang/text.ts'
import type { Facts } from './facts.ts'
import { isRoot, type Look, wholeFiles } from './look.ts'

/** The rules as the probe could see them. */
export interface Rules {
  /** False when a table exists that could not be listed, or nobody was allowed to look. */
  readonly complete: boolean
  readonly stateful: readonly string[]
  readonly nat: readonly string[]
  readonly legacy: boolean
  readonly nft: boolean
  /** The nft tables are those of iptables-nft. */
  readonly compat: boolean
  readonly tables: readonly string[]
  readonly kubernetes: boolean
}

const NAT = /-j (MASQUERADE|SNAT|DNAT|REDIRECT|NETMAP)\b|xt target "?(MASQUERADE|SNAT|DNAT|REDIRECT|NETMAP)\b/
/** What a rule asks of a connection that was translated, and what it says of itself, translates nothing. */
const ASKED = /\bct status (\{[^}]*\}|& ?\([^)]*\)|\S+)|"[^"]*"/g
const NAT_NFT = /(^|\s)(masquerade|snat|dnat|redirect)(\s|$)/
const STATEFUL_NFT =
  /(^|\s)ct (?!helper set)|(^|\s)(synproxy|flow (add|offload))|xt match "?(state|conntrack|conn\w+|helper|cluster)\b|xt target "?(CT|CONN\w+|SYNPROXY)\b|#.*-m (state|conntrack|conn\w+|helper)/

/** Reads the section of rules: one line each for a table, a count, a rule that may be stateful. */
export function rulesOf(look: Look): Rules {
  const section = look.sections.get('rules') ?? ''
  const kept = [...section.matchAll(/^rule (legacy[46]|nft[46]?) ([^\t\n]*)\t(.{0,400})/gm)].map(
    ([, from = '', where = '', text = '']) => ({
      from,
      where,
      text,
      // ip6 is said, ip is not: `filter: …` is what people know from iptables.
      line: plain(`${from.endsWith('6') ? 'ip6 ' : ''}${where}: ${text.trimEnd()}`),
    }),
  )
  // Where nft has left out a target, the blank before it is all that shows.
  const isNat = ({ where, text }: { readonly where: string; readonly text: string }): boolean =>
    NAT.test(text) || NAT_NFT.test(text.replace(ASKED, '')) || (/^ip6? nat /.test(where) && text.endsWith(' '))
  const count = (backend: string): number =>
    [...section.matchAll(/^count (\S+) (\d+)$/gm)]
      .filter(([, from]) => from?.startsWith(backend))
      .reduce((sum, [, , n]) => sum + Number(n), 0)
  return {
    complete: isRoot(look) && isComplete(look, section),
    stateful: kept.filter(rule => isNat(rule) || isStateful(rule.from, rule.text)).map(({ line }) => line),
    nat: kept.filter(isNat).map(({ line }) => line),
    legacy: count('legacy') > 0,
    nft: count('nft') > 0,
    compat: /^compat$/m.test(section) || /^table nft[46] /m.test(section),
    tables: [...section.matchAll(/^table (\S+ .*)$/gm)].map(([, name = '']) => name),
    kubernetes: kept.some(({ text }) => text.includes('KUBE-')),
  }
}

/** Every table that exists was listed, to its end. */
function isComplete(look: Look, section: string): boolean {
  const legacy = (look.values.get('/proc/net/ip_tables_names') ?? []).some(name => name !== '')
  if (legacy && !/^#from legacy4$/m.test(section)) return false
  return !/^(#from failed|truncated|more)$/m.test(section)
}

function isStateful(from: string, text: string): boolean {
  // Taking packets out of tracking needs the target, not the tracking.
  const withoutNotrack = text.replace(/-j CT --notrack|-j NOTRACK|(^|\s)notrack\b/g, '')
  if (from === 'nft') return STATEFUL_NFT.test(withoutNotrack)
  return / -m (state|conntrack|conn\w+|helper|cluster) | -j (CT|CONN\w+|SYNPROXY|FLOWOFFLOAD)( |$)/.test(withoutNotrack)
}

/**
 * True for a line of a saved file or of a script that needs tracking or translates addresses, whoever it is for. A table
 * nat is enough: it cannot be loaded without conntrack.
 */
export function needsTracking(line: string): boolean {
  const long = { '--match': '-m', '--jump': '-j', '--table': '-t' } as const
  const text = ` ${line} `
    .replace(/(--(?:match|jump|table))[\s=]+/g, (_, option: keyof typeof long) => `${long[option]} `)
    .replace(/(\s-[mjt])(?=[A-Za-z])/g, '$1 ')
    .replace(/[\s{;]+/g, ' ')
  if (NAT.test(text) || NAT_NFT.test(text) || /^ \*nat | -t nat | type nat | flowtable /.test(text)) return true
  return isStateful('legacy', text) || isStateful('nft', text)
}

/** Address translation: by rules, by virtual servers, by bridges that exist for it. Forwarding alone is none. */
export function natOf(look: Look, rules: Rules): Facts['nat'] {
  const bridges = [...look.present.keys()].flatMap(path => /^\/sys\/class\/net\/([^*]+)$/.exec(path)?.[1] ?? [])
  const services = look.lines.filter(({ file }) => file === '/proc/net/ip_vs').length
  // Each rule holds its target's module, so a count above zero shows rules nobody let us list.
  const held = rules.complete ? [] : (look.values.get('/proc/modules') ?? []).filter(line => HELD_BY_NAT.test(line))
  const evidence = [
    ...rules.nat.slice(0, 10),
    ...(services > 0 ? [`ip_vs has ${services} virtual services`] : []),
    ...bridges.map(name => plain(`interface ${name}`)),
    ...held.map(line => `module ${line.split(' ', 1)[0]} is in use`),
  ]
  return { inUse: evidence.length > 0, evidence }
}

const HELD_BY_NAT =
  /^(xt_MASQUERADE|ipt_MASQUERADE|xt_nat|xt_REDIRECT|xt_NETMAP|nft_masq|nft_nat|nft_redir|nft_chain_nat) \d+ [1-9]/

/** Which of the three ways of filtering holds the rules; without any rule, which one the tools would use. */
export function backendOf(look: Look, rules: Rules, owner: Facts['firewall']['owner']): Facts['firewall'] {
  const mixed = rules.legacy && rules.nft
  const tool = toolBackend(look)
  const iptables = rules.compat || tool === 'iptables-nft' ? 'iptables-nft' : 'iptables-legacy'
  const speaksNft = owner === 'nftables' || rules.tables.some(name => /^nft (inet (firewalld|fw4))$/.test(name))
  if (speaksNft) return { owner, backend: 'nft', mixed }
  if (rules.legacy) return { owner, backend: mixed && tool === 'iptables-nft' ? tool : 'iptables-legacy', mixed }
  if (rules.nft) return { owner, backend: rules.compat ? iptables : 'nft', mixed }
  return { owner, backend: tool, mixed }
}

/** By where the link `iptables` leads in the end. A program that is no link is from before there were two. */
function toolBackend(look: Look): Facts['firewall']['backend'] {
  const paths = ['/etc/alternatives/iptables', '/usr/sbin/iptables', '/sbin/iptables']
  const found = paths.flatMap(path => look.entries.get(path) ?? [])
  if (found.length === 0) return null
  return found.some(({ leadsTo }) => leadsTo?.includes('nft')) ? 'iptables-nft' : 'iptables-legacy'
}

/** The proof that looking changed nothing: names before and after. Reference counts come and go, so they are left out. */
export function passiveOf(look: Look): Facts['passive'] {
  const before = look.sections.has('earlier-stat') ? wholeFiles(look.sections.get('earlier-stat') ?? '') : look.values
  const same = (...paths: readonly string[]): boolean =>
    paths.every(path => {
      const earlier = (before.get(path) ?? []).map(firstWord)
      const later = look.lines.filter(({ file }) => file === path).map(({ text }) => firstWord(text))
      return isSameSet(earlier, later)
    })
  const rules = look.sections.get('rules') ?? ''
  const named = (pattern: RegExp): string[] => [...rules.matchAll(pattern)].map(([, name = '']) => name)
  const nftBefore = named(/^before table (\S+ \S+)/gm)
  // Nothing was there and so nothing was listed, or the listing was stopped or refused: no comparison.
  const comparable = nftBefore.length > 0 && !/^(truncated|#from failed)$/m.test(rules)
  const sameNft = !comparable || isSameSet(nftBefore, named(/^table nft (\S+ \S+)/gm))
  const tables = same('/proc/net/ip_tables_names', '/proc/net/ip6_tables_names') && sameNft
  return { modules: same('/proc/modules') ? 'same' : 'changed', tables: tables ? 'same' : 'changed' }
}

const firstWord = (line: string): string => line.split(' ', 1)[0] ?? ''

function isSameSet(one: readonly string[], other: readonly string[]): boolean {
  return new Set(one).symmetricDifference(new Set(other)).size === 0
}
