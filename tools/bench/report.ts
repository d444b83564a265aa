/** The tables, as text and as a page. */
import { table } from '../../src/view/table.ts'
import { goals } from './goals.ts'
import type { Machine } from './machine.ts'
import { median, seconds, short, whole } from './numbers.ts'
import type { Entrant, Race } from './race.ts'
import type { Scale } from './scale.ts'

export interface Bench {
  readonly machine: Machine
  readonly races: readonly Race[]
  readonly scales: readonly Scale[]
  readonly helpMs: number
}

type Rows = readonly (readonly string[])[]

const REFERENCE = 'ssh host true (curve25519)'

const cpuOf = ({ laps }: Entrant): number => median(laps.map(({ cpuMs, hostsCpuMs }) => cpuMs + hostsCpuMs))

function raceRows({ hosts, entrants }: Race): Rows {
  const reference = entrants.find(({ name }) => name === REFERENCE)
  const referenceMs = median(reference?.laps.map(({ ms }) => ms) ?? [])
  const rows = entrants.map(entrant => {
    const { name, laps, error } = entrant
    if (laps.length === 0) return [name, 'cannot take part', error?.slice(0, 120) ?? '', '', '', '', '']
    const times = laps.map(({ ms }) => ms)
    return [
      name,
      seconds(median(times)),
      `${seconds(Math.min(...times))} to ${seconds(Math.max(...times))}`,
      `${short(median(times) / referenceMs)} ×`,
      `${whole(median(laps.map(({ cpuMs }) => cpuMs)) / hosts)} ms`,
      `${whole(median(laps.map(({ hostsCpuMs }) => hostsCpuMs)) / hosts)} ms`,
      reference ? `${short(cpuOf(entrant) / cpuOf(reference))} ×` : '',
    ]
  })
  return [['', 'median', 'spread', 'against ssh', 'own CPU a host', "a host's CPU", 'CPU against ssh'], ...rows]
}

function scaleRows(scales: readonly Scale[]): Rows {
  const rows = scales.map(({ command, hosts, ms, cpuMs, residentMb, longestPauseMs, longestWorkMs }) => [
    `ctfix ${command}`,
    String(hosts),
    `${short(ms / hosts)} ms`,
    `${short(cpuMs / hosts)} ms`,
    `${whole(residentMb)} MB`,
    `${whole(longestPauseMs)} ms`,
    `${whole(longestWorkMs)} ms`,
  ])
  return [
    ['', 'hosts', 'time a host', 'own CPU a host', 'resident', 'longest pause', 'longest stretch of work'],
    ...rows,
  ]
}

function goalRows(bench: Bench): Rows {
  const rows = goals(bench).map(({ what, wanted, measured, reached }) => [
    what,
    wanted,
    measured,
    reached ? 'yes' : 'no',
  ])
  return [['', 'promised', 'measured', 'reached'], ...rows]
}

const raceTitle = ({ hosts, rounds, loadBefore }: Race): string =>
  `${hosts} hosts, all at once, ${rounds} ${rounds === 1 ? 'round' : 'rounds'}, load before ${short(loadBefore)}`

/** For a terminal. */
export function asText(bench: Bench): string {
  const parts = bench.races.map(race => [raceTitle(race), ...table(raceRows(race))].join('\n'))
  if (bench.scales.length > 0) parts.push(['simulated hosts', ...table(scaleRows(bench.scales))].join('\n'))
  return [...parts, table(goalRows(bench)).join('\n')].map(part => `${part}\n`).join('\n')
}

function markdownTable([head = [], ...rows]: Rows): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map(cell => cell.replaceAll(/[|\n]/g, ' ')).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

/** The page docs/benchmarks.md, whose words before the tables are `intro`, and after them `outro`. */
export function asMarkdown(bench: Bench, { intro, outro }: { readonly intro: string; readonly outro: string }): string {
  const { date, cores, processor, memoryGb, kernel, node, versions } = bench.machine
  const tools = Object.entries(versions).map(([tool, version]) => `${tool} ${version ?? 'missing'}`)
  return [
    intro.trim(),
    `Measured on ${date}: ${cores} cores (${processor}), ${memoryGb} GB, Linux ${kernel}, Node ${node}; ${tools.join('; ')}.`,
    '## Side by side',
    ...bench.races.flatMap(race => [`### ${raceTitle(race)}`, markdownTable(raceRows(race))]),
    '## Many simulated hosts',
    markdownTable(scaleRows(bench.scales)),
    '## What was promised',
    markdownTable(goalRows(bench)),
    outro,
  ].join('\n\n')
}
