/** The product as a user runs it: the command line in a process of its own, with an inventory of lab hosts. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import type { Lab, LabHost } from './lab.ts'

export const PROGRAM = fileURLToPath(new URL('../../bin/ctfix.js', import.meta.url))

export interface Result {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/** The parts of a result document that scenarios look at. */
export interface Document {
  readonly run: string
  readonly exit_code: number
  readonly summary: Readonly<Record<string, number>>
  readonly hosts: readonly {
    readonly name: string
    readonly status: string
    readonly cause: string | null
    readonly changes: readonly {
      readonly kind: string
      readonly target: string
      readonly before: unknown
      readonly after: unknown
    }[]
    readonly notes: readonly string[]
    readonly warnings: readonly string[]
    readonly blockers: readonly { readonly code: string; readonly message: string }[]
    readonly diff: string
    readonly checks: readonly { readonly name: string; readonly status: string; readonly detail: string }[]
    readonly error: { readonly message: string; readonly hint: string | null } | null
    readonly facts: Readonly<Record<string, unknown>>
  }[]
}

/** The one host of a document. */
export function hostIn({ hosts: [host] }: Document): Document['hosts'][number] {
  if (!host) throw new Error('no host in the document')
  return host
}

/** What a failing test needs to know of it. */
export function told(document: Document): string {
  const { status, warnings, blockers, checks, error } = hostIn(document)
  return JSON.stringify({ status, warnings, blockers, checks, error }, null, 1)
}

export interface Product extends Disposable {
  readonly directory: string
  readonly inventory: string
  /** Runs `ctfix <args> -i … --known-hosts … --state-dir …`. */
  run(
    args: readonly string[],
    options?: { readonly timeoutMs?: number; readonly env?: NodeJS.ProcessEnv },
  ): Promise<Result>
  /** The same with `--output json`, and its document. */
  json(
    args: readonly string[],
    options?: { readonly timeoutMs?: number },
  ): Promise<{ readonly result: Result; readonly document: Document }>
}

/**
 * Prepares an inventory of the lab's hosts, or of those given. A lab whose tables are full may give getting in more time
 * than the minute it has by default: that is a matter of luck, and not what its scenarios are about.
 */
export function productFor(
  lab: Lab,
  hosts: readonly LabHost[] = lab.hosts(),
  { connectTimeout, program = PROGRAM }: { readonly connectTimeout?: string; readonly program?: string } = {},
): Product {
  const directory = mkdtempSync(join(tmpdir(), 'ctfix-lab-'))
  const inventory = join(directory, 'inventory.yaml')
  const knownHosts = join(directory, 'known_hosts')
  writeFileSync(
    inventory,
    stringify({ all: { hosts: Object.fromEntries(hosts.map(({ name, vars }) => [name, vars])) } }),
  )
  writeFileSync(knownHosts, hosts.map(host => `${host.knownHosts.trim()}\n`).join(''))
  const patience = connectTimeout ? ['--connect-timeout', connectTimeout] : []
  const fixed = ['-i', inventory, '--known-hosts', knownHosts, '--state-dir', join(directory, 'state'), ...patience]
  const product: Product = {
    directory,
    inventory,
    run(words, options) {
      // `runs list` is one command of two words.
      const command = words.slice(0, words[0] === 'runs' ? 2 : 1)
      return runProgram([...command, ...(command.length > 0 ? fixed : []), ...words.slice(command.length)], {
        program,
        ...options,
      })
    },
    async json(args, options) {
      const result = await product.run([...args, '--output', 'json'], options)
      return { result, document: readDocument(result) }
    },
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  }
  return product
}

function readDocument(result: Result): Document {
  try {
    return JSON.parse(result.stdout)
  } catch (cause) {
    throw new Error(`no document on stdout (exit ${result.exitCode}); stderr: ${result.stderr}`, { cause })
  }
}

/** Runs the program with these words. */
export function runProgram(
  args: readonly string[],
  options: {
    readonly timeoutMs?: number
    readonly env?: NodeJS.ProcessEnv
    readonly cwd?: string
    /** Another entry than the product's own. */
    readonly program?: string
    /** What starts it, with the words before it. */
    readonly under?: readonly string[]
  } = {},
): Promise<Result> {
  const { timeoutMs = 240_000, env = {}, cwd, program = PROGRAM, under = [] } = options
  const [command, ...words] = [...under, process.execPath, program, ...args] as [string, ...string[]]
  const child = spawn(command, words, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, SSH_AUTH_SOCK: '', NO_COLOR: '1', ...env },
    timeout: timeoutMs,
    ...(cwd ? { cwd } : {}),
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk
  })
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      if (code === null) reject(new Error(`ctfix ${args.join(' ')} was ended by ${signal}: ${stderr}`))
      else resolve({ exitCode: code, stdout, stderr })
    })
  })
}
