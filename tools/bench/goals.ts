/** What is promised, beside what was measured. */
import { median, short, whole } from './numbers.ts'
import type { Race } from './race.ts'
import type { Bench } from './report.ts'
import type { Scale } from './scale.ts'

export interface Goal {
  readonly what: string
  readonly wanted: string
  readonly measured: string
  readonly reached: boolean
}

/** Each number promised for which something was measured. */
export function goals({ races, scales, helpMs }: Bench): Goal[] {
  return [
    ...races.flatMap(ratios),
    ...[...Map.groupBy(scales, ({ command }) => command).values()].flatMap(flatness),
    ...scales.filter(({ hosts }) => hosts >= 500).flatMap(limits),
    { what: 'ctfix --help', wanted: '≤ 150 ms', measured: `${whole(helpMs)} ms`, reached: helpMs <= 150 },
  ]
}

function ratios(race: Race): Goal[] {
  const time = (name: string): number =>
    median(race.entrants.find(entrant => entrant.name === name)?.laps.map(({ ms }) => ms) ?? [])
  const ratio = (one: string, other: string, most: number, wanted: string): Goal[] => {
    const measured = time(one) / time(other)
    if (Number.isNaN(measured)) return []
    const what = `${one} against ${other}, ${race.hosts} hosts`
    return [{ what, wanted: `≤ ${wanted}`, measured: `${short(measured)} ×`, reached: measured <= most }]
  }
  return [
    ...ratio('ctfix facts', 'ssh host true (curve25519)', 1, '1 ×'),
    ...ratio('ctfix apply', 'ssh host true (curve25519)', 2, '2 ×'),
    ...ratio('ctfix apply', 'ansible-playbook (pipelining)', 1 / 10, '0.10 ×'),
    ...ratio('ctfix apply', 'ansible-playbook (mitogen)', 1 / 5, '0.20 ×'),
  ]
}

/** By CPU: the time of day is that of the servers, which are on the same cores. */
function flatness(runs: readonly Scale[]): Goal[] {
  const [first, ...rest] = runs.toSorted((a, b) => a.hosts - b.hosts)
  const last = rest.at(-1)
  if (!first || !last) return []
  const change = perHostMs(last) / perHostMs(first) - 1
  const what = `ctfix ${first.command}: CPU for a host, ${last.hosts} hosts against ${first.hosts}`
  const measured = `${change > 0 ? '+' : ''}${whole(change * 100)} %`
  return [{ what, wanted: '± 25 %', measured, reached: Math.abs(change) <= 0.25 }]
}

const perHostMs = ({ cpuMs, hosts }: Scale): number => cpuMs / hosts

function limits({ command, hosts, residentMb, longestPauseMs }: Scale): Goal[] {
  const what = `ctfix ${command}, ${hosts} hosts`
  const memory = {
    what: `${what}: resident`,
    wanted: '≤ 250 MB',
    measured: `${whole(residentMb)} MB`,
    reached: residentMb <= 250,
  }
  const pause = {
    what: `${what}: longest pause of the event loop`,
    wanted: '≤ 200 ms',
    measured: `${whole(longestPauseMs)} ms`,
    reached: longestPauseMs <= 200,
  }
  // Promised for a thousand hosts.
  return hosts > 1000 ? [pause] : [memory, pause]
}
