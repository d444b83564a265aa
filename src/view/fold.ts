/**
 * What is said of many hosts alike is said once. A host's own name and addresses are no difference; numbers that were
 * measured are none, either, where the caller says so, and are shown from the least to the most.
 */
import { parseDuration } from '../lang/duration.ts'
import { literally } from '../lang/text.ts'
import type { Outcome } from '../run/status.ts'

/** Hosts of which the same is to be said, in order. */
export interface Fold {
  readonly outcomes: readonly [Outcome, ...Outcome[]]
}

/** Groups outcomes by what is said of each, in the order in which each group begins. */
export function foldBy(outcomes: readonly Outcome[], keyOf: (outcome: Outcome) => string): Fold[] {
  const groups = new Map<string, [Outcome, ...Outcome[]]>()
  for (const outcome of outcomes) {
    const key = keyOf(outcome)
    const group = groups.get(key)
    if (group) group.push(outcome)
    else groups.set(key, [outcome])
  }
  return [...groups.values()].map(group => ({ outcomes: group }))
}

/** A text of a host with what is only its own masked: `<host>`, `<address>`, `<port>`. */
export function masked(text: string, { host, facts, error }: Pick<Outcome, 'host' | 'facts' | 'error'>): string {
  const path = facts?.managementPath
  // Where it could not be reached, the error says where it was tried.
  const [, tried, port] = /\bcannot connect to (\S+):(\d+): /.exec(error?.message ?? '') ?? []
  const own: readonly (readonly [string | undefined, string])[] = [
    [path?.serverAddress, '<address>'],
    [tried, '<address>'],
    [tried?.replace(/^\[(.*)\]$/, '$1'), '<address>'],
    [path ? String(path.clientPort) : undefined, '<port>'],
    [port, '<port>'],
    [host, '<host>'],
  ]
  return own.reduce((rest, [word, mask]) => (word ? replaceWord(rest, word, mask) : rest), text)
}

/** Not a part of a longer name: web-1 is not in web-12, nor in web-1.example.net. */
function replaceWord(text: string, word: string, mask: string): string {
  if (!text.includes(word)) return text
  return text.replace(new RegExp(`(?<![\\w<]|\\w[.-])${literally(word)}(?![\\w>]|[.-]\\w)`, 'g'), mask)
}

/** Numbers that stand alone, so not those of a version, an address or a name; how long ago something was is one, whatever its units. */
const NUMBER = /(?<![\w.:/-])(?:(?:\d+[dhms])+(?= (?:ago|old)\b)|\d[\d,]*(?:\.\d+)?(?=s?(?![\w:/-]|\.\d)))/g

/** A text without its numbers: texts of one shape are told together by `spread`. */
export function shape(text: string): string {
  return text.replace(NUMBER, '#')
}

/** Texts of one shape as one: where their numbers differ, from the least to the most. */
export function spread([first, ...others]: readonly [string, ...string[]]): string {
  const different = others.filter(text => text !== first)
  if (different.length === 0) return first
  if (different.some(text => shape(text) !== shape(first))) return first
  const rows = [first, ...different].map(text => text.match(NUMBER) ?? [])
  let at = -1
  return first.replace(NUMBER, () => {
    at += 1
    const column = rows.map(row => row[at] ?? '')
    const sorted = column.toSorted((a, b) => worth(a) - worth(b))
    const [least = '', most = ''] = [sorted[0], sorted.at(-1)]
    return least === most ? least : `${least} to ${most}`
  })
}

function worth(number: string): number {
  const seconds = parseDuration(number)
  return seconds ?? Number(number.replaceAll(',', ''))
}

/** What one text of each host comes to: told as it is where it is the same, else masked, its numbers spread. */
export function together({ outcomes }: Fold, textOf: (outcome: Outcome) => string): string {
  const [first, ...others] = outcomes
  const text = textOf(first)
  if (others.every(outcome => textOf(outcome) === text)) return text
  return spread([masked(text, first), ...others.map(outcome => masked(textOf(outcome), outcome))])
}
