/** Files of nft as people write them: statement by statement, each with the table and the chain it stands in. */
import { nameText } from '../../firewall/triggers-nft.ts'

export interface Statement {
  /** `ip nat postrouting`; null where it is no rule of a chain. */
  readonly home: string | null
  readonly text: string
  /** From 1. */
  readonly line: number
  /** Nothing else stands in its line, and all of it does. */
  readonly alone: boolean
}

const FAMILIES = ['ip', 'ip6', 'inet', 'arp', 'bridge', 'netdev']
/** What a brace opens that is no set of values. */
const BLOCK =
  /^((add|create|destroy) )?(table|chain|set|map|flowtable|counter|quota|limit|secmark|synproxy|ct (helper|timeout|expectation)) /
const HEADER = /^(table|chain) \S+( \S+)?$/
const CHAIN = /^(add |create )?chain /
/** Strings, comments, lines that go on, and what opens, closes and ends; all else is text. */
const TOKEN = /"[^"\n]*"|#[^\n]*|\\\n|[{};\n]|[^"#\\{};\n]+|["\\]/g

interface Found extends Omit<Statement, 'alone'> {
  readonly last: number
}

/** Whatever lines and braces they are spread over. */
export function statementsOf(text: string): Statement[] {
  const reader = new Reader()
  for (const [token] of text.matchAll(TOKEN)) reader.take(token)
  reader.end()
  const { found, framed } = reader
  const many = new Map<number, number>()
  for (const { line, last } of found) {
    for (let at = line; at <= last; at++) many.set(at, (many.get(at) ?? 0) + 1)
  }
  return found.map(({ last, ...one }) => ({
    ...one,
    alone: one.line === last && many.get(last) === 1 && !framed.has(last),
  }))
}

class Reader {
  readonly found: Found[] = []
  /** Lines in which a block opens or closes: they cannot go, whatever else is in them. */
  readonly framed = new Set<number>()
  readonly #blocks: string[] = []
  #said = ''
  #start = 1
  #line = 1
  /** Braces of sets and maps inside of a rule. */
  #depth = 0

  take(token: string): void {
    if (this.#depth === 0 && '{};\n'.includes(token)) this.#frame(token)
    else if (token === '\n' || token === '\\\n') this.#said += ' '
    else if (!token.startsWith('#')) this.#add(token)
    if (token.endsWith('\n')) this.#line += 1
  }

  get #whole(): string {
    return this.#said.replace(/\s+/g, ' ').trim()
  }

