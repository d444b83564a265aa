/** Is the symptom gone as seen from outside? A check for each target, from its figures. Pure. */
import type { Check } from '../checks.ts'
import type { Figures, Probed } from './probed.ts'

/** Fewer tries than these are no proof of anything. */
const LEAST_SENT = 3

/** `probe-tcp-443` */
function checkName(target: string): string {
  return `probe-${target.replace(':', '-')}`
}

/** A share of packets lost before that is a symptom, and no way through a network that loses one now and then. */
const SYMPTOM = 0.1

/**
 * One packet may be lost on any way through a network, or one in a hundred; more are a finding. With figures of before it
 * fails what got worse beyond chance, and a symptom that is not even halved; what is left besides is no verdict, so that a
 * way that always loses some takes no good change back. `relief: later` is a cure that takes its time: a symptom that stays
 * is then no verdict yet either.
 */
export function judgeProbed(probed: Probed, relief: 'at-once' | 'later' = 'at-once'): Check {
  const { before, after, target, why } = probed
  const name = checkName(target)
  const unknown = (detail: string): Check => ({ name, status: 'unknown', detail })
  if (after === null || after.sent < LEAST_SENT) return unknown(why ?? 'too few tries in this window')
  const known = before !== null && before.sent >= LEAST_SENT ? before : null
  const detail = wordsOf(probed)
  // Few tries prove no cure, but one answer is enough to know that there were answers.
  if (before && isSilent(before) && isSilent(after)) return unknown(`no answer, neither before nor after: ${detail}`)
  if (before && isRefused(before) && isRefused(after)) return unknown(`nothing listens there: ${detail}`)
  const refusedMore = isMore(after, known, ({ refused }) => refused)
  if (lostPackets(after, target) <= allowed(after) && !refusedMore) return { name, status: 'pass', detail }
  if (known === null && isRefused(after)) return { name, status: 'fail', detail: `nothing listens there: ${detail}` }
  if (known === null || refusedMore || isWorse(after, known, target)) return { name, status: 'fail', detail }
  if (relief === 'later') return unknown(`not gone yet, as this cure takes its time: ${detail}`)
  const [now, then] = [after, known].map(figures => lostPackets(figures, target) / figures.sent)
  const stays = (then ?? 0) >= SYMPTOM && (now ?? 0) > (then ?? 0) / 2
  return stays
    ? { name, status: 'fail', detail }
    : unknown(`some is lost still, not more than chance or before: ${detail}`)
}

/** More than two packets, and two standard deviations, above what the share of before would lose in as many tries. */
function isWorse(after: Figures, before: Figures, target: string): boolean {
  const expected = (lostPackets(before, target) / before.sent) * after.sent
  return lostPackets(after, target) > expected + 2 + 2 * Math.sqrt(expected)
}

/** A connection that is never made has lost two packets at least, one that was made late has lost one. */
function lostPackets({ lost, slow }: Figures, target: string): number {
  return target.startsWith('tcp') ? 2 * lost + slow : lost
}

function allowed({ sent }: Figures): number {
  return Math.max(1, Math.floor(sent / 100))
}

function isMore(after: Figures, before: Figures | null, count: (figures: Figures) => number): boolean {
  if (count(after) <= allowed(after)) return false
  return before === null || count(after) / after.sent > count(before) / before.sent
}

const isSilent = ({ sent, lost }: Figures): boolean => lost === sent
const isRefused = ({ sent, refused }: Figures): boolean => refused === sent

/** `none of 33 lost, p95 2 ms; before 12 of 40 lost and 9 late; during the change none of 6 lost` */
function wordsOf({ before, during, after }: Probed): string {
  const parts = [after && of(after), before && `before ${of(before)}`, during && `during the change ${of(during)}`]
  return parts.filter(part => part !== null).join('; ')
}

function of({ sent, lost, slow, refused, p95 }: Figures): string {
  if (sent === 0) return 'not measured'
  const said = [
    `${lost === 0 ? 'none' : lost} of ${sent} lost`,
    ...(slow > 0 ? [`${slow} late`] : []),
    ...(refused > 0 ? [`${refused} refused`] : []),
    ...(p95 === null ? [] : [`p95 ${p95} ms`]),
  ]
  return said.join(', ')
}
