/** Between two batches: time goes by, a command is asked, and the fleet's own symptom must not have come back. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Facts } from '../../facts/facts.ts'
import type { Host } from '../../inventory/host.ts'
import { formatDuration } from '../../lang/duration.ts'
import type { Event, Listener } from '../events.ts'
import type { Outcome } from '../status.ts'
import type { Batch } from './batches.ts'
import { askGate } from './gate.ts'
import type { GateCommand } from './gate-command.ts'
import { compareSymptom, type Reading, type Relief, readingOf } from './symptom.ts'

/** For a command that answers. */
const GATE_LIMIT_MS = 600_000

export interface GateTools {
  readonly run: string
  readonly emit: Listener
  /** Once aborted nothing is waited for any more. */
  readonly stop: AbortSignal
  /** Looks at hosts; null where one could not be looked at. */
  readonly look: (hosts: readonly Host[]) => Promise<ReadonlyMap<string, Facts | null>>
  /** How soon a change shows on a host; null: its symptom is not watched. */
  readonly relief: (host: Host) => Relief | null
  /** Of hosts changed in earlier batches at most so many are looked at each time, by turns. */
  readonly most: number
}

type Kind = Extract<Event, { type: 'gate' }>['kind']

interface Verdict {
  readonly passed: boolean
  readonly detail: string
}

interface Changed {
  readonly host: Host
  readonly before: Reading
}

/** What `rollOut` asks between batches. What is watched adds up from batch to batch. */
export function createGates(tools: GateTools): (batch: Batch, outcomes: readonly Outcome[]) => Promise<string | null> {
  /** Who was looked at longest ago stands first. */
  let changed: readonly Changed[] = []

  const pass = async (
    after: number,
    kind: Kind,
    doing: string,
    ask: () => Promise<Verdict>,
  ): Promise<string | null> => {
    const tell = (status: 'begun' | 'passed' | 'failed', detail: string): void =>
      tools.emit({ type: 'gate', after, kind, status, detail })
    tell('begun', doing)
    const { passed, detail } = await ask()
    tell(passed ? 'passed' : 'failed', detail)
    return passed ? null : detail
  }

  return async (batch, outcomes) => {
    const { index, of, stretch } = batch
    const { bakeSeconds, gate } = stretch.rules
    const isTouched = outcomes.some(({ status }) => status === 'changed' || status === 'rolled-back')
    const fresh = changedIn(batch, outcomes, tools.relief)

    if (bakeSeconds > 0 && isTouched) {
      await pass(index, 'bake', formatDuration(bakeSeconds), () => bake(bakeSeconds, tools.stop))
      if (tools.stop.aborted) return null
    }
    if (gate !== null) {
      const why = await pass(index, 'command', gate.shown, () => askGate(settingsOf(gate, batch, outcomes, tools)))
      if (tools.stop.aborted) return null
      if (why !== null) return `the gate after batch ${index} of ${of} failed: ${why}`
    }
    const looked = [...fresh, ...changed.slice(0, Math.max(0, tools.most - fresh.length))]
    changed = [...changed.filter(one => !looked.includes(one)), ...looked]
    if (looked.length === 0) return null
    const doing = `of ${looked.length} of ${changed.length} changed hosts`
    const why = await pass(index, 'symptom', doing, () => lookAgain(looked, tools))
    if (tools.stop.aborted || why === null) return null
    return `the symptom after batch ${index} of ${of}: ${why}`
  }
}

async function bake(seconds: number, stop: AbortSignal): Promise<Verdict> {
  try {
    await delay(seconds * 1000, undefined, { signal: stop })
    return { passed: true, detail: formatDuration(seconds) }
  } catch {
    return { passed: false, detail: 'interrupted' }
  }
}

async function lookAgain(looked: readonly Changed[], { look }: GateTools): Promise<Verdict> {
  const facts = await look(looked.map(({ host }) => host))
  const { still, detail } = compareSymptom(
    looked.map(({ host, before }) => {
      const now = facts.get(host.name)
      return [before, now ? readingOf(host.name, now) : null]
    }),
  )
  return { passed: still, detail }
}

function changedIn({ hosts }: Batch, outcomes: readonly Outcome[], reliefOf: GateTools['relief']): Changed[] {
  const byName = new Map(hosts.map(host => [host.name, host]))
  return outcomes.flatMap(({ host: name, status, facts }) => {
    const host = byName.get(name)
    const relief = host && status === 'changed' ? reliefOf(host) : null
    return host && facts && relief ? [{ host, before: readingOf(name, facts, relief) }] : []
  })
}

function settingsOf(
  command: GateCommand,
  { index, of, hosts, canary, stretch }: Batch,
  outcomes: readonly Outcome[],
  { run, stop }: GateTools,
): Parameters<typeof askGate>[0] {
  const count = (status: Outcome['status']): string => String(outcomes.filter(one => one.status === status).length)
  const env = {
    CTFIX_RUN: run,
    CTFIX_BATCH: String(index),
    CTFIX_BATCHES: String(of),
    CTFIX_CANARY: String(canary),
    CTFIX_PLAY: stretch.name ?? '',
    CTFIX_HOSTS: String(hosts.length),
    CTFIX_CHANGED: count('changed'),
    CTFIX_FAILED: count('failed'),
    CTFIX_ROLLED_BACK: count('rolled-back'),
    CTFIX_UNREACHABLE: count('unreachable'),
  }
  const stdin = hosts.map(({ name }) => `${name}\n`).join('')
  return { command, env, stdin, limitMs: GATE_LIMIT_MS, stop }
}
