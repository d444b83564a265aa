/** The `-e` of a run, for who goes on with it, takes it back or looks at it again: hosts are reached as they were then. */
import { UsageError } from '../errors.ts'
import { isSecret } from '../inventory/variables.ts'
import { plain } from '../lang/text.ts'
import type { RecordedRun } from '../run/recorded.ts'
import type { SharedOptions } from './options.ts'
import { type Fleet, openFleet } from './session.ts'

type Recorded = Pick<RecordedRun, 'run' | 'extra_vars'>

/** Reads the inventory under what that run was given by `-e`, and over it what is given now; null: nothing is known of it. */
export async function openFleetAsThen(options: SharedOptions, recorded: Recorded | null): Promise<Fleet> {
  if (recorded === null) return openFleet(options)
  const { kept, left } = recorded.extra_vars
  const { extraVars = [] } = options
  const then = Object.keys(kept).length === 0 ? [] : [JSON.stringify(kept)]
  const fleet = await openFleet({ ...options, extraVars: [...then, ...extraVars] })
  const { extra } = fleet.inventory
  const again = left.filter(name => !extra.has(name))
  const way = again.filter(name => !isSecret(name))
  if (way.length > 0) {
    // Without its way in another machine may answer to the address.
    throw new UsageError(`run ${recorded.run} was given ${way.join(', ')} by -e, of which no record keeps the value`, {
      hint: `the same -e again, or -e ${way[0]}=… with what holds now`,
    })
  }
  for (const line of told(recorded, fleet, again)) process.stderr.write(`ctfix: ${plain(line)}\n`)
  return fleet
}

/** What is taken over, and what a person may have to say again. */
function told({ run, extra_vars: { kept } }: Recorded, { inventory: { extra } }: Fleet, again: readonly string[]) {
  const same = Object.entries(kept).filter(([name, value]) => isSame(extra.get(name)?.value, value))
  const words = same.map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
  const passwords = `run ${run} was given ${again.join(', ')} by -e, and no record keeps a password: -e @FILE, -k or -K`
  return [
    ...(words.length > 0 ? [`as in run ${run}, unless -e says otherwise: ${words.join(' ')}`] : []),
    ...(again.length > 0 ? [passwords] : []),
  ]
}

const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)
