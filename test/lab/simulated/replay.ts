/** Hosts that repeat what one host said in a real run of ctfix: thousands of them cost no more than their connections. */
import { setTimeout as delay } from 'node:timers/promises'
import { productFor } from '../product.ts'
import { startSimulated } from '../simulated.ts'
import { createDebian, type FakeHost, stepwise } from './debian.ts'
import type { Answer, SimAnswer } from './host.ts'

const NONCE = / -- ([0-9a-f]{16}) /

interface Said {
  readonly nonce: string | null
  readonly answer: SimAnswer
}

export interface Replay {
  /** A host that goes through it from the start; `slowly` waits before the n-th answer (from 1) so many milliseconds. */
  host(slowly?: (n: number) => number): Answer
}

/** Applies once to a host with a shell of its own, looks at it again, and keeps what it said. `before` steps in before the n-th command. */
export async function recordApply(
  words: readonly string[],
  {
    exitCode,
    before = () => {},
  }: { readonly exitCode: number; readonly before?: (n: number, host: FakeHost) => unknown },
): Promise<Replay> {
  const said: Said[] = []
  using debian = createDebian()
  const listening: Answer = async request => {
    const answer = await debian.answer(request)
    if (answer) said.push({ nonce: NONCE.exec(request.command)?.[1] ?? null, answer })
    return answer
  }
  await using lab = await startSimulated(1, { answer: stepwise(listening, n => before(n, debian)) })
  using product = productFor(lab)
  const result = await product.run(words)
  if (result.exitCode !== exitCode) throw new Error(`exit ${result.exitCode}: ${result.stdout}${result.stderr}`)
  // The last of it is what a host says to whoever looks again afterwards.
  await product.run(['facts'])
  return { host: slowly => replayed(said, slowly) }
}

function replayed(said: readonly Said[], slowly: (n: number) => number = () => 0): Answer {
  let n = 0
  return async ({ command }) => {
    n += 1
    const known = said[Math.min(n, said.length) - 1]
    if (!known) return undefined
    const ms = slowly(n)
    if (ms > 0) await delay(ms)
    const own = NONCE.exec(command)?.[1]
    if (known.nonce === null || own === undefined) return known.answer
    return { ...known.answer, stdout: String(known.answer.stdout ?? '').replaceAll(known.nonce, own) }
  }
}
