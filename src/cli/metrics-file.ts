/** A file that readers never see half of. */
import { rename, rm, writeFile } from 'node:fs/promises'
import { UsageError } from '../errors.ts'

export interface MetricsFile {
  readonly name: string
  /** Puts this text in its place; null when that worked, else why not. */
  write(text: string): Promise<string | null>
}

/** Throws UsageError where nothing can be written at all. */
export async function openMetrics(file: string, text: string): Promise<MetricsFile> {
  // node_exporter reads what ends with .prom: the file on its way must not.
  const making = `${file}.${process.pid}.new`
  const put = async (content: string): Promise<string | null> => {
    try {
      await writeFile(making, content, { mode: 0o644 })
      await rename(making, file)
      return null
    } catch (error) {
      await rm(making, { force: true }).catch(() => {})
      return `--metrics ${file} cannot be written: ${error instanceof Error ? error.message : String(error)}`
    }
  }
  const problem = await put(text)
  if (problem !== null) throw new UsageError(problem)
  let last: Promise<string | null> = Promise.resolve(null)
  return {
    name: file,
    write(content) {
      // One after the other: they share a name on the way.
      last = last.then(() => put(content))
      return last
    },
  }
}
