/** Inventory programs: run with `--list`, and with `--host NAME` where they do not tell everything at once. */
import { execFile } from 'node:child_process'
import { resolve } from 'node:path'
import { ConfigError, codeOf, InterruptedError } from '../errors.ts'
import type { Yaml } from '../lang/decode.ts'
import { lastLine } from '../lang/text.ts'
import { parseAnsibleJson } from './ansible-yaml.ts'
import { InventoryModel, type Keep } from './model.ts'
import { hasEverything, readGroups, readHostVariables } from './program-json.ts'
import type { Vault } from './vault.ts'

/** A cloud's API may be slow, but nobody waits longer for it. */
const MAX_SECONDS = 300
/** Nobody wonders before that. */
const SAY_AFTER_MS = 5_000
/** Of one answer. */
const MAX_BYTES = 256 * 1024 * 1024

const asSaid: Keep = variable => variable

/** What a program said, to be read into a model. */
export interface Heard {
  readonly groups: Yaml
  /** Of each host that was asked for by itself. */
  readonly hosts: ReadonlyMap<string, Yaml>
}

/** Who waits for programs. */
export interface Patience {
  /** Told what is waited for, once that takes long. */
  readonly say: (text: string) => void
  /** Ends a program that runs, and with it the wait. */
  readonly signal: AbortSignal
  readonly sayAfterMs?: number
}

/** Asks the program. Rejects with ConfigError where it fails or prints something else, and with InterruptedError. */
export async function hearProgram(file: string, vault: Vault, patience: Patience): Promise<Heard> {
  const groups = parseAnsibleJson(await ask(file, ['--list'], patience), `${file} --list`, vault)
  const hosts = new Map<string, Yaml>()
  if (hasEverything(groups)) return { groups, hosts }
  for (const name of readGroups(groups, new InventoryModel(), asSaid)) {
    const text = await ask(file, ['--host', name], patience)
    if (text.trim() !== '') hosts.set(name, parseAnsibleJson(text, `${file} --host ${name}`, vault))
  }
  return { groups, hosts }
}

/** Reads what a program said into the model. Throws ConfigError. */
export function readHeard({ groups, hosts }: Heard, model: InventoryModel): void {
  readGroups(groups, model, asSaid)
  for (const [name, said] of hosts) readHostVariables(name, said, model, asSaid)
}

async function ask(file: string, words: readonly string[], patience: Patience): Promise<string> {
  const called = words.join(' ')
  const { say, signal, sayAfterMs = SAY_AFTER_MS } = patience
  const text = `waiting for the inventory program ${file} ${called}, ${MAX_SECONDS} s at most; Ctrl-C ends it`
  const timer = setTimeout(() => say(text), sayAfterMs)
  try {
    return decoded(await run(file, words, signal), file, called)
  } finally {
    clearTimeout(timer)
  }
}

function run(file: string, words: readonly string[], signal: AbortSignal): Promise<Buffer> {
  const limits = { timeout: MAX_SECONDS * 1000, killSignal: 'SIGKILL', maxBuffer: MAX_BYTES } as const
  const { promise, resolve: done, reject } = Promise.withResolvers<Buffer>()
  // In our own process group: a program may ask somebody at the terminal, for a second factor as a rule.
  const child = execFile(resolve(file), words, { ...limits, encoding: 'buffer' }, (error, stdout, stderr) => {
    if (!error) done(stdout)
    else reject(failed(error, { file, called: words.join(' '), said: lastLine(stderr.toString('utf8')) }))
  })
  child.stdin?.end()
  const onAbort = (): void => {
    child.kill('SIGKILL')
    // What it has started itself may hold them open.
    for (const stream of child.stdio) stream?.destroy()
    reject(new InterruptedError(`interrupted: it waited for the inventory program ${file}`))
  }
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  return promise.finally(() => signal.removeEventListener('abort', onAbort))
}

function failed(
  error: Error & { readonly killed?: boolean; readonly signal?: string | null },
  { file, called, said }: { readonly file: string; readonly called: string; readonly said: string },
): ConfigError {
  const place = { file }
  const code = error.killed === true && error.signal === 'SIGKILL' ? 'ETIMEDOUT' : codeOf(error)
  if (typeof code === 'string') {
    const hint = code === 'EACCES' ? `chmod +x ${file}` : undefined
    const message = `expected a program that runs with ${called}, got ${sentence(code)}`
    return new ConfigError(message, { place, hint, cause: error })
  }
  const end = error.signal ? `signal ${error.signal}` : `exit code ${code}`
  return new ConfigError(`expected exit code 0 of ${called}, got ${end}${said === '' ? '' : `: ${said}`}`, { place })
}

function decoded(stdout: Buffer, file: string, called: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(stdout)
  } catch (cause) {
    throw new ConfigError(`expected UTF-8 text from ${called}, got other bytes`, { place: { file }, cause })
  }
}

function sentence(code: string): string {
  if (code === 'ETIMEDOUT') return `no answer in ${MAX_SECONDS} s`
  if (code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') return `more than ${MAX_BYTES / 1024 / 1024} MiB`
  if (code === 'EACCES') return 'a file without the permission to run'
  if (code === 'ENOENT') return 'one whose interpreter is not there'
  return code === 'ENOEXEC' ? 'a file the system cannot run' : code
}
