/** Starts hosts to watch in a process of their own: what is measured is the other one. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Lab, LabHost } from '../../lab.ts'
import { type Product, productFor } from '../../product.ts'

const PROGRAM = fileURLToPath(new URL('cli.ts', import.meta.url))

export interface WatchHosts extends AsyncDisposable {
  readonly hosts: readonly LabHost[]
  readonly product: Product
  /** `sever sim-3`, `refuse sim-3`, `heal sim-3` */
  tell(line: string): void
}

/** So many of them; `named` calls them otherwise. */
export async function startWatchHosts(
  count: number,
  named: (n: number) => string = n => `sim-${n + 1}`,
): Promise<WatchHosts> {
  const child = spawn(process.execPath, [PROGRAM, String(count)], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(child, 'close')
  const [line] = (await Promise.race([
    once(createInterface(child.stdout), 'line'),
    ended.then(() => Promise.reject(new Error('the hosts to watch did not start'))),
  ])) as [string]
  const known: readonly LabHost[] = JSON.parse(line)
  const hosts = known.map((host, n) => ({ ...host, name: named(n) }))
  const lab: Lab = {
    name: 'simulated',
    powers: new Set(),
    hosts: () => hosts,
    inspect: () => Promise.reject(new Error('nobody looks into these')),
    sever: () => Promise.reject(new Error('told on stdin')),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
  const product = productFor(lab)
  return {
    ...{ hosts, product },
    tell: text => void child.stdin.write(`${text}\n`),
    async [Symbol.asyncDispose]() {
      product[Symbol.dispose]()
      child.stdin.end()
      await ended
    },
  }
}
