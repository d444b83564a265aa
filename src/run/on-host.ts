/** What a host itself says of a run: its state, its guard, who began it, and the plan it was given. */
import { randomBytes } from 'node:crypto'
import { ProbeError } from '../errors.ts'
import { FrameError, parseFrames } from '../lang/frames.ts'
import { plain } from '../lang/text.ts'
import type { Plan } from '../plan/plan.ts'
import { planSchema } from '../plan/plan-file.ts'
import { runQuestion } from '../plan/programs.ts'
import type { Connection } from '../transport/connection.ts'

/** The names guard.sh gives them. */
export const RUN_STATES = ['none', 'armed', 'confirmed', 'kept', 'reverting', 'reverted', 'revert-failed'] as const
export type RunState = (typeof RUN_STATES)[number]

export interface RunOnHost {
  readonly state: RunState
  /** False: the host was booted since, and live changes of this run went with that. */
  readonly sameBoot: boolean
  /** Until the guard takes it back; below zero when that time is over. */
  readonly secondsLeft: number
  readonly timerPending: boolean
  /** Somebody is at work in it at this moment. */
  readonly busy: boolean
  readonly who: string | null
  readonly at: string | null
  /** What the targets were before and after, as one digest. */
  readonly digests: { readonly before: string | null; readonly after: string | null }
  /** null: the host has none that can be read. */
  readonly plan: Plan | null
}

/** Asks. null: the host knows no such run. Rejects with ConnectError, CommandError or ProbeError. */
export async function askAboutRun(connection: Connection, runDir: string): Promise<RunOnHost | null> {
  const nonce = randomBytes(8).toString('hex')
  const { stdout } = await connection.exec('/bin/sh -s', { stdin: runQuestion(runDir, nonce) })
  const { name } = connection.host
  try {
    const frames = parseFrames(stdout, nonce)
    const status = frames.get('status') ?? ''
    if (status.trim() === 'denied') {
      const hint = 'root keeps the runs of a host: ask with --become'
      throw new ProbeError(name, `${name}: may not look for the run in ${runDir}`, { hint })
    }
    return status.trim() === '' ? null : readStatus(status, readPlan(frames.get('plan') ?? ''))
  } catch (cause) {
    if (cause instanceof FrameError) throw new ProbeError(name, `${name}: ${cause.message}`, { cause })
    throw cause
  }
}

function readStatus(text: string, plan: Plan | null): RunOnHost {
  const lines = new Map(
    text
      .split('\n')
      .filter(line => line !== '')
      .map(line => [line.slice(0, line.indexOf(' ')), plain(line.slice(line.indexOf(' ') + 1))]),
  )
  const said = lines.get('state')
  return {
    // A word that is none of guard.sh's: somebody else's file; nothing of ours can be said to be there.
    state: RUN_STATES.find(state => state === said) ?? 'none',
    sameBoot: lines.get('boot') === 'same',
    secondsLeft: Number(lines.get('left') ?? 0) || 0,
    timerPending: lines.get('timer') === 'pending',
    busy: lines.get('worker') === 'busy',
    who: lines.get('who') ?? null,
    at: lines.get('at') ?? null,
    digests: { before: lines.get('before') ?? null, after: lines.get('after') ?? null },
    plan,
  }
}

function readPlan(text: string): Plan | null {
  try {
    return planSchema.safeParse(JSON.parse(text)).data ?? null
  } catch {
    return null
  }
}
