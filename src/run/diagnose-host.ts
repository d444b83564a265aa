/** diagnose: one look with everything a rule may ask about, two moments of it apart. Nothing is changed. */
import { type Diagnosis, diagnose } from '../diagnose/diagnose.ts'
import type { Facts } from '../facts/facts.ts'
import { gatherFacts } from '../facts/gather.ts'
import type { Host } from '../inventory/host.ts'
import { planHost } from './plan-host.ts'
import { connected } from './survey.ts'
import type { Tools } from './tools.ts'

/** Looks over the window and judges. Rejects with ConnectError, CommandError or ProbeError. */
export async function diagnoseHost(host: Host, tools: Tools): Promise<{ facts: Facts; diagnosis: Diagnosis }> {
  const { windowSeconds, signal } = tools
  const asked = { windowSeconds, ruleset: true, census: true, signal }
  const facts = await connected(host, tools, async connection => {
    await using open = connection
    return await gatherFacts(open, asked)
  })
  const diagnosis = diagnose(facts, (steps, seen) => planHost(host, { steps, force: false }, seen))
  return { facts, diagnosis }
}
