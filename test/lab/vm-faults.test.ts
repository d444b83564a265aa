/** Faults at every step on real kernels: two machines share the cells, and the table is printed. */
import { expect } from 'vitest'
import { digestOf } from './digest.ts'
import { productFor } from './product.ts'
import { labSuite } from './suite.ts'
import { type KernelLabel, startVm, type VmLab } from './vm.ts'
import { type CellResult, CHANGE, type Ends, FAULTS, type Fault, runCell } from './vm-faults/cell.ts'
import { outlivesItsSession } from './vm-faults/left-alone.ts'
import { comesBack, EVERY_PACKET, NEW_ONLY, refusesPlainRule } from './vm-faults/lock-out.ts'
import { MOMENTS, type Moment, prepareGates } from './vm-faults/moments.ts'

/** One machine a core. */
const MACHINES: readonly KernelLabel[] = ['6.1', '7.x']
const NAMES = Object.keys(MOMENTS).filter((name): name is Moment => name in MOMENTS)

class Machines implements AsyncDisposable {
  readonly all: readonly VmLab[]
  constructor(all: readonly VmLab[]) {
    this.all = all
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.all.map(vm => vm.close()))
  }
}

/** Of the rows each moment has two: a cell takes half a minute. A power cut is what only a machine can show. */
const CELLS: Readonly<Record<Moment, readonly Fault[]>> = {
  'between two live values': ['controller killed', 'power cut'],
  'confirmed, files not written': ['connections cut', 'power cut'],
  'files in place, not on disk': ['disk full', 'power cut'],
}
const CELL_LIST = NAMES.flatMap(moment => CELLS[moment].map(fault => ({ moment, fault })))

/** What the machine is before, and what it is when all went well; left as before. */
async function learnEnds(vm: VmLab): Promise<Ends> {
  using product = productFor(vm)
  const before = await digestOf(vm, vm.host.name)
  const { result, document } = await product.json(['apply', ...CHANGE, '--yes', '--window', '1s'])
  expect(result.exitCode, JSON.stringify(document.hosts[0])).toBe(0)
  const after = await digestOf(vm, vm.host.name)
  expect(after).not.toEqual(before)
  expect((await product.json(['rollback', document.run, '--yes'])).result.exitCode).toBe(0)
  expect(await digestOf(vm, vm.host.name)).toEqual(before)
  return { before, after }
}

labSuite(
  'faults on real kernels',
  async () => new Machines(await Promise.all(MACHINES.map(kernel => startVm({ kernel })))),
  ({ it }) => {
    it('each leaves the host before or after, never between, and the report says which', async ({ all }) => {
      const left = CELL_LIST.values()
      const results: CellResult[] = []
      const work = async (vm: VmLab): Promise<void> => {
        await prepareGates(vm)
        const ends = await learnEnds(vm)
        for (const { moment, fault } of left) results.push(await runCell(vm, moment, fault, ends))
      }
      const ended = await Promise.allSettled(all.map(work))
      process.stdout.write(`faults on real kernels:\n${draw(results)}\n`)
      expect(ended.filter(({ status }) => status === 'rejected')).toEqual([])
      expect(results.filter(({ wrong }) => wrong.length > 0)).toEqual([])
      expect(results).toHaveLength(CELL_LIST.length)
    }, 900_000)

    it('the guard outlives a session that logind clears away, a timer of systemd and a process of its own', async ({
      all,
    }) => {
      const ways = ['systemd', 'process'] as const
      await Promise.all(all.map((vm, i) => outlivesItsSession(vm, ways[i] ?? 'systemd')))
    })

    it('a rule that would lock us out is refused, forced or not', async ({ all: [vm] }) => {
      if (vm) await refusesPlainRule(vm)
    })

    it('a rule that blocks new connections, or every packet: the host comes back by itself, rolled-back, exit 4', async ({
      all,
    }) => {
      const rules = [NEW_ONLY, EVERY_PACKET]
      await Promise.all(all.map((vm, i) => comesBack(vm, rules[i] ?? NEW_ONLY)))
    })
  },
)

function draw(results: readonly CellResult[]): string {
  const rows = NAMES.map(moment => [
    moment,
    ...FAULTS.map(fault => {
      const found = results.find(result => result.moment === moment && result.fault === fault)
      return found ? `${found.wrong.length > 0 ? '✗ ' : ''}${found.host}/${found.status}` : '·'
    }),
  ])
  return [['step', ...FAULTS], ...rows]
    .map(cells =>
      cells
        .map(cell => cell.padEnd(28))
        .join(' ')
        .trimEnd(),
    )
    .join('\n')
}
