/** Adding lines to a file others add to as well: one writer at a time, and none that overwrites or splits a line. */
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { ConfigError, codeOf } from '../errors.ts'
import { makeOwnDirectory } from './own-directory.ts'

/** A writer that holds the lock for so long has died with it; none has more to do than read a file and add a line. */
const STALE_MS = 10_000
const PATIENCE_MS = 2_000

/**
 * Does `work` while nobody else of us writes. Synchronous on purpose: two connections to one new host cannot come between
 * look and write, and it takes no longer than a write. Throws ConfigError.
 */
export function whileLocked<T>(file: string, work: () => T): T {
  // Where nothing is kept there is nothing to compare with next time, and that is no check.
  if (file === '/dev/null') throw new ConfigError('a key written there is not remembered', { place: { file } })
  const lock = `${file}.ctfix-lock`
  let own: string | null
  try {
    makeOwnDirectory(dirname(file))
    own = take(file, lock)
  } catch (error) {
    throw cannotAdd(file, error)
  }
  try {
    return work()
  } finally {
    // Taken for dead, if this machine slept meanwhile: then it is another's.
    if (identityOf(lock) === own) rmSync(lock, { force: true })
  }
}

/** Gives the identity of the lock it holds. */
function take(file: string, lock: string): string | null {
  const end = Date.now() + PATIENCE_MS
  for (;;) {
    if (create(lock) || takeOver(lock)) return identityOf(lock)
    if (Date.now() > end) {
      throw new ConfigError('another process is writing to it', { place: { file }, hint: `rm ${lock}` })
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5)
  }
}

/** False: there is one already. */
function create(path: string): boolean {
  try {
    writeFileSync(path, `${process.pid}\n`, { flag: 'wx', mode: 0o600 })
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
}

/**
 * Puts a lock of ours in the place of a dead writer's. Of all who find it dead one can make the file that is named after it,
 * which becomes the lock: whoever makes it again after that no longer finds the dead one there.
 */
function takeOver(lock: string): boolean {
  const dead = identityOf(lock, STALE_MS)
  if (dead === null) return false
  const claim = `${lock}.${dead}`
  if (!create(claim)) return false
  const isThere = identityOf(lock) === dead
  if (isThere) renameSync(claim, lock)
  else rmSync(claim)
  return isThere
}

/** What no other lock is called; null when there is none, or none that is so old. */
function identityOf(lock: string, ageMs = 0): string | null {
  const found = statSync(lock, { bigint: true, throwIfNoEntry: false })
  if (found === undefined || (ageMs > 0 && Date.now() - Number(found.mtimeMs) <= ageMs)) return null
  return `${found.ino}.${found.mtimeNs}`
}

/** One write, O_APPEND, so that an ssh writing at the same time cannot be overwritten or split. */
export function appendLine(file: string, text: string): void {
  try {
    const descriptor = openSync(file, constants.O_RDWR | constants.O_APPEND | constants.O_CREAT, 0o600)
    try {
      writeSync(descriptor, `${endsOpen(descriptor) ? '\n' : ''}${text}\n`)
    } finally {
      closeSync(descriptor)
    }
  } catch (error) {
    throw cannotAdd(file, error)
  }
}

/** The whole file; one that does not exist is empty. */
export function readNow(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return ''
    throw cannotAdd(file, error)
  }
}

/** Does the file end in the middle of a line? */
function endsOpen(descriptor: number): boolean {
  const { size } = fstatSync(descriptor)
  if (size === 0) return false
  const last = Buffer.alloc(1)
  readSync(descriptor, last, 0, 1, size - 1)
  return last[0] !== 0x0a
}

function cannotAdd(file: string, error: unknown): ConfigError {
  if (error instanceof ConfigError) return error
  const code = codeOf(error)
  return new ConfigError(`cannot add a host key${code === undefined ? '' : ` (${code})`}`, {
    place: { file },
    cause: error,
  })
}
