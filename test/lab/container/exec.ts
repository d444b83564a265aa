/** Running the machine's own tools for the labs: never through a shell of ours, always with an end to the wait. */

import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Inspection, LabUnavailable } from '../lab.ts'

export interface RunOptions {
  readonly input?: string
  readonly timeoutMs?: number
  readonly env?: Readonly<Record<string, string>>
}

/** A user's PATH often lacks the sbin directories that dockerd, docker-proxy, ip and sshd live in. */
export const toolPath = [process.env.PATH ?? '', '/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin', '/bin'].join(':')

export function findTool(tool: string): string | undefined {
  return toolPath
    .split(':')
    .filter(dir => dir !== '')
    .map(dir => join(dir, tool))
    .find(path => existsSync(path))
}

/** The tools a lab cannot do without: their absence is a sentence for the reader, not a stack trace. */
export function requireTools(lab: string, tools: Readonly<Record<string, string>>): void {
  const missing = Object.entries(tools).filter(([tool]) => findTool(tool) === undefined)
  if (missing.length === 0) return
  const names = missing.map(([tool, pkg]) => `${tool} (package ${pkg})`).join(', ')
  throw new LabUnavailable(`The ${lab} lab needs ${names} on this machine.`)
}

/** Ends with whatever exit code the tool gave; rejects when it cannot start or does not come to an end in time. */
export function run(tool: string, args: readonly string[], options: RunOptions = {}): Promise<Inspection> {
  return new Promise((resolve, reject) => {
    const child = spawn(tool, args, {
      env: { ...process.env, ...options.env, PATH: toolPath },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    const out: Buffer[] = []
    const err: Buffer[] = []
    let late = false
    const timer =
      options.timeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            late = true
            child.kill('SIGKILL')
            // Grandchildren may keep the pipes open; a late answer is of no use, so do not wait for their end.
            child.stdout.destroy()
            child.stderr.destroy()
          }, options.timeoutMs)
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
    // A tool that ends without reading its input breaks the pipe; its exit code says what matters.
    child.stdin.on('error', () => {})
    child.stdin.end(options.input ?? '')
    child.on('error', error => {
      clearTimeout(timer)
      reject(new Error(`${tool} did not start`, { cause: error }))
    })
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      if (late) reject(new Error(`${tool} ${args[0] ?? ''} gave no end within ${options.timeoutMs} ms`))
      else if (code === null) reject(new Error(`${tool} ${args[0] ?? ''} was ended by ${signal}`))
      else {
        const text = (chunks: readonly Buffer[]): string => Buffer.concat(chunks).toString('utf8')
        resolve({ stdout: text(out), stderr: text(err), exitCode: code })
      }
    })
  })
}

/** As `run`, for the steps that must succeed; gives stdout. */
export async function must(tool: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { stdout, stderr, exitCode } = await run(tool, args, options)
  if (exitCode === 0) return stdout
  throw new Error(`${tool} ${args.slice(0, 3).join(' ')} ended with ${exitCode}: ${stderr.trim().slice(-2000)}`)
}
