/** Apply and rollback of any plan without the command line: for plans that no strategy makes. */
import type { Change } from '../../../src/change/change.ts'
import { undo } from '../../../src/change/change.ts'
import { makePlan, type Plan, type Task } from '../../../src/plan/plan.ts'
import { rollbackTask } from '../../../src/plan/rollback.ts'
import { applyOf, prepareApply } from '../../../src/run/commands.ts'
import type { HostResult } from '../../../src/run/fleet.ts'
import { prepareRollback } from '../../../src/run/rollback.ts'
import { newRunId } from '../../../src/run/run-id.ts'
import type { Tools } from '../../../src/run/tools.ts'
import { assemble } from '../../../src/transport/connect.ts'
import { createSsh2Connect } from '../../../src/transport/ssh2.ts'
import { makeFacts } from '../../support/facts.ts'
import { fromLab, knownHostsOf, never } from '../../unit/transport/hosts.ts'
import type { Lab } from '../lab.ts'

export interface Engine {
  /** Applies these changes as a run of its own. */
  apply(changes: readonly Change[]): Promise<HostResult & { readonly run: string }>
  rollback(run: string, options?: { readonly force: boolean }): Promise<HostResult>
}

/** A plan with just these changes. */
function planOf(changes: readonly Change[]): Plan {
  return { ...makePlan('h', { steps: [], force: false }, makeFacts()), changes }
}

/** What is wanted is that the host is as after these changes: going back from going back. */
export function taskOf(changes: readonly Change[]): Task {
  return rollbackTask(planOf(undo(changes)), 'itself', false)
}

/** The engine in front of the first host of a lab. */
export async function engineFor(lab: Lab, revertInSeconds = 20): Promise<Engine> {
  const [entry] = lab.hosts()
  if (!entry) throw new Error('no host')
  const ssh = createSsh2Connect({ knownHosts: await knownHostsOf([entry]), policy: 'strict' })
  const connect = assemble(ssh, { budgetMs: 10_000 })
  const host = fromLab(entry)
  const toolsOf = (run: string): Tools => ({
    run,
    connect,
    emit: () => {},
    signal: never,
    windowSeconds: 0,
    revertInSeconds,
  })
  return {
    async apply(changes) {
      const run = newRunId()
      return { run, ...(await applyOf(host, one => prepareApply(one, taskOf(changes), toolsOf(run)))) }
    },
    rollback: (of, { force } = { force: false }) =>
      applyOf(host, one => prepareRollback(one, { of, force }, toolsOf(newRunId()))),
  }
}
