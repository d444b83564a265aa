/** What the scenarios of apply share: one made-up host, or several, with the product in front of them. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe } from 'vitest'
import { type Document, type Product, productFor } from '../product.ts'
import { createDebian, type FakeHost, stepwise } from '../simulated/debian.ts'
import type { SimHost, SimHostOptions, SimRequest } from '../simulated/host.ts'
import { type SimulatedLab, startSimulated } from '../simulated.ts'

export const NAME = 'sim-1'
export const APPLY = ['apply', '--strategy', 'raise', '--yes', '--window', '1s', '--connect-timeout', '20']
/** Where getting in does not work. */
export const IMPATIENT = ['--connect-timeout', '10']
/** The least that a window of one second leaves. */
export const SOON = ['--revert-in', '6s']

/** Chroot needs root. */
export const asRoot = describe.runIf(process.getuid?.() === 0)

interface Stage {
  readonly lab: SimulatedLab
  readonly sim: SimHost
  readonly host: FakeHost
  readonly product: Product
  /** Steps in before the n-th command. An apply: 1 look, 2 change, 3 proof, 4 files; a way back is one more. */
  before(step: (n: number, request: SimRequest) => unknown): void
}

export async function onStage(body: (stage: Stage) => Promise<void>, options: SimHostOptions = {}): Promise<void> {
  using host = createDebian()
  await using lab = await startSimulated(1, { ...options, answer: host.answer })
  using product = productFor(lab)
  const sim = lab.host(NAME)
  await body({ lab, sim, host, product, before: step => sim.answer(stepwise(host.answer, step)) })
}

/** Several hosts, each with a root of its own; the hosts are closed with the lab. */
export async function onFleet(
  n: number,
  body: (fleet: { lab: SimulatedLab; hosts: readonly FakeHost[]; product: Product }) => Promise<void>,
): Promise<void> {
  using stack = new DisposableStack()
  const hosts = Array.from({ length: n }, () => stack.use(createDebian()))
  await using lab = await startSimulated(n)
  for (const [i, { answer }] of hosts.entries()) lab.host(`sim-${i + 1}`).answer(answer)
  using product = productFor(lab)
  await body({ lab, hosts, product })
}

export function only({ hosts }: Document): Document['hosts'][number] {
  const [first] = hosts
  if (!first || hosts.length !== 1) throw new Error(`expected one host, got ${hosts.length}`)
  return first
}

/** Files below a directory, by their name. */
export function contentsOf(directory: string): Map<string, string> {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
  return new Map(files.map(file => [file.name, readFileSync(join(file.parentPath, file.name), 'utf8')]))
}

/** How often a change was asked for: the program that stages and changes, told by what it runs. */
export const changes = ({ requests }: SimHost): number =>
  requests.filter(({ stdin }) => /^ {2}exec \/bin\/sh "\$dir\/guard\.sh" start /m.test(stdin)).length
/** How often the way back was asked for. */
export const reverts = ({ requests }: SimHost): number =>
  requests.filter(({ stdin }) => /^\/bin\/sh \S+\/guard\.sh revert /m.test(stdin)).length
