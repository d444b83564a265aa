/** Expressions of one nft rule → what it asks and does; a verdict map becomes one rule for each of its entries. */

import { isRecord } from '../lang/record.ts'
import type { Match } from './match.ts'
import { readLeft, readMatch } from './nft-match.ts'
import { describeValue } from './nft-value.ts'
import type { Rule, Verdict } from './ruleset.ts'

type Expression = Readonly<Record<string, unknown>>

/** Statements after which the next one is looked at, as before. */
const GO_ON = new Set([
  'counter',
  'log',
  'mangle',
  'ct helper',
  'ct timeout',
  'ct expectation',
  'flow',
  'dup',
  'secmark',
  'last',
  'comment',
])
const VERDICTS: Readonly<Record<string, 'accept' | 'drop' | 'return' | 'continue' | 'notrack'>> = {
  accept: 'accept',
  drop: 'drop',
  reject: 'drop',
  return: 'return',
  continue: 'continue',
  notrack: 'notrack',
}

/** Reads them in order. What is not understood is a question in its place; notrack is a rule of its own, for more may follow. */
export function readExpressions(expressions: readonly Expression[]): Rule[] {
  const line = expressions.map(describeExpression).join(' ')
  const matches: Match[] = []
  const rules: Rule[] = []
  for (const expression of expressions) {
    const [name = '', body] = Object.entries(expression)[0] ?? []
    if (name === 'vmap') {
      const entries = readVerdictMap(body) ?? [{ matches: [], verdict: { is: 'unknown' } as const }]
      return [
        ...rules,
        ...entries.map(entry => ({ line, matches: [...matches, ...entry.matches], verdict: entry.verdict })),
      ]
    }
    const verdict = verdictOf(name, body)
    if (verdict?.is === 'notrack') rules.push({ line, matches: [...matches], verdict })
    else if (verdict) return [...rules, { line, matches, verdict }]
    else if (name === 'match') matches.push(...readMatch(body))
    else if (!GO_ON.has(name) && !isPlainSetUpdate(name, body)) matches.push(question(name, body))
  }
  return rules.length > 0 ? rules : [{ line, matches, verdict: { is: 'continue' } }]
}

/** `add @set { ip saddr }`; with a limit of its own in it, it asks something. */
function isPlainSetUpdate(name: string, body: unknown): boolean {
  return (name === 'set' || name === 'map') && isRecord(body) && body.stmt === undefined
}

function question(name: string, body: unknown): Match {
  const varies = name === 'limit' || name === 'quota' ? 'by-rule' : 'by-state'
  return { condition: { is: 'unknown', text: `${name} ${describeValue(body)}`, varies }, not: false }
}

/** null for what ends nothing. */
function verdictOf(name: string, body: unknown): Verdict | null {
  const plain = VERDICTS[name]
  if (plain) return { is: plain }
  if (name === 'jump' || name === 'goto') {
    const target = isRecord(body) ? body.target : undefined
    return typeof target === 'string' ? { is: name, chain: target } : { is: 'unknown' }
  }
  return ['queue', 'synproxy', 'tproxy', 'fwd', 'xt', 'snat', 'dnat', 'masquerade', 'redirect'].includes(name) &&
    !isXtMatch(body)
    ? { is: 'unknown' }
    : null
}

/** Of an extension of iptables nft shows no more than its name. */
function isXtMatch(body: unknown): boolean {
  return isRecord(body) && body.type === 'match'
}

interface Entry {
  readonly matches: readonly Match[]
  readonly verdict: Verdict
}

/** `ct state vmap { established : accept, invalid : drop }`. null when it is named, or says something else. */
function readVerdictMap(body: unknown): Entry[] | null {
  if (!isRecord(body) || !isRecord(body.data) || !Array.isArray(body.data.set)) return null
  const left = readLeft(body.key)
  const entries: Entry[] = []
  for (const pair of body.data.set) {
    if (!Array.isArray(pair) || !isRecord(pair[1]) || pair[0] === '*') return null
    const [name = '', target] = Object.entries(pair[1])[0] ?? []
    const verdict = verdictOf(name, target)
    if (!verdict) return null
    entries.push({ matches: left('==', pair[0]), verdict })
  }
  return entries
}

/** Something like what nft itself prints, for people. */
function describeExpression(expression: Expression): string {
  const [name = '', body] = Object.entries(expression)[0] ?? []
  if (name === 'match' && isRecord(body)) {
    const operator = body.op === '==' || body.op === 'in' ? '' : `${String(body.op)} `
    return `${describeValue(body.left)} ${operator}${describeValue(body.right)}`
  }
  if (name === 'vmap' && isRecord(body)) {
    const entries = isRecord(body.data) && Array.isArray(body.data.set) ? body.data.set : []
    const shown = entries.map(entry => (Array.isArray(entry) ? entry : [entry]).map(describeEntry).join(' : '))
    return `${describeValue(body.key)} vmap { ${shown.join(', ')} }`
  }
  // What they say in detail decides nothing.
  if (['counter', 'log', 'reject', 'limit'].includes(name)) return name
  return body === null ? name : `${name} ${describeValue(body)}`
}

function describeEntry(value: unknown): string {
  if (!isRecord(value)) return describeValue(value)
  const [name = '', body] = Object.entries(value)[0] ?? []
  return name === 'jump' || name === 'goto'
    ? `${name} ${describeValue(body)}`
    : name in VERDICTS
      ? name
      : describeValue(value)
}
