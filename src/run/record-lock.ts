/** One controller at a time goes on with a run: a file in its record names who does. One whose process is gone does not count. */
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { codeOf, LockedError } from '../errors.ts'

/** Takes the record for this process. Throws LockedError while somebody else has it. */
export function holdRecord(directory: string): Disposable {
  const file = join(directory, 'controller')
  const mine = `${process.pid} ${hostname()}\n`
  for (let attempt = 0; ; attempt++) {
    try {
      writeFileSync(file, mine, { flag: 'wx', mode: 0o600 })
      return { [Symbol.dispose]: () => rmSync(file, { force: true }) }
    } catch (cause) {
      if (codeOf(cause) !== 'EEXIST') throw cause
      const holder = holderIn(file)
      if (holder === null) continue
      const [pid = '', where = ''] = holder.trim().split(' ')
      if (attempt > 2 || where !== hostname() || isAtWork(Number(pid))) {
        const hint = `if that is gone for good: rm ${file}`
        throw new LockedError(`process ${pid} on ${where} is at work on this run`, { cause, hint })
      }
      discardOf(holder, file)
    }
  }
}

/** null: nobody any more. */
function holderIn(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null
    throw error
  }
}

/** Takes away the file of this holder, and that of nobody else: another may have found it, and be at work by now. */
function discardOf(holder: string, file: string): void {
  const aside = `${file}.${process.pid}`
  try {
    renameSync(file, aside)
    if (readFileSync(aside, 'utf8') !== holder) linkSync(aside, file)
  } catch (error) {
    const code = codeOf(error)
    if (code !== 'ENOENT' && code !== 'EEXIST') throw error
  } finally {
    rmSync(aside, { force: true })
  }
}

/** A number alone could be somebody else's by now. */
function isAtWork(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false
  try {
    process.kill(pid, 0)
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('ctfix')
  } catch (error) {
    // It is there, and not ours to ask.
    return codeOf(error) === 'EPERM'
  }
}
