/** Over the new connection: is it as wanted and the symptom gone? Then confirm and write files, and the same once more. */
import { ConnectError, messageOf } from '../errors.ts'
import type { Facts } from '../facts/facts.ts'
import { gatherFacts, runProbe } from '../facts/gather.ts'
import { parseProbe } from '../facts/parse.ts'
import { parseFrames } from '../lang/frames.ts'
import { ofLayer } from '../plan/plan.ts'
import { keepPrelude } from '../plan/programs.ts'
import type { Connection } from '../transport/connection.ts'
import { type Applied, lostOutcome, type Verdict, verdictOf } from './applied.ts'
import { type Check, decisive, failures, judge, passes, withWatched } from './checks.ts'
import { persevere } from './persevere.ts'
import { planHost } from './plan-host.ts'
import { judgeServices, type Services } from './services.ts'
import { takeBack } from './take-back.ts'
import { probeNeeds, reliefOf, type Tools } from './tools.ts'
import type { Undertaking } from './undertaking.ts'

/** Files are written, synced and read back; on a slow disk that takes its time. */
const KEEP_DEADLINE_MS = 120_000

/** Proves what `start` did over the first of these connections, which is new, and keeps it or takes it back. */
export async function proveAndKeep(
  work: Undertaking,
  connections: readonly [Connection, ...Connection[]],
  tools: Tools,
  services: Services = null,
): Promise<Applied> {
  const { host, task } = work
  const [fresh] = connections
  const relief = reliefOf(task)
  const newConnection = fresh.host.connection === 'ssh'
  let facts: Facts
  let checks: readonly Check[] = []
  const back = async (why: string): Promise<Applied> =>
    withRecord(await takeBack({ ...work, facts }, connections, checks, why, tools), work)
  let answers: readonly Check[]
  try {
    // First: a connection of theirs that is tracked is then in the table that is looked at.
    answers = await judgeServices(host, services)
    facts = await gatherFacts(fresh, { windowSeconds: tools.windowSeconds, ...probeNeeds(task) })
    checks = [...judge(facts, planHost(host, task, facts), { files: false, newConnection }), ...answers]
  } catch (error) {
    const why = `could not be proved: ${messageOf(error)}`
    return withRecord(await takeBack(work, connections, checks, why, tools), work)
  }
  if (!passes(decisive(checks, relief))) return back(`not cured: ${failures(decisive(checks, relief))}`)

  tools.emit({ type: 'phase', host: host.name, phase: 'persist' })
  tools.emit({ type: 'intent', host: host.name, step: 'persist', runDir: work.runDir })
  let kept: Kept
  try {
    kept = await persevere(host, connections, work.untilMs, tools, connection => keep(connection, work))
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
  checks = [...withWatched(seen, checks, ofLayer(work.plan.changes, 'final').length > 0), ...answers]
  facts = { ...kept.facts, earlier: facts.earlier }
  if (!passes(decisive(checks, relief))) return back(`not kept: ${failures(decisive(checks, relief))}`)
  return { status: 'changed', facts, checks, error: null, digest: kept.digest }
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

/** Confirms, writes the files, looks. May be asked again: the host knows how far it came. */
async function keep(connection: Connection, { host, task, runDir }: Undertaking): Promise<Kept> {
  const { nonce, stdout } = await runProbe(connection, {
    ...probeNeeds(task),
    prelude: { text: id => keepPrelude(runDir, id), deadlineMs: KEEP_DEADLINE_MS },
  })
  const [code = '', ...said] = (parseFrames(stdout, nonce).get('keep') ?? '').split('\n')
  const digest = said.find(line => /^[0-9a-f]{4,64}$/.test(line)) ?? null
  const verdict = code === '0' ? null : verdictOf(Number.parseInt(code, 10), said.join('\n'), runDir)
  return { facts: parseProbe(host.name, stdout, nonce), verdict, digest }
}
