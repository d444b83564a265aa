/** ctfix against many simulated hosts, which are another process: what it takes for itself, by the number of hosts. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { constants, setPriority } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Lab, LabHost } from '../../test/lab/lab.ts'
import { productFor } from '../../test/lab/product.ts'

const HOSTS = fileURLToPath(new URL('scale-hosts.ts', import.meta.url))
const WATCH = new URL('watch.js', import.meta.url).href

/** What watch.js notes. */
interface Seen {
  /** Longest time that nothing else of it could go on, whoever had the core. */
  readonly longestPauseMs: number
  /** The same in CPU time of its own. */
  readonly longestWorkMs: number
  readonly residentMb: number
  /** Of all its threads. */
  readonly cpuMs: number
}

export interface Scale extends Seen {
  readonly command: string
  readonly hosts: number
  readonly ms: number
}

interface SimulatedHosts extends AsyncDisposable {
  readonly hosts: readonly LabHost[]
}

async function startHosts(count: number): Promise<SimulatedHosts> {
  const child = spawn(process.execPath, [HOSTS, String(count)], { stdio: ['pipe', 'pipe', 'inherit'] })
  // What is looked at is the other process: it need not wait for its servers' turn.
  if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_LOW)
  const ended = once(child, 'close')
  const [line] = (await Promise.race([
    once(createInterface(child.stdout), 'line'),
    ended.then(() => Promise.reject(new Error('the simulated hosts did not start'))),
  ])) as [string]
  return {
    hosts: JSON.parse(line),
    async [Symbol.asyncDispose]() {
      child.stdin.end()
      await ended
    },
  }
}

/** The product needs of a lab what it is made of. */
const labOf = (hosts: readonly LabHost[]): Lab => ({
  name: 'simulated',
  powers: new Set(),
  hosts: () => hosts,
  inspect: () => Promise.reject(new Error('nobody looks into these')),
  sever: () => Promise.reject(new Error('nobody cuts these off')),
  [Symbol.asyncDispose]: () => Promise.resolve(),
})

/** What is measured: a look, and a look that comes to a plan with its diff for every host. */
const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  facts: ['facts'],
  plan: ['plan', '--strategy', 'raise'],
}

/** One run of each command over that many hosts. */
export async function scale(count: number): Promise<Scale[]> {
  await using simulated = await startHosts(count)
  using product = productFor(labOf(simulated.hosts))
  const file = join(product.directory, 'seen.json')
  const env = { NODE_OPTIONS: `--import=${WATCH}`, CTFIX_BENCH_WATCH: file }
  const runs: Scale[] = []
  for (const [command, args] of Object.entries(COMMANDS)) {
    const start = performance.now()
    const { exitCode, stderr } = await product.run([...args, '--output', 'json'], { env, timeoutMs: 900_000 })
    const ms = performance.now() - start
    if (exitCode !== 0) throw new Error(`ctfix ${command} over ${count} hosts ended with ${exitCode}: ${stderr}`)
    const seen: Seen = JSON.parse(readFileSync(file, 'utf8'))
    runs.push({ command, hosts: count, ms, ...seen })
  }
  return runs
}
