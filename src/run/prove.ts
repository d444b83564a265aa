/** Over the new connection: is it as wanted and the symptom gone? Then confirm and write files, and the same once more. */
import { ConnectError, messageOf } from '../errors.ts'
import type { Facts } from '../facts/facts.ts'
import { gatherFacts, runProbe } from '../facts/gather.ts'
import { type Known, parseProbe } from '../facts/parse.ts'
import { parseFrames } from '../lang/frames.ts'
import { ofLayer } from '../plan/plan.ts'
import { keepPrelude } from '../plan/programs.ts'
import type { Connection } from '../transport/connection.ts'
import { type Applied, lostOutcome, type Verdict, verdictOf } from './applied.ts'
import { type Check, decisive, failures, judge, passes, withWatched } from './checks.ts'
import { intend } from './intent.ts'
import { judgeOutside } from './outside/measured.ts'
import type { Measuring } from './outside/outside.ts'
import { persevere } from './persevere.ts'
import { planHost } from './plan-host.ts'
import { judgeServices, type Services } from './services.ts'
import { takeBack } from './take-back.ts'
import { probeNeeds, reliefOf, type Tools } from './tools.ts'
import type { Undertaking } from './undertaking.ts'

/** Files are written, synced and read back; on a slow disk that takes its time. */
const KEEP_DEADLINE_MS = 120_000

/** What was looked at from here before the change; left out: nothing was. */
interface Watched {
  readonly services?: Services
  readonly measuring?: Measuring | null
}

/** Proves what `start` did over the first of these connections, which is new, and keeps it or takes it back. */
export async function proveAndKeep(
  work: Undertaking,
  connections: readonly [Connection, ...Connection[]],
  tools: Tools,
  { services = null, measuring = null }: Watched = {},
): Promise<Applied> {
  const { host, task } = work
  const [fresh] = connections
  const relief = reliefOf(task)
  const newConnection = fresh.host.connection === 'ssh'
  let facts: Facts
  let checks: readonly Check[] = []
  const back = async (why: string, as: Undertaking = { ...work, facts }): Promise<Applied> => {
    // What users have of a host that is taken back is not what the change brought.
    measuring?.stop()
    return withRecord(await takeBack(as, connections, checks, why, tools), work)
  }
  let answers: readonly Check[]
  try {
    // First: a connection of theirs that is tracked is then in the table that is looked at.
    answers = await judgeServices(host, services)
    facts = await gatherFacts(fresh, { windowSeconds: tools.windowSeconds, ...probeNeeds(task) })
    const seen = judge(facts, planHost(host, task, facts), { files: false, newConnection })
    checks = [...seen, ...answers, ...(await judgeOutside(measuring, relief))]
  } catch (error) {
    return back(`could not be proved: ${messageOf(error)}`, work)
  }
  if (!passes(decisive(checks, relief))) return back(`not cured: ${failures(decisive(checks, relief))}`)

  tools.emit({ type: 'phase', host: host.name, phase: 'persist' })
  await intend({ host: host.name, step: 'persist', runDir: work.runDir }, tools)
  let kept: Kept
  try {
    const { log, states } = facts
    kept = await persevere(host, connections, work.untilMs, tools, way => keep(way, work, { log, states }))
  } catch (error) {
    if (error instanceof ConnectError) return { ...lostOutcome(host.name, error, work.runDir), facts, checks }
    // It answers, but not so that it could be proved: what cannot be seen does not stay.
    return back(`not kept: ${messageOf(error)}`)
  }
  // The script itself was ended: it may have confirmed, and then nothing takes the host back by itself.
  if (kept.verdict?.status === 'unknown') return back(`not kept: ${kept.verdict.error?.message ?? ''}`)
  if (kept.verdict) return { facts, checks, digest: kept.digest, ...kept.verdict }
  // The window was watched before; the second look adds the files.
  const again = planHost(host, task, kept.facts)
  answers = await judgeServices(host, services)
  const seen = judge({ ...kept.facts, earlier: null }, again, { files: true, newConnection })
  const watched = withWatched(seen, checks, ofLayer(work.plan.changes, 'final').length > 0)
  checks = [...watched, ...answers, ...(await judgeOutside(measuring, relief))]
  facts = { ...kept.facts, earlier: earlierThan(kept.facts, facts) }
  if (!passes(decisive(checks, relief))) return back(`not kept: ${failures(decisive(checks, relief))}`)
  return { status: 'changed', facts, checks, error: null, digest: kept.digest }
}

/** Where the watch of an earlier look began, as seen from a later one: the seconds between the two count as well. */
function earlierThan({ uptimeSeconds }: Facts, watched: Facts): Facts['earlier'] {
  const { earlier } = watched
  const since = Math.max(0, uptimeSeconds - watched.uptimeSeconds)
  return earlier && { ...earlier, secondsBefore: earlier.secondsBefore + since }
}

/** It was changed: a host that knows of no change any more has lost its record, and with it the way back. */
function withRecord(back: Applied, { runDir }: Undertaking): Applied {
  if (back.status !== 'failed') return back
  const message = `the host has no record of the change any more: ${back.error?.message ?? ''}`
  return { ...back, status: 'unknown', error: { message, hint: `on the host: ${runDir} is gone` } }
}

interface Kept {
  readonly facts: Facts
  /** null: it was kept. */
  readonly verdict: Verdict | null
  readonly digest: string | null
}

/**
 * Confirms, writes the files, looks. May be asked again: the host knows how far it came. The log and the states were looked
 * at when it was proved, a moment ago, and files change neither; entries that go last do, so then states are counted again.
 */
async function keep(connection: Connection, { host, task, plan, runDir }: Undertaking, proved: Known): Promise<Kept> {
  const known = ofLayer(plan.changes, 'final').length > 0 ? {} : { known: proved }
  const { nonce, stdout } = await runProbe(connection, {
    ...probeNeeds(task),
    ...known,
    prelude: { text: id => keepPrelude(runDir, id), deadlineMs: KEEP_DEADLINE_MS },
  })
  const [code = '', ...said] = (parseFrames(stdout, nonce).get('keep') ?? '').split('\n')
  const digest = said.find(line => /^[0-9a-f]{4,64}$/.test(line)) ?? null
  const verdict = code === '0' ? null : verdictOf(Number.parseInt(code, 10), said.join('\n'), runDir)
  return { facts: parseProbe(host.name, stdout, nonce, known.known), verdict, digest }
}
