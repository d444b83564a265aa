/** The way on from wherever a fault left a host: by the run that was broken off, by a new one, or back. */
import type { Product, Result } from '../product.ts'

/** `again`: a new apply. `resume`: the same run goes on. `rollback`: the run goes back. */
export type Way = 'again' | 'resume' | 'rollback'

interface Arrival {
  readonly words: string
  readonly leadsTo: 'before' | 'after'
  readonly result: Result
}

/** Time enough to get in while other cells keep the machine busy. */
const PATIENT = ['--yes', '--connect-timeout', '20']
const WINDOW = ['--window', '1s']

export const RAISE = ['apply', '--strategy', 'raise', ...PATIENT, ...WINDOW]

const WAYS = {
  again: { words: () => RAISE, leadsTo: 'after' },
  resume: { words: (run: string) => ['apply', '--resume', run, ...PATIENT, ...WINDOW], leadsTo: 'after' },
  rollback: { words: (run: string) => ['rollback', run, ...PATIENT], leadsTo: 'before' },
} as const

interface Start {
  readonly run: string
  /** How often it may be resumed. */
  readonly resumes: number
}

export async function wayOn(way: Way, product: Product, { run, resumes }: Start): Promise<Arrival> {
  const { leadsTo } = WAYS[way]
  const words = WAYS[way].words(run)
  let result = await product.run(words)
  for (let i = 1; way === 'resume' && i < resumes && result.exitCode === 4; i += 1) result = await product.run(words)
  return { words: words.slice(0, 3).join(' '), leadsTo, result }
}
