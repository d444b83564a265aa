/** The hash against the limit: too few buckets make long chains, far too many keep the kernel from making room. */
import { formatCount } from '../../lang/numbers.ts'
import type { Rule } from '../finding.ts'

/** Entries a bucket holds at most when the table is full, before connections are lost or lookups slow. */
const MOST_PER_BUCKET = 8
/**
 * The same where the kernel refuses entries of long chains in silence, at 8 to 31 of them: a full table then loses one
 * connection in a thousand with two entries a bucket, one in seventeen with four. Later ones allow 50, which nothing shows.
 */
const MOST_WHERE_REFUSED = 2
/** Up to here it takes a table that is well filled, and a kernel that nobody updated. */
const MOST_WHILE_EMPTY = 4
/** Buckets an entry: to make room the kernel looks into eight of them only, and one time in seven finds nothing. */
const MOST_BUCKETS_PER_ENTRY = 8

export const buckets: Rule = ({ max, buckets: hash, stats, ownsKernel, usage, managers }) => {
  if (!max || !hash || !ownsKernel) return null
  const refuses = stats !== null && 'chainlength' in stats.counters
  const most = refuses ? MOST_WHERE_REFUSED : MOST_PER_BUCKET
  const numbers = `${formatCount(max)} entries on ${formatCount(hash)} buckets`
  if (max / hash > most) {
    const isPressing = max / hash > MOST_WHILE_EMPTY || (usage ?? 0) >= 0.5
    // kube-proxy makes them a quarter of the limit, and nothing is lost by it before the table fills.
    if (!isPressing && managers.includes('kube-proxy')) return null
    return {
      code: 'few-buckets',
      severity: isPressing ? 'warning' : 'notice',
      title: `the hash is too small for the limit: ${numbers} are ${formatRatio(max / hash)} a bucket`,
      evidence: refuses ? ['this kernel refuses entries in silence when a chain gets long'] : ['lookups get slow'],
      remedy: 'more buckets, before the table fills',
      ...(isPressing ? { cure: 'room' as const } : {}),
    }
  }
  if (hash / max < MOST_BUCKETS_PER_ENTRY) return null
  return {
    code: 'too-many-buckets',
    severity: 'warning',
    title: `the limit is far too small for the hash: ${numbers}`,
    evidence: ['when the table is full the kernel looks into eight buckets for an entry to throw out, and finds none'],
    remedy: 'raise the limit to the number of buckets',
    cure: 'room',
  }
}

function formatRatio(ratio: number): string {
  return ratio < 10 ? String(Math.round(ratio * 10) / 10) : ratio.toFixed(0)
}
