/** One controller at a time goes on with a run: a file in its record names who does. One whose process is gone does not count. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { LockedError } from '../errors.ts'

/** Takes the record for this process. Throws LockedError while somebody else has it. */
export function holdRecord(directory: string): Disposable {
  const file = join(directory, 'controller')
  const mine = `${process.pid} ${hostname()}\n`
  for (let attempt = 0; ; attempt++) {
    try {
      writeFileSync(file, mine, { flag: 'wx', mode: 0o600 })
      return { [Symbol.dispose]: () => rmSync(file, { force: true }) }
    } catch (cause) {
      if (!(cause instanceof Error && 'code' in cause && cause.code === 'EEXIST')) throw cause
      const [pid = '', where = ''] = readFileSync(file, 'utf8').trim().split(' ')
      if (attempt > 0 || where !== hostname() || isAtWork(Number(pid))) {
        const hint = `if that is gone for good: rm ${file}`
        throw new LockedError(`process ${pid} on ${where} is at work on this run`, { cause, hint })
      }
      rmSync(file, { force: true })
    }
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
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
