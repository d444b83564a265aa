/** The file of a saved plan: written whole or not at all, read back with nothing believed. */
import { createHash } from 'node:crypto'
import {
  accessSync,
  appendFileSync,
  closeSync,
  constants,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { ConfigError, codeOf, messageOf, UsageError } from '../errors.ts'
import { parseJson } from '../inventory/yaml-text.ts'
import { canonical, canonicalPieces } from '../lang/canonical.ts'
import { decode, describe } from '../lang/decode.ts'
import { eachPiece, mappingPieces } from '../lang/pieces.ts'
import { PLAN_VERSION, packPlan, type SavedPlan, savedSchema, unpackPlan } from './saved-plan.ts'

/** How a file of ours begins, however it was laid out since. */
const OURS = /^\s*\{\s*"ctfix"\s*:\s*"plan"/

/** A plan, and whether its file is still as it was written. */
export interface ReadPlan {
  readonly file: string
  readonly plan: SavedPlan
  readonly isEdited: boolean
}

/** Throws before any host is touched where a plan could not be written there, or would take the place of something else. */
export function checkOut(file: string): void {
  if (!isWritable(dirname(file))) throw new UsageError(`--out ${file}: expected a file in a directory we may write to`)
  if (isOursOrNew(file)) return
  throw new UsageError(`--out ${file}: there is something that is no saved plan; it is left alone`)
}

function isWritable(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK)
    return statSync(directory).isDirectory()
  } catch {
    return false
  }
}

function isOursOrNew(file: string): boolean {
  try {
    const there = statSync(file, { throwIfNoEntry: false })
    if (there === undefined) return true
    return there.isFile() && (there.size === 0 || OURS.test(readFileSync(file, 'utf8').slice(0, 200)))
  } catch {
    return false
  }
}

/** Writes it, for its owner only. Throws ConfigError. */
export async function writePlan(file: string, plan: SavedPlan): Promise<void> {
  // Its own name first, so that head -3 shows what it is.
  const { ctfix, version, ...rest } = await packPlan(plan)
  const hash = createHash('sha256')
  await eachPiece(canonicalPieces({ ctfix, version, ...rest }), text => void hash.update(text))
  const body = { ctfix, version, digest: `sha256:${hash.digest('hex')}`, ...rest }
  const beside = join(dirname(file), `.${basename(file)}.${process.pid}`)
  try {
    rmSync(beside, { force: true })
    const out = openSync(beside, 'wx', 0o600)
    await eachPiece(mappingPieces(body), text => appendFileSync(out, text))
    appendFileSync(out, '\n')
    fsyncSync(out)
    closeSync(out)
    renameSync(beside, file)
  } catch (cause) {
    discard(beside)
    const reason = messageOf(cause)
    throw new ConfigError(`cannot write the plan: ${reason}`, { place: { file }, cause })
  }
}

/** Takes away what is left of a file that was being made; that it cannot be is not what has to be told. */
export function discard(path: string): void {
  try {
    rmSync(path, { force: true, recursive: true })
  } catch {
    // The error that brought us here says more.
  }
}

/** Reads it. Throws ConfigError, with line and column, for what is no plan of this version. */
export function readPlan(file: string): ReadPlan {
  const text = readWhole(file)
  try {
    return planIn(text, file)
  } catch (error) {
    // Not ours from its first words on: somebody has mistaken one file for another.
    if (OURS.test(text) || !(error instanceof ConfigError) || error.hint !== undefined) throw error
    throw new ConfigError(error.message, {
      hint: 'ctfix plan … --out FILE writes plans; a playbook goes to --playbook',
      cause: error,
    })
  }
}

function planIn(text: string, file: string): ReadPlan {
  const value = parsed(text, file)
  if (savedSchema.pick({ ctfix: true }).safeParse(value).success) refuseOtherVersion(text, value, file)
  // Places cost time, and only an error needs them.
  const { success, data } = savedSchema.safeParse(value)
  const found = success ? data : decode(savedSchema, parseJson(text, file))
  const plan = unpackPlan(found)
  if (plan === null) throw new ConfigError('a host names a plan that is not in the file', { place: { file } })
  const names = plan.hosts.map(({ name }) => name)
  if (new Set(names).size < names.length) throw new ConfigError('a host stands in it twice', { place: { file } })
  return { file, plan, isEdited: digestOf(value) !== found.digest }
}

/** Over everything but the digest itself, in whatever order and layout it stands. */
function digestOf(value: unknown): string {
  const rest = typeof value === 'object' && value !== null ? { ...value, digest: undefined } : value
  return `sha256:${createHash('sha256').update(canonical(rest)).digest('hex')}`
}

function readWhole(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    const reason = codeOf(cause) === 'ENOENT' ? 'no such file' : messageOf(cause)
    throw new ConfigError(`cannot read the plan: ${reason}`, { place: { file }, cause })
  }
}

function parsed(text: string, file: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    // The place of it; our own reader takes nothing that JSON.parse refuses.
    parseJson(text, file)
    throw new ConfigError('expected JSON', { place: { file }, cause })
  }
}

function refuseOtherVersion(text: string, value: unknown, file: string): void {
  const version = typeof value === 'object' && value !== null && 'version' in value ? value.version : undefined
  if (version === PLAN_VERSION) return
  const { place } = parseJson(text, file).at(['version'])
  const message = `expected a saved plan of version ${PLAN_VERSION}, got ${describe(version)}`
  throw new ConfigError(message, { place, hint: 'make the plan anew with this ctfix' })
}
