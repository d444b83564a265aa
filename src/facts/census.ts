/** Who fills the table: what census.sh counted, understood. */
import { ProbeError } from '../errors.ts'
import { lastLine, plain } from '../lang/text.ts'
import type { Census, NamespaceEntries } from './asked.ts'
import { statsAt } from './kernel.ts'
import { type Look, wholeFiles } from './look.ts'

/** Nothing: nobody asked. null: there is no table to read here. */
export function censusOf(look: Look): { readonly census?: Census | null } {
  const section = look.sections.get('census')
  if (section === undefined) return {}
  const lines = section.split('\n').filter(line => line !== '')
  const rows = lines.map(line => readLine(look, line))
  const source = rows.find(([name]) => name === 'source')?.[1]
  if (source !== 'proc' && source !== 'netlink') return { census: null }
  const of = (name: string): readonly (readonly string[])[] =>
    rows.filter(([first]) => first === name).map(([, ...words]) => words)
  const single = (name: string): number | null => {
    const word = of(name)[0]?.[0]
    return word === undefined ? null : Number(word)
  }
  // Its end is missing: the file could not be opened after all, or there is no awk.
  const seen = single('rows')
  if (seen === null) return { census: null }
  const cut = of('cut')[0]?.[0]
  return {
    census: {
      source,
      rows: seen,
      cut: cut === 'rows' || cut === 'seconds' ? cut : null,
      count: single('count'),
      states: of('state')
        .map(([entries, assured, unreplied, idle, protocol = '', state = '']) => ({
          ...{ protocol, state: state === '-' ? null : state, entries: Number(entries), assured: Number(assured) },
          ...{ unreplied: Number(unreplied), idle: Number(idle) },
        }))
        .toSorted((a, b) => b.entries - a.entries),
      ports: of('port').map(([entries, protocol = '', port, served]) => ({
        ...{ protocol, port: port === '-' ? null : Number(port), entries: Number(entries) },
        served: served === '-' ? null : Number(served),
      })),
      peers: of('peer').map(([entries, address = '']) => ({ address, entries: Number(entries) })),
      half: of('half').map(([entries, port]) => ({ port: Number(port), entries: Number(entries) })),
      expectations: single('expect'),
      namespaces: namespacesOf(look),
    },
  }
}

/** The words of a line, each as census.sh prints it; anything else is another program's. */
const LINES: Readonly<Record<string, RegExp>> = {
  source: /^source (?:proc|netlink|none)$/,
  rows: /^rows \d{1,9}$/,
  cut: /^cut (?:rows|seconds)$/,
  count: /^count \d{1,10}$/,
  expect: /^expect \d{1,9}$/,
  state: /^state \d{1,9} \d{1,9} \d{1,9} \d{1,9} [a-z0-9-]{1,20} (?:[A-Z0-9_]{1,20}|-)$/,
  port: /^port \d{1,9} [a-z0-9-]{1,20} (?:\d{1,5}|-) (?:\d{1,9}|-)$/,
  peer: /^peer \d{1,9} [0-9a-f.:]{1,45}$/,
  half: /^half \d{1,9} \d{1,5}$/,
}

function readLine(look: Look, line: string): readonly string[] {
  const words = line.split(' ')
  const known = LINES[words[0] ?? '']
  if (known?.test(line)) return words
  throw new ProbeError(look.host, `${look.host}: the probe counted entries, and printed "${lastLine(line, 60)}"`)
}

/** Each by its number, with who runs in it; without counters where its kernel shows none. */
function namespacesOf(look: Look): NamespaceEntries[] {
  const section = look.sections.get('census-namespaces') ?? ''
  const values = wholeFiles(section)
  return [...section.matchAll(/^netns (\d{1,12}) (\d{1,9}) (.*)$/gm)].map(([, id, pid, program = '']) => {
    const counters = statsAt(look, values, `/proc/${pid}/net/stat/nf_conntrack`)?.counters
    return {
      ...{ id: Number(id), program: plain(program.trim()), entries: counters?.entries ?? null },
      lost: counters ? (counters.drop ?? 0) + (counters.early_drop ?? 0) : null,
    }
  })
}
