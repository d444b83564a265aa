/** A fleet whose tables are full, as it is met at night: most hosts do as they are told, some do not. */
import { type Product, productFor } from '../product.ts'
import { type SimulatedLab, startSimulated } from '../simulated.ts'
import { recordApply } from './replay.ts'

export const RAISE = ['apply', '--strategy', 'raise', '--window', '1s']

export interface Night extends AsyncDisposable {
  readonly lab: SimulatedLab
  readonly product: Product
  /** Unreachable, slow, and taken back: every n-th host. */
  readonly refusing: readonly string[]
  readonly worse: readonly string[]
}

/** Hosts `web-0001`, `web-0002`, …; of every hundred two let nobody in, one gets worse by the change, and three are slow. */
export async function startNight(count: number): Promise<Night> {
  const well = await recordApply([...RAISE, '--yes'], { exitCode: 0 })
  const worse = await recordApply([...RAISE, '--yes'], {
    exitCode: 4,
    before: (n, host) => n === 3 && setTimeout(() => host.drop(), 500),
  })
  const lab = await startSimulated(count)
  const named = lab.hosts().map((host, i) => ({ ...host, name: `web-${String(i + 1).padStart(4, '0')}` }))
  const names: { refusing: string[]; worse: string[] } = { refusing: [], worse: [] }
  for (const [i, { name }] of named.entries()) {
    const sim = lab.host(`sim-${i + 1}`)
    const place = i % 100
    // Answers take what a network and a busy host take.
    const usual = 20 + ((i * 37) % 80)
    if (place === 41 || place === 42) {
      // Not gone: somebody else might get the port.
      await sim.failConnect('deny')
      names.refusing.push(name)
    } else if (place === 77) {
      sim.answer(worse.host(() => usual))
      names.worse.push(name)
    } else sim.answer(well.host(n => (place % 33 === 16 && n === 3 ? 4000 : usual)))
  }
  const product = productFor(lab, named)
  return {
    lab,
    product,
    ...names,
    async [Symbol.asyncDispose]() {
      product[Symbol.dispose]()
      await lab[Symbol.asyncDispose]()
    },
  }
}
