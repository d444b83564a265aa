/** What was seen of each host before it is acted on, with the connection to it where that was kept. */
import type { Host } from '../inventory/host.ts'
import { isSamePlan, type Plan } from '../plan/plan.ts'
import { applyOf, type Prepare, type Prepared, planOf } from '../run/commands.ts'
import type { HostResult } from '../run/fleet.ts'
import type { Outcome } from '../run/status.ts'

/** Closes, when it is disposed of, the connections that nobody took: they would keep this process alive. */
export class Looks implements AsyncDisposable {
  readonly #prepared = new Map<string, Prepared>()
  readonly #outcomes = new Map<string, Outcome>()
  keep(prepared: Prepared): void {
    this.#prepared.set(prepared.host.name, prepared)
  }
  add(outcomes: readonly Outcome[]): void {
    for (const outcome of outcomes) this.#outcomes.set(outcome.host, outcome)
  }
  /** What the look came to, and what it found; whoever takes it disposes of its connection. */
  take(name: string): { readonly outcome: Outcome | undefined; readonly prepared: Prepared | undefined } {
    const prepared = this.#prepared.get(name)
    this.#prepared.delete(name)
    return { outcome: this.#outcomes.get(name), prepared }
  }
  usage(name: string): number | null {
    return this.#outcomes.get(name)?.facts?.usage ?? null
  }
  elapsedMs(name: string): number {
    return this.#outcomes.get(name)?.elapsedMs ?? 0
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#prepared.values()].map(({ connection }) => connection[Symbol.asyncDispose]()))
  }
}

/** Looks at a host and plans; its connection is kept where `hold` says so and there is something to do. */
export function lookAt(
  host: Host,
  looks: Looks,
  { prepare, hold }: { readonly prepare: Prepare; readonly hold: boolean },
): Promise<HostResult> {
  return planOf(host, prepare, { hold, keep: prepared => looks.keep(prepared) })
}

interface Acting {
  readonly prepare: Prepare
  /** A person took their time: what was shown may be of long ago. */
  readonly asked: boolean
  /** The plans were shown: what they say is done, or nothing. */
  readonly isShown: boolean
}

/** Works on a host with changes; another one keeps the outcome it has. */
export async function actOn(host: Host, looks: Looks, { prepare, asked, isShown }: Acting): Promise<HostResult> {
  const { outcome, prepared: known } = looks.take(host.name)
  if (outcome === undefined) return applyOf(host, prepare)
  if (outcome.status === 'ok' && known) return known.act()
  if (outcome.status !== 'would-change') return outcome
  if (!isShown && !known?.connection.alive) return applyOf(host, prepare)
  const prepared = await stillApproved(outcome.plan, known, asked, () => prepare(host))
  if (prepared === 'stale') {
    return {
      status: 'failed',
      cause: 'stale',
      plan: outcome.plan,
      error: { message: 'the host changed since the plan was shown', hint: null },
    }
  }
  await using _connection = prepared.connection
  return await prepared.act()
}

/**
 * What was approved: the held survey while its connection lives, else a new one; either must still come to the same plan.
 * What the changes touch is compared on the host itself; whether they do harm hangs on more than that.
 */
export async function stillApproved(
  approved: Plan | null,
  held: Prepared | undefined,
  asked: boolean,
  again: () => Promise<Prepared>,
): Promise<Prepared | 'stale'> {
  const isStill = (plan: Plan): boolean => approved !== null && plan.blockers.length === 0 && isSamePlan(plan, approved)
  if (held?.connection.alive) {
    if (!asked || !held.again || isStill(await orClosed(held, held.again))) return held
    await held.connection[Symbol.asyncDispose]()
    return 'stale'
  }
  // What it came over, such as a jump host, may live on.
  await held?.connection[Symbol.asyncDispose]()
  const fresh = await again()
  if (isStill(fresh.plan)) return fresh
  await fresh.connection[Symbol.asyncDispose]()
  return 'stale'
}

/** Nobody else has the connection any more: open, it would keep this process alive for ever. */
async function orClosed<T>({ connection }: Prepared, look: () => Promise<T>): Promise<T> {
  try {
    return await look()
  } catch (error) {
    await connection[Symbol.asyncDispose]()
    throw error
  }
}
