/** What a kernel has where nobody set anything: by its memory, and some of it changed over the years. */
import type { Facts } from '../facts/facts.ts'

/** Seconds. */
const TIMEOUTS: Readonly<Record<string, readonly number[]>> = {
  tcp_established: [432_000],
  tcp_syn_sent: [120],
  tcp_syn_recv: [60],
  tcp_fin_wait: [120],
  tcp_close_wait: [60],
  tcp_last_ack: [30],
  tcp_time_wait: [120],
  tcp_close: [10],
  udp: [30],
  udp_stream: [120, 180],
  icmp: [30],
  icmpv6: [30],
  generic: [600],
}

/** The values that kernels give a timeout by themselves; none for one that is not known here. */
export function usualSeconds(timeout: string): readonly number[] {
  return TIMEOUTS[timeout] ?? []
}

/** Timeouts of 0 or less, by name. Those of SCTP's shutdown are 0.3 s in older kernels, which is shown as 0. */
export function timeoutsOfZero({ timeouts }: Facts): string[] {
  return Object.entries(timeouts)
    .filter(([name, seconds]) => seconds < 1 && !name.startsWith('sctp_shutdown'))
    .map(([name]) => name)
}

/** What kernels give these timeouts by themselves, as options of strategy timeouts; those it does not know left out. */
export function usualTimeouts(names: readonly string[]): Record<string, number> {
  return Object.fromEntries(
    names.flatMap((name): [string, number][] => {
      const [seconds] = usualSeconds(name)
      return seconds === undefined ? [] : [[name.replace(/^tcp_/, ''), seconds]]
    }),
  )
}

/** The least of newer kernels, and what OpenWrt has in its own. */
const HARD_CODED = [1024, 16_384]
const GIB = 1024 ** 3
/** Memory is measured before the kernel has taken its own of it: what is sold as 4 GiB may be less, and more than 4 GB. */
const [ONE_GIB, FOUR_GIB] = [0.9 * GIB, 3.5 * GIB]

/** True for a limit that a kernel chooses by itself for so much memory: once, four or eight times its buckets. */
export function isOwnLimit(facts: Facts): boolean {
  const { max, memoryBytes } = facts
  if (max === null || max === 0) return false
  const large = [...(memoryBytes > ONE_GIB ? [65_536] : []), ...(memoryBytes > FOUR_GIB ? [262_144] : [])]
  return [...large, ...HARD_CODED].includes(max) || [1, 4, 8].some(times => isByMemory(facts, max, times))
}

/** True for a hash size that a kernel chooses by itself for so much memory, and for one below all that any chooses. */
export function isOwnHash(facts: Facts): boolean {
  const { buckets, memoryBytes, stats } = facts
  if (buckets === null) return false
  const least = memoryBytes > ONE_GIB ? 8_192 : 0.9 * (memoryBytes / 16_384 / 16)
  if (buckets < least) return true
  // 262,144 came together with the limit of chains, which shows in the counters.
  const isNew = stats === null || 'chainlength' in stats.counters
  const large = [
    ...(memoryBytes > ONE_GIB ? [8_192, 65_536] : []),
    ...(memoryBytes > FOUR_GIB && isNew ? [262_144] : []),
  ]
  return [...large, ...HARD_CODED].includes(buckets) || isByMemory(facts, buckets, 1)
}

/** A 16384th of memory in pointers, one or two for each bucket; OpenWrt takes a 2048th. Buckets fill whole pages. */
function isByMemory({ memoryBytes, pageBytes, machine, init }: Facts, size: number, times: number): boolean {
  const pointer = /64|s390x|alpha/.test(machine) ? 8 : 4
  const buckets = memoryBytes / 16_384 / pointer
  const shares = [buckets, buckets / 2, ...(init === 'procd' ? [8 * buckets] : [])]
  return shares.some(
    n => size >= n * times * 0.9 - pageBytes / pointer && size <= (n * 1.3 + pageBytes / pointer) * times,
  )
}
