/** One cell of the matrix: an apply, a fault at a moment of it, what came of both, and the way on from there. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { NAME, only } from '../apply/stage.ts'
import { type Document, type Product, productFor } from '../product.ts'
import { type Child, startProgram } from '../simulated/child.ts'
import { createDebian } from '../simulated/debian.ts'
import { startSimulated } from '../simulated.ts'
import { smallDisk } from './disk.ts'
import { FAULTS, type FaultName, type Struck } from './faults.ts'
import { type Gate, gateAtQuestion } from './gate.ts'
import { type Cure, comesToRest, differences, logsOf, type Side, scenery, sideOf, unfinishedOn } from './host-state.ts'
import { MOMENTS, type MomentName } from './moments.ts'
import { contradictions, wrongsOfSecond } from './verdicts.ts'
import { RAISE, type Way, wayOn } from './way-on.ts'

export interface Cell {
  readonly moment: MomentName
  readonly fault: FaultName
  /** How it is brought to an end afterwards. */
  readonly way: Way
}

export interface CellResult {
  readonly cell: Cell
  /** What the host was once all was quiet. */
  readonly host: Side
  /** What the controller said; `killed` when it could not. */
  readonly status: string
  readonly seconds: number
  /** Empty: all as it has to be. */
  readonly wrong: readonly string[]
  /** All that the controller and the host said. */
  readonly told: string
}

/** The guard's time, its patience with a script under way, and slow machines. */
const REST_MS = 50_000

export async function runCell(cell: Cell, cure: Cure): Promise<CellResult> {
  const start = performance.now()
  const fault = FAULTS[cell.fault]
  using host = createDebian()
  using disk = fault.needsDisk ? smallDisk(host) : null
  await using lab = await startSimulated(1, { ...(fault.user ? { user: fault.user } : {}), answer: host.answer })
  using product = productFor(lab)
  const sim = lab.host(NAME)
  fault.prepare?.({ host, sim, lab })
  const before = scenery(host)
  const stopped = MOMENTS[cell.moment].stop?.({ host, sim, lab })
  const words = [...RAISE, '--revert-in', fault.revertIn ?? '9s', '--output', 'json']
  const child = stopped
    ? startProgram(product, words, { timeoutMs: 90_000 })
    : startProgram(
        product,
        words.filter(word => word !== '--yes'),
        { timeoutMs: 90_000, atTerminal: true },
      )
  using gate = stopped ?? gateAtQuestion(child)
  let second: Document | null = null
  const struck: Struck = {
    ...{ host, sim, lab, disk, child },
    async startSecond() {
      second = (await product.json(RAISE)).document
    },
  }
  await passes(gate, child)
  const wrong = MOMENTS[cell.moment].is?.(host) === false ? ['that was another moment'] : []
  await fault.strike(struck)
  await gate.open()

  const said = await child.ended
  const heard = said.exitCode === 137 ? null : documentOf(said.stdout)
  if (!(await comesToRest(host, REST_MS))) wrong.push('something is still at work on the host')
  const side = sideOf(before, scenery(host, { beside: !fault.needsDisk }), cure)
  const torn = fault.tornAt?.includes(cell.moment) ?? false
  if (side === 'between' && !torn) wrong.push(`the host is between: ${differences(before, scenery(host))}`)
  if (heard) {
    const silent = fault.silentAt?.includes(cell.moment) ?? false
    wrong.push(...contradictions(heard, said.exitCode, { host: side, silent, torn, second }))
    if (second) wrong.push(...wrongsOfSecond(second, heard))
  }

  await fault.heal?.(struck)
  const { leadsTo, result, ...way } = await wayOn(wayFrom(cell.way, heard), product, {
    run: heard?.run ?? runOf(product),
    resumes: fault.resumes ?? 1,
  })
  if (result.exitCode !== 0) wrong.push(`${way.words} ended with ${result.exitCode}: ${result.stdout}${result.stderr}`)
  if (!(await comesToRest(host, 10_000))) wrong.push(`after ${way.words} something is still at work`)
  if (sideOf(before, scenery(host), cure) !== leadsTo) {
    wrong.push(`${way.words} did not lead to ${leadsTo}: ${differences(before, scenery(host))}`)
  }
  const unfinished = unfinishedOn(host)
  if (unfinished.length > 0) wrong.push(`after ${way.words} there is still ${unfinished.join(' ')}`)
  const seconds = (performance.now() - start) / 1000
  const told = `${said.stdout}${said.stderr}${logsOf(host)}`
  return { cell, host: side, status: heard ? only(heard).status : 'killed', seconds, wrong, told }
}

/** Resolves when the run stands at the gate. */
async function passes({ reached }: Gate, { ended }: Child): Promise<void> {
  const missed = ended.then(({ stdout, stderr }) => `${stdout}${stderr}`)
  const first = await Promise.race([reached, missed])
  if (first !== undefined) throw new Error(`the run did not come by: ${first}`)
}

/** A run that says that it changed nothing has nothing to go back to. */
function wayFrom(way: Way, heard: Document | null): Way {
  const idle = heard !== null && ['failed', 'unreachable', 'blocked', 'skipped'].includes(only(heard).status)
  return idle && way === 'rollback' ? 'again' : way
}

/** A run that was killed has not said its name; its record has. */
function runOf({ directory }: Product): string {
  const [run = ''] = readdirSync(join(directory, 'state', 'runs'))
  return run
}

function documentOf(stdout: string): Document {
  return JSON.parse(stdout)
}
