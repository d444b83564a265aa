/** How long a person waits for the help. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { median } from './numbers.ts'

const PROGRAM = fileURLToPath(new URL('../../bin/ctfix.js', import.meta.url))

/** Milliseconds that `ctfix --help` takes, the median of so many. */
export function helpMs(times: number): number {
  const laps = Array.from({ length: times }, () => {
    const start = performance.now()
    const { status } = spawnSync(process.execPath, [PROGRAM, '--help'])
    if (status !== 0) throw new Error(`ctfix --help ended with ${status}`)
    return performance.now() - start
  })
  return median(laps)
}
