/** One host of a saved plan: what was shown is done, on the machine it was shown of, or nothing. */
import { StaleError } from '../errors.ts'
import type { Host } from '../inventory/host.ts'
import { canonical } from '../lang/canonical.ts'
import type { Plan, Task } from '../plan/plan.ts'
import { whyStale } from '../plan/saved-stale.ts'
import { type Prepared, readyToApply, verifyOf } from './commands.ts'
import type { HostResult } from './fleet.ts'
import { numbersOf } from './numbers.ts'
import { type Reached, reachedBy, type SavedHost } from './saved-plan.ts'
import { connected, type Survey, surveyOver } from './survey.ts'
import type { Tools } from './tools.ts'

const ANEW = 'make a new plan: ctfix plan … --out FILE'

/** Looks at a host. Rejects with StaleError where the plan is not of this host as it is; what comes back has the plan as it was shown. */
export async function prepareSaved(host: Host, saved: SavedHost, task: Task, tools: Tools): Promise<Prepared> {
  const shown = checkReached(host, saved)
  return connected(host, tools, async connection => {
    const look = (): Promise<Survey> =>
      still({ ...saved, plan: shown }, () => surveyOver(connection, task, quiet(tools)))
    const surveyed = await look()
    tools.emit({ type: 'planned', host: host.name, plan: shown, numbers: numbersOf(surveyed.facts) })
    return {
      ...readyToApply(surveyed, task, tools),
      async again() {
        return (await look()).plan
      },
    }
  })
}

/** The host's plan, where it is reached as it was then; throws StaleError before anybody connects. */
export function checkReached(host: Host, { plan, reached, status, error }: SavedHost): Plan {
  if (plan === null) {
    const why = error === null ? status : `${status}: ${error.message}`
    throw new StaleError(`nothing was planned for it; when the plan was made it was ${why}`, { hint: ANEW })
  }
  const now = reachedBy(host)
  if (canonical(now) === canonical(reached)) return plan
  throw new StaleError(`reached as ${way(now)}, but the plan was made as ${way(reached)}`, {
    hint: 'the same inventory and the same -u, -b and --become-method as for the plan, or a new plan',
  })
}

/** Throws StaleError where another machine answers. */
export function checkMachine({ machineId }: Pick<SavedHost, 'machineId'>, facts: Survey['facts']): void {
  if (machineId === facts.machineId) return
  const [is, was] = [facts.machineId ?? 'none', machineId ?? 'none']
  throw new StaleError(`another machine answers: its id is ${is}, the plan was made on ${was}`, { hint: ANEW })
}

async function still(saved: SavedHost & { readonly plan: Plan }, look: () => Promise<Survey>): Promise<Survey> {
  const fresh = await look()
  checkMachine(saved, fresh.facts)
  if (saved.bootId !== fresh.facts.bootId) {
    throw new StaleError('it was booted since the plan was made', { hint: ANEW })
  }
  // A host that was declined stays so, whatever it is by now: nothing was approved for it.
  const why = saved.plan.blockers.length > 0 ? null : whyStale(saved.plan, fresh.plan)
  if (why !== null) throw new StaleError(why, { hint: ANEW })
  const { evidence } = fresh.plan
  return { ...fresh, plan: { ...saved.plan, ...(evidence ? { evidence } : {}) } }
}

/** What the survey comes to is no plan of this run: that is the one that was shown. */
function quiet(tools: Tools): Tools {
  return { ...tools, emit: () => {} }
}

/** What the plan wanted of a host, looked at again: that it was used or is old, or that the host was booted, does not matter. */
export async function verifySaved(host: Host, saved: SavedHost, task: Task, tools: Tools): Promise<HostResult> {
  checkReached(host, saved)
  const result = await verifyOf(host, task, tools)
  if (result.facts) checkMachine(saved, result.facts)
  return result
}

function way({ connection, user, address, port, become }: Reached): string {
  const place = connection === 'local' ? 'this machine' : `${user}@${address}:${port}`
  return become ? `${place} by ${become.method} to ${become.user}` : place
}
