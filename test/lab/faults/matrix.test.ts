/**
 * The fault matrix: every step of an apply, times everything that can go wrong there. Wherever it is struck, a host ends as it
 * was or as it was to be, the report says which, and the next command brings it to its end.
 */
import pLimit from 'p-limit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { asRoot, onStage } from '../apply/stage.ts'
import { type Cell, type CellResult, runCell } from './cell.ts'
import { FAULT_NAMES, FAULTS, type FaultName } from './faults.ts'
import { type Cure, changesIn, scenery } from './host-state.ts'
import { drawTable } from './table.ts'
import { RAISE, type Way } from './way-on.ts'

/** Most of a cell is waiting for the guard. */
const AT_ONCE = 8
/** With fewer it is no matrix. */
const LEAST_CELLS = 60

/** A disk that failed leaves a run behind, and a killed controller a run that nobody heard of: these go on themselves. */
function wayOf(fault: FaultName, i: number): Way {
  if (i % 2 === 1) return 'rollback'
  return ['controller killed', 'disk full', 'read-only'].includes(fault) ? 'resume' : 'again'
}

const all: readonly Cell[] = FAULT_NAMES.flatMap(fault =>
  FAULTS[fault].at.map((moment, i) => ({ fault, moment, way: wayOf(fault, i) })),
)
/** For whoever works on some of them: CTFIX_CELLS='read-only|armed'. */
const wanted = new RegExp(process.env.CTFIX_CELLS ?? '')
const cells = all.filter(({ fault, moment }) => wanted.test(`${fault}, ${moment}`))

asRoot('the fault matrix', () => {
  const results: CellResult[] = []
  const running = new Map<Cell, Promise<CellResult>>()

  beforeAll(() => {
    const cure = cureOf()
    const limit = pLimit(AT_ONCE)
    for (const cell of cells) {
      const result = limit(async () => runCell(cell, await cure))
      // Its own test awaits it; until that begins, a failure is nobody's.
      result.catch(() => {})
      running.set(cell, result)
    }
  })

  afterAll(() => {
    process.stdout.write(`\n${drawTable(results)}\n\n${summary(results)}\n`)
    if (cells.length === all.length) expect(results.length).toBeGreaterThanOrEqual(LEAST_CELLS)
  })

  test.for(cells)('$fault, $moment, then $way', async cell => {
    const result = await running.get(cell)
    if (!result) throw new Error('it was not run')
    results.push(result)
    expect(result.wrong, result.told).toEqual([])
  })
})

/** What an apply that nothing happens to makes of the host. */
async function cureOf(): Promise<Cure> {
  let cure: Cure = new Map()
  await onStage(async ({ host, product }) => {
    const before = scenery(host)
    const { exitCode, stdout } = await product.run(RAISE)
    expect(exitCode, stdout).toBe(0)
    cure = changesIn(before, scenery(host))
  })
  return cure
}

function summary(results: readonly CellResult[]): string {
  const slowest = results.toSorted((a, b) => b.seconds - a.seconds).slice(0, 5)
  const wrong = results.filter(({ wrong: w }) => w.length > 0)
  const slow = slowest.map(({ cell, seconds }) => `${cell.fault}, ${cell.moment} ${seconds.toFixed(0)} s`)
  return `${results.length} cells, ${wrong.length} wrong; slowest: ${slow.join('; ')}`
}
