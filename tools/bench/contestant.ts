/** Who takes part: a name, what is run over all hosts, and what it needs before and after, which nobody counts. */
import { run } from '../../test/lab/container/exec.ts'

export interface Contestant {
  readonly name: string
  /** Rejects when it did not do what it was asked. */
  readonly run: () => Promise<void>
  /** Before each run: the hosts as they were at first. */
  readonly reset?: () => Promise<void>
  /** After each run. */
  readonly after?: () => Promise<void>
}

/** One that takes hours is no contestant. */
const PATIENCE_MS = 900_000

/** Runs a tool to its end, which has to be a good one. */
export async function must(
  tool: string,
  args: readonly string[],
  options: { readonly input?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<string> {
  const { exitCode, stdout, stderr } = await run(tool, args, { ...options, timeoutMs: PATIENCE_MS })
  if (exitCode !== 0)
    throw new Error(`${tool} ended with ${exitCode}: ${(stderr.trim() || stdout.trim()).slice(-2000)}`)
  return stdout
}
