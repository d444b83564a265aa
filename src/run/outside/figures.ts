/** Single measurements → the few figures that are kept of them. Pure. */
import type { Figures } from './probed.ts'

/** The parts of a run on one host: before anything is changed, until the new connection is there, and from then on. */
export const PARTS = ['before', 'during', 'after'] as const
export type Part = (typeof PARTS)[number]

/** What became of one try. `unmeasured`: this machine itself could not try, which says nothing of the host. */
export type Answer =
  | { readonly kind: 'answer' | 'refused'; readonly ms: number }
  | { readonly kind: 'lost' }
  | { readonly kind: 'unmeasured'; readonly why: string }

/** One try, on the clock of this machine. */
export interface Sample {
  readonly part: Part
  readonly from: number
  readonly to: number
  readonly answer: Answer
}

/** A time in which this process did nothing: what waited for it then was not late by the host's doing. */
export interface Stall {
  readonly from: number
  readonly to: number
}

/** Every system sends a SYN again after one second; nothing else takes so long as a rule. */
const SENT_AGAIN_MS = 1_000

/** The figures of one part. What this machine could not measure, or was too busy to, is not in them. */
export function figuresOf(samples: readonly Sample[], part: Part, stalls: readonly Stall[] = []): Figures {
  const seen = samples.filter(sample => sample.part === part && isMeasured(sample, stalls))
  const times = seen.flatMap(({ answer }) => ('ms' in answer ? [answer.ms] : [])).toSorted((a, b) => a - b)
  const of = (kind: Answer['kind']): number => seen.filter(({ answer }) => answer.kind === kind).length
  return {
    sent: seen.length,
    lost: of('lost'),
    slow: seen.filter(({ answer }) => isSlow(answer)).length,
    refused: of('refused'),
    p50: rank(times, 0.5),
    p95: rank(times, 0.95),
    worst: rank(times, 1),
  }
}

/** Why there is a try that says nothing; null: there is none. */
export function whyUnmeasured(samples: readonly Sample[], stalls: readonly Stall[]): string | null {
  for (const { answer } of samples) if (answer.kind === 'unmeasured') return answer.why
  return samples.some(sample => !isMeasured(sample, stalls)) ? 'this machine was too busy to measure' : null
}

function isSlow(answer: Answer): boolean {
  return 'ms' in answer && answer.ms >= SENT_AGAIN_MS
}

function isMeasured({ from, to, answer }: Sample, stalls: readonly Stall[]): boolean {
  if (answer.kind === 'unmeasured') return false
  if (answer.kind !== 'lost' && !isSlow(answer)) return true
  return !stalls.some(stall => stall.from < to && stall.to > from)
}

/** The nearest rank: a time that was measured, and none between two; tenths of milliseconds are enough. */
function rank(sorted: readonly number[], share: number): number | null {
  const value = sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)]
  return value === undefined ? null : Math.round(value * 10) / 10
}