  #frame(token: string): void {
    if (token === '{') {
      const isBlock = !this.#blocks.some(block => CHAIN.test(block)) && BLOCK.test(`${this.#whole} `)
      if (!isBlock) {
        this.#add(token)
        return
      }
      this.#blocks.push(this.#whole)
      this.#said = ''
      this.framed.add(this.#line)
    } else if (token === '}') {
      this.end()
      this.#blocks.pop()
      this.framed.add(this.#line)
    } else if (token === '\n' && HEADER.test(this.#whole)) {
      // Its brace may stand in the next line.
      this.#said = `${this.#whole}\n`
    } else this.end()
  }

  #add(token: string): void {
    if (token.trim() === '') {
      if (!this.#said.endsWith('\n')) this.#said += token
      return
    }
    if (this.#said.endsWith('\n')) this.end()
    if (this.#whole === '') this.#start = this.#line
    if (token === '{') this.#depth += 1
    if (token === '}') this.#depth -= 1
    this.#said += token
  }

  /** What was read up to here is a statement. */
  end(): void {
    const whole = this.#whole
    if (whole !== '') this.found.push({ ...ruleIn(whole, this.#blocks), line: this.#start, last: this.#line })
    this.#said = ''
  }
}

function ruleIn(said: string, blocks: readonly string[]): Pick<Statement, 'home' | 'text'> {
  const [, table] = /^(?:add |create )?table (.+)$/.exec(blocks[0] ?? '') ?? []
  const [, chain] = /^(?:add |create )?chain (.+)$/.exec(blocks[1] ?? '') ?? []
  if (table !== undefined && chain !== undefined) return { home: `${withFamily(table)} ${chain}`, text: said }
  const words = /^(?:(?:add|insert|replace) )?rule (.*)$/.exec(said)?.[1]?.split(' ')
  if (!words) return { home: null, text: said }
  const at = FAMILIES.includes(words[0] ?? '') ? 1 : 0
  const text = words.slice(at + 2).join(' ')
  return {
    home: `${withFamily(words.slice(0, at + 1).join(' '))} ${words[at + 1] ?? ''}`,
    text: text.replace(/^(position|handle|index) \d+ /, ''),
  }
}

/** A table without a family is of IPv4. */
const withFamily = (table: string): string => (FAMILIES.includes(table.split(' ')[0] ?? '') ? table : `ip ${table}`)

/** `define WAN = eth9` and then `$WAN`: as it is read, where the name is defined once and for all. */
export function withDefined(text: string, statements: readonly Statement[]): string {
  if (!text.includes('$')) return text
  const defined = statements.flatMap(one => {
    const [, name, value] = /^(?:re|un)?define (\w+)(?: ?= ?(.+))?$/.exec(one.text) ?? []
    return name === undefined ? [] : [[name, value] as const]
  })
  const once = new Map(defined.filter(([name]) => defined.filter(([other]) => other === name).length === 1))
  // One may be made of others.
  let read = text
  for (let depth = 0; depth < 4 && read.includes('$'); depth++) {
    read = read.replace(/\$(\w+)/g, (whole, name: string) => once.get(name) ?? whole)
  }
  return read
}

/** The same for what people write and nft prints: blanks, quotes, and how states are listed. */
export function spelling(text: string): string {
  return nameText(text.replace(/;\s*$/, ''))
    .replace(/\s*,\s*/g, ',')
    .replace(/\{\s+/g, '{')
    .replace(/\s+\}/g, '}')
    .replace(/"([\w.:+*-]+)"/g, '$1')
    .replace(/\bct (state|status) ?\{?([a-z,]+)\}?/g, (_, key: string, list: string) => {
      return `ct ${key} ${list.split(',').toSorted().join(',')}`
    })
    .replace(/\s+/g, ' ')
    .trim()
}

/** Services that rules name most; nft prints their numbers. */
const SERVICES: Readonly<Record<string, string>> = {
  ...{ ssh: '22', smtp: '25', domain: '53', http: '80', ntp: '123', snmp: '161', https: '443', submission: '587' },
}

/** Its words in whatever order: elements of a set and of a map have none, and people say `ssh`. */
export function bagOfWords(text: string): string {
  const words = spelling(text).split(/[\s,:;{}]+/)
  return words
    .map(word => SERVICES[word] ?? word)
    .filter(word => word !== '')
    .toSorted()
    .join(' ')
}

/** What a written rule asks tracking for, in a word; null where it asks for none. */
export function writtenKind(text: string): string | null {
  // Words of other meanings: what is said of itself, where it jumps to, and messages of the same name.
  const said = text
    .replace(/"[^"]*"/g, '""')
    .replace(/\b(jump|goto) \S+/g, '$1')
    .replace(/\bicmp(v6)? type (\{[^}]*\}|\S+)/g, 'icmp')
    .replace(/\bct (status|direction) (\{[^}]*\}|\S+)/g, 'ct state')
  if (/(^|\s)(masquerade|snat|dnat|redirect)(\s|$)/.test(said)) return 'nat'
  if (/\bsynproxy\b/.test(said)) return 'synproxy'
  if (/\bflow (add|offload)\b/.test(said)) return 'offload'
  if (/\bct (helper|timeout|expectation) set\b/.test(said)) return 'helper'
  if (/\bct count\b/.test(said)) return 'count'
  if (/\bct (mark|label)\b/.test(said)) return 'mark'
  return /\bct [a-z]/.test(said) ? 'state' : null
}
