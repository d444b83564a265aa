/** Hosts measured from this machine while something is done to them: what --probe asks for. */
import type { Host } from '../../inventory/host.ts'
import { type Clock, createTurns, machineClock, type Turns } from './clock.ts'
import type { Answer, Part } from './figures.ts'
import type { Probed } from './probed.ts'
import { type Course, Series } from './series.ts'
import { shareTries } from './shared.ts'
import { type Target, targetText } from './target.ts'

/** Where a try goes, in numbers; or why there can be none. */
export type Place = { readonly address: string } | { readonly why: string }

export interface OutsideTools {
  /** It never rejects. */
  readonly placeOf: (host: Host, target: Target) => Promise<Place>
  /** One try; it never rejects, and ends within seconds. */
  readonly attempt: (target: Target, address: string) => Promise<Answer>
  readonly clock?: Clock
  /** For who looks on for days: a quarter of the tries at a target, and half of those over all hosts. */
  readonly calm?: boolean
}

/** One host that is measured from now on, until this is disposed of. */
export interface Measuring extends Disposable {
  /** Tries belong to this part from now on. */
  readonly enter: (part: Part) => void
  /** No further tries: what comes now is part of nothing. */
  readonly stop: () => void
  /** What was measured so far; waits for the tries under way. */
  readonly probed: () => Promise<readonly Probed[]>
}

export interface Outside {
  readonly begin: (host: Host, part: Part) => Measuring
}

/** Over all hosts in flight: a connection costs little, a ping is a process. */
export const PER_SECOND = { tcp: 100, ping: 40 } as const
/** At one target of one host, where so few are measured that each may have as much. */
const INTERVAL_MS = { tcp: 250, ping: 400 } as const

/** Measures these targets on every host that is begun. */
export function createOutside(targets: readonly Target[], tools: OutsideTools): Outside {
  const start = createStart(tools)
  return {
    begin(host, part) {
      const course: Course = { part, ended: false }
      const entered = new Set([part])
      const stop = (): void => {
        course.ended = true
      }
      const begun = targets.map(target => [target, start(host, target, course)] as const)
      return {
        enter(next) {
          course.part = next
          entered.add(next)
        },
        probed: () => Promise.all(begun.map(async ([target, one]) => probedOf(target, await one, entered))),
        stop,
        [Symbol.dispose]: stop,
      }
    },
  }
}

/** Begins a series; all that are begun by one of these share its turns. */
export function createStart({
  clock = machineClock,
  placeOf,
  attempt,
  calm = false,
}: OutsideTools): (host: Host, target: Target, course: Course) => Promise<Begun> {
  const slower = calm ? 2 : 1
  const kinds = {
    tcp: kindOf('tcp', calm ? 4 : 1, createTurns(PER_SECOND.tcp / slower, clock), clock),
    ping: kindOf('ping', calm ? 4 : 1, createTurns(PER_SECOND.ping / slower, clock), clock),
  }
  return async (host, target, course) => {
    const place = await placeOf(host, target)
    if ('why' in place) return { place, series: null }
    const { intervalMs, turns, shareOf } = kinds[target.kind]
    const name = target.kind === 'tcp' ? `${target.port}@${place.address}` : place.address
    const share = shareOf(name, () => attempt(target, place.address))
    const ofThisPlace: Turns = async () => void (share.isFresh() || (await turns()))
    return { place, series: new Series(share.attempt, course, { intervalMs, clock, turns: ofThisPlace }) }
  }
}

function kindOf(kind: Target['kind'], slower: number, turns: Turns, clock: Clock) {
  const intervalMs = INTERVAL_MS[kind] * slower
  return { intervalMs, turns, shareOf: shareTries(intervalMs, clock) }
}

export type Begun =
  | { readonly place: { readonly address: string }; readonly series: Series }
  | { readonly place: { readonly why: string }; readonly series: null }

async function probedOf(target: Target, { place, series }: Begun, entered: ReadonlySet<Part>): Promise<Probed> {
  const none = { target: targetText(target), address: null, before: null, during: null, after: null }
  if (series === null) return { ...none, why: place.why }
  const { of, why } = await series.figures()
  const figures = [...entered].map(part => [part, of(part)] as const)
  return { ...none, address: place.address, ...Object.fromEntries(figures), why }
}
