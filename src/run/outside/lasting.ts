/** Hosts measured from this machine for as long as somebody watches them. */
import type { Host } from '../../inventory/host.ts'
import { type Begun, createStart, type OutsideTools, PER_SECOND } from './outside.ts'
import type { Lately } from './probed.ts'
import { type Course, MOST_OPEN } from './series.ts'
import { type Target, targetText } from './target.ts'
import { DEADLINE_MS } from './tcp.ts'

/** One host that is measured from now on, until this is disposed of. */
export interface Lasting extends Disposable {
  /** A figure for each target; what is older than the window is forgotten. */
  readonly lately: (windowMs: number) => readonly Lately[]
  /** No further tries; waits for those under way. */
  readonly settle: () => Promise<void>
}

/** A socket; the pipes of a process. */
const FILES = { tcp: 1, ping: 3 } as const

/** Files that may be open at once for that, when nobody answers. */
export function mostOpen(targets: readonly Target[], hosts: number): number {
  const of = ({ kind }: Target): number => FILES[kind] * MOST_OPEN * hosts
  const limit = (kind: Target['kind']): number => (FILES[kind] * PER_SECOND[kind] * DEADLINE_MS) / 1000
  return (['tcp', 'ping'] as const).reduce((sum, kind) => {
    const wanted = targets.filter(target => target.kind === kind).reduce((files, target) => files + of(target), 0)
    return sum + Math.min(wanted, limit(kind))
  }, 0)
}

/** Measures these targets on every host it is called with. */
export function createLasting(targets: readonly Target[], tools: OutsideTools): (host: Host) => Lasting {
  const start = createStart(tools)
  return host => {
    const course: Course = { part: 'after', ended: false }
    const slots = targets.map(target => {
      const slot: { readonly target: Target; begun: Begun | null } = { target, begun: null }
      void start(host, target, course).then(begun => {
        slot.begun = begun
      })
      return slot
    })
    return {
      lately: windowMs => slots.map(({ target, begun }) => latelyIn(target, begun, windowMs)),
      async settle() {
        course.ended = true
        await Promise.all(slots.map(({ begun }) => begun?.series?.settle()))
      },
      [Symbol.dispose]() {
        course.ended = true
      },
    }
  }
}

function latelyIn(target: Target, begun: Begun | null, windowMs: number): Lately {
  const none = { target: targetText(target), address: null, window: null, total: null, why: null }
  if (begun === null) return none
  if (begun.series === null) return { ...none, why: begun.place.why }
  return { ...none, address: begun.place.address, ...begun.series.lately(windowMs) }
}
