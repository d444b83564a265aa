/** A run goes over its hosts batch by batch, until it is done or something says that it must not go on. */
import type { Host } from '../../inventory/host.ts'
import type { Event } from '../events.ts'
import { eachHost, type FleetOptions, type HostResult } from '../fleet.ts'
import type { Outcome } from '../status.ts'
import type { Batch } from './batches.ts'
import { type Count, canaryFault, emptyCanary, exceeded, lostBatch, type Tally, withOutcome } from './budget.ts'
import { hostsOfRun, type Stretch } from './rules.ts'

export interface Course {
  /** Every host of the run, those that are in no batch, too. */
  readonly hosts: readonly Host[]
  readonly batches: readonly Batch[]
  /** Asked once a batch is through and another one is to come: why that must not be, or null. */
  readonly between?: (batch: Batch, outcomes: readonly Outcome[]) => Promise<string | null>
  /** The hosts of a batch in the order in which they are begun. */
  readonly arrange?: (batch: Batch) => Promise<readonly Host[]>
}

/**
 * Works on every host; each has an outcome, in the order of `hosts`. Once it stops nobody is begun any more, who is in
 * flight finishes, and the rest is skipped.
 */
export async function rollOut(
  { hosts, batches, between = async () => null, arrange = async batch => batch.hosts }: Course,
  fleet: Omit<FleetOptions, 'halted'>,
  work: (host: Host) => Promise<HostResult>,
): Promise<Outcome[]> {
  const waiting = new Set(batches.flatMap(batch => batch.hosts.map(({ name }) => name)))
  const total = hostsOfRun(batches.map(({ stretch }) => stretch))
  const tallies = new Map<Stretch, Tally>()
  let ofRun: Tally = {}
  let reason: string | null = null

  const stop = (why: string): void => {
    if (reason !== null) return
    reason = why
    if (waiting.size > 0) fleet.emit({ type: 'stopped', reason, notAttempted: [...waiting] })
  }
  const judge = ({ stretch, canary }: Batch, outcome: Outcome): void => {
    const ofPlay = withOutcome(tallies.get(stretch) ?? {}, outcome)
    tallies.set(stretch, ofPlay)
    ofRun = withOutcome(ofRun, outcome)
    const count: Count = { run: { tally: ofRun, total }, play: { tally: ofPlay, total: stretch.total } }
    const why = exceeded(count, stretch.rules) ?? (canary ? canaryFault(outcome) : null)
    if (why !== null) stop(why)
  }
  const isOver = (): boolean => reason !== null || fleet.stop.aborted
  const through = async (batch: Batch): Promise<Outcome[]> => {
    const among = isOver() ? batch.hosts : await arrange(batch)
    if (!isOver() && batches.length > 1) fleet.emit(begun(batch))
    const emit = (event: Event): void => {
      fleet.emit(event)
      // Before anybody else is begun: whoever works off the hosts asks `halted` next.
      if (event.type === 'outcome' && !isOver()) judge(batch, event.outcome)
    }
    return eachHost(among, { ...fleet, emit, halted: () => reason }, host => {
      waiting.delete(host.name)
      return work(host)
    })
  }

  const inBatches = new Set(waiting)
  const idle = hosts.filter(({ name }) => !inBatches.has(name))
  // Excluded: nobody works on them.
  const outcomes = await eachHost(idle, fleet, async () => ({ status: 'skipped' }))
  for (const [i, batch] of batches.entries()) {
    const came = await through(batch)
    outcomes.push(...came)
    if (isOver() || i === batches.length - 1) continue
    const why =
      (batch.canary ? emptyCanary(came) : lostBatch(came, batch.stretch.rules)) ?? (await between(batch, came))
    if (why !== null) stop(why)
  }
  const byName = new Map(outcomes.map(outcome => [outcome.host, outcome]))
  return hosts.flatMap(({ name }) => byName.get(name) ?? [])
}

function begun({ index, of, hosts, canary }: Batch): Event {
  return { type: 'batch', index, of, hosts: hosts.map(({ name }) => name), canary }
}
