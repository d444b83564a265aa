/** Where a run stands, counted event by event: no event costs more because there are more hosts. */
import type { Event, Phase } from '../run/events.ts'
import type { Outcome, Status } from '../run/status.ts'
import { masked, shape } from './fold.ts'

/** A host that is being worked on. */
export interface Flight {
  readonly host: string
  readonly since: number
  /** The phase it came in at: what others did before it is not its own work. */
  readonly entry: number
  phase: Phase
}

/** What went wrong, on how many hosts in the same way; the last of them stands for all. */
export interface Problem {
  readonly status: Status
  readonly host: string
  readonly text: string
  readonly times: number
}

interface PhaseCount {
  now: number
  done: number
  failed: number
}

export interface Tally {
  readonly total: number
  readonly phases: ReadonlyMap<Phase, Readonly<PhaseCount>>
  /** Those that began first come first. */
  readonly flights: ReadonlyMap<string, Flight>
  readonly finished: number
  readonly statuses: ReadonlyMap<Status, number>
  /** The last ones, the newest at the end. */
  readonly problems: readonly Problem[]
  readonly batch: Extract<Event, { type: 'batch' }> | null
  readonly gate: (Extract<Event, { type: 'gate' }> & { readonly since: number }) | null
  readonly stopped: Extract<Event, { type: 'stopped' }> | null
  /** 0 to 1. */
  share(): number
  /** Milliseconds since the first event, and those of them in which hosts were worked on. */
  elapsed(now: number): { readonly all: number; readonly active: number }
  count(event: Event, now: number): void
}

const GOOD: readonly Status[] = ['ok', 'changed', 'would-change', 'skipped']

/** True for an outcome that somebody has to look into. */
export function isProblem(status: Status): boolean {
  return !GOOD.includes(status)
}

/** Distinct problems that are kept; the display has room for three. */
const KEPT = 8

/** Counts the events of a run over so many hosts. */
export function createTally(phases: readonly Phase[], total: number): Tally {
  const counts = new Map<Phase, PhaseCount>(phases.map(phase => [phase, { now: 0, done: 0, failed: 0 }]))
  const flights = new Map<string, Flight>()
  const statuses = new Map<Status, number>()
  const problems = new Map<string, Problem>()
  const state = { finished: 0, partly: 0, begun: null as number | null, paused: 0 }
  const at: Pick<{ -readonly [K in keyof Tally]: Tally[K] }, 'batch' | 'gate' | 'stopped'> = {
    batch: null,
    gate: null,
    stopped: null,
  }

  /** How far a host has come, of the way it has in this run. */
  const way = ({ phase, entry }: Flight): number => {
    const steps = phases.length - entry
    return steps > 0 ? Math.max(0, phases.indexOf(phase) - entry) / steps : 0
  }
  const leave = (flight: Flight, how: 'done' | 'failed'): void => {
    state.partly -= way(flight)
    const count = counts.get(flight.phase)
    if (count) {
      count.now -= 1
      count[how] += 1
    }
  }
  const enter = (host: string, phase: Phase, now: number): void => {
    const known = flights.get(host)
    if (known?.phase === phase) return
    if (known) leave(known, 'done')
    const flight = known ?? { host, since: now, entry: phases.indexOf(phase), phase }
    flight.phase = phase
    // A Map keeps the place of who is in it: the first are those that take longest.
    flights.set(host, flight)
    const count = counts.get(phase)
    if (count) count.now += 1
    state.partly += way(flight)
  }
  const end = (outcome: Outcome): void => {
    const { host, status } = outcome
    const flight = flights.get(host)
    if (flight) leave(flight, isProblem(status) ? 'failed' : 'done')
    flights.delete(host)
    state.finished += 1
    statuses.set(status, (statuses.get(status) ?? 0) + 1)
    if (isProblem(status)) keep(outcome)
  }
  const keep = (outcome: Outcome): void => {
    const { host, status } = outcome
    const text = shortText(outcome)
    const key = `${status} ${shape(masked(text, outcome))}`
    const times = (problems.get(key)?.times ?? 0) + 1
    problems.delete(key)
    problems.set(key, { status, host, text, times })
    const [oldest] = problems.keys()
    if (problems.size > KEPT && oldest !== undefined) problems.delete(oldest)
  }
  return {
    total,
    phases: counts,
    flights,
    statuses,
    get finished() {
      return state.finished
    },
    get problems() {
      return [...problems.values()]
    },
    get batch() {
      return at.batch
    },
    get gate() {
      return at.gate
    },
    get stopped() {
      return at.stopped
    },
    share: () => (total === 0 ? 1 : Math.min(1, (state.finished + Math.max(0, state.partly)) / total)),
    elapsed(now) {
      const all = state.begun === null ? 0 : now - state.begun
      const paused = state.paused + (at.gate?.status === 'begun' ? now - at.gate.since : 0)
      return { all, active: all - paused }
    },
    count(event, now) {
      state.begun ??= now
      if (event.type === 'phase') enter(event.host, event.phase, now)
      else if (event.type === 'outcome') end(event.outcome)
      else if (event.type === 'batch') {
        at.batch = event
        at.gate = null
      } else if (event.type === 'gate') {
        if (at.gate?.status === 'begun') state.paused += now - at.gate.since
        at.gate = { ...event, since: now }
      } else if (event.type === 'stopped') at.stopped = event
    },
  }
}

/** The same in a row of the display, where the status and the host have said the half of it. */
function shortText(outcome: Outcome): string {
  return problemText(outcome).replace(/^cannot connect to \S+: /, '')
}

/** What is said of a problem in one line: its error, else what stands against it. */
export function problemText({ error, plan, status }: Outcome): string {
  const [blocker] = plan?.blockers ?? []
  return error?.message ?? (status === 'blocked' && blocker ? `${blocker.code} ${blocker.message}` : '')
}

/** Titles of the phases, for people. */
export const TITLES: Readonly<Record<Phase, string>> = {
  connect: 'Connect',
  probe: 'Look',
  apply: 'Change live values',
  verify: 'Prove it over a new connection',
  persist: 'Write the files that keep it',
}

/** What a host is doing in a phase. */
export const DOING: Readonly<Record<Phase, string>> = {
  connect: 'connecting',
  probe: 'looking',
  apply: 'changing',
  verify: 'proving',
  persist: 'writing files',
}

/** Milliseconds that hosts still need, by what was done so far; null while nobody can say. */
export function timeLeft(tally: Tally, now: number): number | null {
  const share = tally.share()
  const { active } = tally.elapsed(now)
  if (share < 0.005 || share >= 1 || active < 1000 || tally.stopped) return null
  return (active * (1 - share)) / share
}

/** Hosts in flight that began first. */
export function slowest(tally: Tally, n: number): Flight[] {
  const found: Flight[] = []
  for (const flight of tally.flights.values()) {
    if (found.length >= n) break
    found.push(flight)
  }
  return found
}
