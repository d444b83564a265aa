/** The rules of a run in words, for whoever is asked whether it may begin. */

import { formatAmount, limitOf } from '../../lang/amount.ts'
import { formatDuration } from '../../lang/duration.ts'
import type { Batch } from './batches.ts'
import { hosts } from './budget.ts'
import { hostsOfRun, type Limit, type Rules, type Stretch } from './rules.ts'

/**
 * Lines that say how the batches go and what stops them; none where all go at once and nothing is limited. `isWatched`:
 * packets that are lost after a change stop the run.
 */
export function rulesText(batches: readonly Batch[], isWatched = true): readonly string[] {
  const stretches = [...new Set(batches.map(({ stretch }) => stretch))]
  const total = hostsOfRun(stretches)
  if (batches.length <= 1 && stretches.every(({ rules }) => isPlain(rules))) return []
  return stretches.flatMap(stretch => {
    const own = batches.filter(batch => batch.stretch === stretch)
    const head = stretches.length > 1 && stretch.name !== null ? `${stretch.name}: ` : ''
    return [`${head}${batchesText(own)}`, ...textOf(stretch, { own, total, isWatched }).map(line => `  ${line}`)]
  })
}

function isPlain({ maxFailed, maxUnreachable, order, bakeSeconds, gate }: Rules): boolean {
  return maxFailed === null && maxUnreachable === null && order === 'inventory' && bakeSeconds === 0 && gate === null
}

/** `4 batches of 40 hosts: canary 1, 4, 20, 15`. */
function batchesText(batches: readonly Batch[]): string {
  const total = batches.reduce((sum, batch) => sum + batch.hosts.length, 0)
  const sizes = batches.map(batch => ({ size: batch.hosts.length, word: batch.canary ? 'canary ' : '' }))
  const shown = folded(sizes).map(({ word, size, times }) => `${word}${size}${times > 1 ? ` (${times} times)` : ''}`)
  const amount = batches.length === 1 ? 'one batch' : `${batches.length} batches`
  return `${amount} over ${hosts(total)}: ${shown.join(', ')}`
}

interface Run {
  readonly word: string
  readonly size: number
  readonly times: number
}

function folded(sizes: readonly Omit<Run, 'times'>[]): readonly Run[] {
  const runs: Run[] = []
  for (const { word, size } of sizes) {
    const last = runs.at(-1)
    if (last && last.word === word && last.size === size) runs[runs.length - 1] = { ...last, times: last.times + 1 }
    else runs.push({ word, size, times: 1 })
  }
  return runs
}

/** What has a limit of its own is judged by that alone. */
function but({ maxFailed, maxUnreachable }: Rules): string {
  if (maxFailed) return ' and one is unreachable'
  return maxUnreachable ? ' and one failed or was rolled back' : ''
}

interface Around {
  readonly own: readonly Batch[]
  /** Of the run. */
  readonly total: number
  readonly isWatched: boolean
}

function textOf({ rules, total }: Stretch, { own, total: ofRun, isWatched }: Around): readonly string[] {
  const { maxFailed, maxUnreachable, bakeSeconds, gate, order } = rules
  const limit = (what: string, { amount, of }: Limit): string => {
    const among = of === 'run' ? ofRun : total
    const share = amount.unit === 'percent' ? ` (${formatAmount(amount)} of ${among})` : ''
    return `more than ${limitOf(amount, among)} ${what}${share}`
  }
  // One more play may come after the only batch of this one.
  const isFollowed = own.some(({ index, of }) => index < of)
  const stops = [
    ...(maxFailed ? [limit('failed or rolled back', maxFailed)] : []),
    ...(maxUnreachable ? [limit('unreachable', maxUnreachable)] : []),
    ...(own.some(({ canary }) => canary) ? ['any of the canary that does not pass'] : []),
    'any host that is unknown',
    ...(isFollowed && !(maxFailed && maxUnreachable) ? [`a batch of which no host comes out well${but(rules)}`] : []),
  ]
  const between = [
    ...(bakeSeconds > 0 ? [`wait ${formatDuration(bakeSeconds)}`] : []),
    ...(gate === null ? [] : [`ask ${gate.shown}`]),
    ...(isWatched ? ['look whether changed hosts still lose packets'] : []),
  ]
  return [
    ...(order === 'pressure' ? ['fullest table first inside a batch'] : []),
    `stops at: ${stops.join('; ')}`,
    ...(isFollowed && between.length > 0 ? [`between batches: ${between.join(', ')}`] : []),
    ...(own.some(({ of }) => of === 1) && (bakeSeconds > 0 || gate !== null)
      ? ['between batches: nothing, for there is only one; --serial or --canary makes more']
      : []),
  ]
}
