/** One attempt at connecting, and how long each of its steps may take. */
import type { Host } from '../inventory/host.ts'
import type { Connection } from './connection.ts'

export interface Limits {
  /** From the first SYN until the TCP connection stands. */
  readonly tcpMs: number
  /** From there until the server says anything at all. */
  readonly bannerMs: number
  /** From its first byte until we are logged in. */
  readonly loginMs: number
  /** For everything, name look-up included. */
  readonly totalMs: number
  /** Told at the server's first byte, and while something else than the server is waited for; false takes it back. */
  readonly onSpeaking?: (is?: boolean) => void
}

/** Opens a connection once. Rejects with ConnectError; trying again is retry.ts's business. */
export type Attempt<Opened extends Connection = Connection> = (
  host: Host,
  signal: AbortSignal,
  limits?: Limits,
) => Promise<Opened>

/** A connection attempt that stands alone. */
export const SINGLE: Limits = { tcpMs: 10_000, bannerMs: 20_000, loginMs: 40_000, totalMs: 60_000 }

/**
 * Limits of the n-th attempt (from 1) when `leftMs` of the budget are left.
 *
 * Where the table is full each new SYN is lost with some luck of the draw, and the kernel repeats it after 1 s, then 2, then 4:
 * giving up after 2.5 s and starting again draws lots twice as often as waiting. Nothing honest needs longer to answer a SYN.
 * After that the first attempt is patient, for sshd may look up names before it speaks; the later ones, which run beside
 * it while it is silent, are draws of the same lottery (behind a bastion the lost SYN is not ours) and end sooner.
 */
export function limitsOf(n: number, leftMs: number): Limits {
  const within = (ms: number): number => Math.min(ms, leftMs)
  return {
    tcpMs: within(2_500),
    bannerMs: n === 1 ? leftMs : within(10_000),
    loginMs: n === 1 ? leftMs : within(30_000),
    totalMs: leftMs,
  }
}
