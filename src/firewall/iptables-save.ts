/** Output of iptables-save, of any version and either backend → tables. */
import { readRule } from './iptables-rule.ts'
import type { Backend, Base, Chain, Rule, Table } from './ruleset.ts'
import { splitWords } from './words.ts'

/** Where the built-in chains of a table stand: include/uapi/linux/netfilter_ipv4.h, `NF_IP_PRI_*`. */
const PRIORITIES: Readonly<Record<string, number>> = { raw: -300, mangle: -150, filter: 0, security: 50 }
const NAT_PRIORITIES: Readonly<Record<string, number>> = {
  PREROUTING: -100,
  OUTPUT: -100,
  INPUT: 100,
  POSTROUTING: 100,
}
const HOOKS = new Set(['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'])

/** Reads the tables of a save. Lines that are none of its own (comments, warnings) are left out. */
export function parseSave(text: string, backend: Backend, family: 4 | 6): Table[] {
  const tables: Table[] = []
  let chains = new Map<string, { base: Base | null; rules: Rule[] }>()
  let name = ''
  for (const line of linesOf(text)) {
    if (line.startsWith('*')) {
      name = line.slice(1).trim()
      chains = new Map()
      tables.push({ backend, family: family === 4 ? 'ip' : 'ip6', name, chains: new Map() })
    } else if (line.startsWith(':')) {
      const [chain = '', policy = '-'] = line.slice(1).split(' ')
      chains.set(chain, { base: baseOf(name, chain, policy), rules: [] })
    } else if (line.startsWith('COMMIT')) {
      const table = tables.at(-1)
      if (table) tables[tables.length - 1] = { ...table, chains: finished(chains) }
    } else {
      // -c puts counters before it.
      const rule = /^(?:\[\d+:\d+\] )?-A (\S+) ?(.*)$/s.exec(line)
      if (!rule) continue
      const [, chain = '', spec = ''] = rule
      const known = chains.get(chain) ?? { base: baseOf(name, chain, '-'), rules: [] }
      chains.set(chain, known)
      known.rules.push(ruleOf(chain, spec))
    }
  }
  return tables
}

/** Rules are read again and again, as they are and as they will be, and hosts of a fleet have many in common. */
const read = new Map<string, Rule>()
const MOST_READ = 20_000

function ruleOf(chain: string, spec: string): Rule {
  const line = `-A ${chain} ${spec}`.trim()
  const known = read.get(line)
  if (known) return known
  const rule = { line, ...readRule(splitWords(spec)) }
  if (read.size >= MOST_READ) read.clear()
  read.set(line, rule)
  return rule
}

/** A comment may hold a newline: a line with an odd number of quotes goes on in the next. */
export function linesOf(text: string): string[] {
  if (!text.includes('"')) return text.split('\n')
  const lines: string[] = []
  let open = ''
  for (const line of text.split('\n')) {
    const whole = open === '' ? line : `${open}\n${line}`
    const quotes = whole.replace(/\\./g, '').split('"').length - 1
    if (quotes % 2 === 1 && /^(?:\[\d+:\d+\] )?-A/.test(whole)) open = whole
    else {
      open = ''
      lines.push(whole)
    }
  }
  return open === '' ? lines : [...lines, open]
}

function finished(chains: ReadonlyMap<string, { base: Base | null; rules: Rule[] }>): Map<string, Chain> {
  return new Map([...chains].map(([name, chain]) => [name, { name, ...chain }]))
}

function baseOf(table: string, chain: string, policy: string): Base | null {
  if (!HOOKS.has(chain)) return null
  const priority = table === 'nat' ? NAT_PRIORITIES[chain] : PRIORITIES[table]
  return {
    type: table === 'nat' ? 'nat' : 'filter',
    hook: chain.toLowerCase(),
    priority: priority ?? 0,
    policy: policy === 'DROP' ? 'drop' : 'accept',
  }
}
