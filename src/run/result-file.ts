/** The last document of a run in its record: what the run came to, host by host. */
import { appendFileSync, closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { eachPiece } from '../lang/pieces.ts'
import { STATUSES } from './status.ts'

const host = z.object({
  name: z.string(),
  status: z.enum(STATUSES),
  error: z.object({ message: z.string() }).nullable(),
})

const schema = z.object({
  exit_code: z.number(),
  rules: z.array(z.string()).catch([]),
  hosts: z.array(host).catch([]),
})

export interface RunResult {
  /** null: the run was broken off, or is under way. */
  readonly exitCode: number | null
  /** How the batches went and what stops them, in words. */
  readonly rules: readonly string[]
  readonly hosts: ReadonlyMap<string, z.infer<typeof host>>
}

/** Where it is. */
export function resultFile(directory: string): string {
  return join(directory, 'result.json')
}

/** Reads it, where the run came to its end. */
export function readResult(directory: string): RunResult {
  try {
    const { exit_code, rules, hosts } = schema.parse(JSON.parse(readFileSync(resultFile(directory), 'utf8')))
    return { exitCode: exit_code, rules, hosts: new Map(hosts.map(one => [one.name, one])) }
  } catch {
    // Not there, or not whole: the process ended before. What the lines of the record say is true all the same.
    return { exitCode: null, rules: [], hosts: new Map() }
  }
}

/** Puts it there, whole or not at all. */
export async function writeResult(directory: string, pieces: Iterable<string>): Promise<void> {
  const making = `${resultFile(directory)}.new`
  const file = openSync(making, 'w', 0o600)
  try {
    await eachPiece(pieces, text => appendFileSync(file, text))
    fsyncSync(file)
    renameSync(making, resultFile(directory))
  } finally {
    closeSync(file)
    rmSync(making, { force: true })
  }
}

/** A run that goes on has not come to its end. */
export function forgetResult(directory: string): void {
  rmSync(resultFile(directory), { force: true })
}
