/** Private keys from files: each is read, asked for and decrypted once in a run (that costs 0.3 s of a blocked process). */

import { access, readFile } from 'node:fs/promises'
import { codeOf } from '../errors.ts'
import { underHome } from '../inventory/home.ts'
import { blobType } from './host-key.ts'
import { fromPkcs8, inspectKey } from './private-key.ts'

/** A key ready to sign; or why there is none, with its public half if that is known (an agent may hold the rest). */
export type Loaded<Key> =
  | { readonly key: Key; readonly publicBlob: Buffer; readonly certificate: string | null }
  | { readonly problem: string; readonly hint: string; readonly publicBlob: Buffer | null }
  | { readonly missing: true }

export interface KeyringOptions<Key> {
  /** The SSH library's own reader of keys. */
  readonly parse: (text: string, passphrase: string | null) => Key | Error
  readonly publicBlob: (key: Key) => Buffer
  readonly askPassphrase?: ((file: string) => Promise<string | null>) | undefined
  /** Keys an agent holds need no passphrase from us. */
  readonly agentKeys?: ((socket: string | undefined) => Promise<readonly Buffer[]>) | undefined
}

export interface KeyWish {
  /** A passphrase is asked for even where an agent has other keys to try. Default true. */
  readonly mayAsk?: boolean
  /** The agent of the host in question. */
  readonly agentSocket?: string | undefined
}

export type Keyring<Key> = (file: string, wish?: KeyWish) => Promise<Loaded<Key>>

export function createKeyring<Key extends object>(options: KeyringOptions<Key>): Keyring<Key> {
  const loaded = new Map<string, Promise<Loaded<Key>>>()
  const latest = new Map<string, Promise<Loaded<Key>>>()
  const askPassphrase = oneAtATime(options.askPassphrase)
  return (file, { mayAsk = true, agentSocket } = {}) => {
    const path = underHome(file)
    const id = JSON.stringify([mayAsk, agentSocket, path])
    const work = (): Promise<Loaded<Key>> => {
      const own = loaded.get(id) ?? load(path, { mayAsk, agentSocket }, { ...options, askPassphrase })
      loaded.set(id, own)
      return own
    }
    // Once open it is open for all; until then whoever comes waits for the answer of whoever was first.
    const key = latest.get(path)?.then(found => ('key' in found ? found : work())) ?? work()
    latest.set(path, key)
    return key
  }
}

/** Two questions on one terminal at once are two that nobody can answer. */
function oneAtATime(ask: KeyringOptions<unknown>['askPassphrase']): (file: string) => Promise<string | null> {
  let last: Promise<unknown> = Promise.resolve()
  return file => {
    const answer = last.then(() => ask?.(file) ?? null)
    last = answer.catch(() => {})
    return answer
  }
}

async function load<Key extends object>(
  file: string,
  wish: KeyWish,
  options: KeyringOptions<Key>,
): Promise<Loaded<Key>> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return onlyPublic(file, await publicHalf(`${file}.pub`)) ?? { missing: true }
    return { problem: `the key file ${file} cannot be read`, hint: `ls -l ${file}`, publicBlob: null }
  }
  const { encrypted, publicBlob: shown, format } = inspectKey(text)
  const isPublic = format === 'unknown' ? onlyPublic(file, publicBlobOf(text)) : null
  if (isPublic) return isPublic
  const publicBlob = shown ?? (encrypted ? await publicHalf(`${file}.pub`) : null)
  if (publicBlob && blobType(publicBlob)?.startsWith('sk-')) {
    const hint = 'security keys need the system’s ssh: --transport openssh'
    return { problem: `the key ${file} lives in a security key`, hint, publicBlob }
  }
  let passphrase: string | null = null
  if (encrypted) {
    passphrase = (await isAskedFor(publicBlob, wish, options)) ? ((await options.askPassphrase?.(file)) ?? null) : null
    if (passphrase === null) {
      return { problem: `the key ${file} needs a passphrase`, hint: `ssh-add ${file}`, publicBlob }
    }
  }
  const key = parse(text, format === 'pkcs8', passphrase, options)
  if (!(key instanceof Error)) {
    return { key, publicBlob: options.publicBlob(key), certificate: await certificateOf(file) }
  }
  return encrypted
    ? { problem: `the passphrase does not open the key ${file}`, hint: `ssh-add ${file}`, publicBlob }
    : { problem: `the key ${file} is in a form ctfix does not read`, hint: `ssh-keygen -p -f ${file}`, publicBlob }
}

async function isAskedFor<Key>(
  publicBlob: Buffer | null,
  { mayAsk, agentSocket }: KeyWish,
  { agentKeys }: KeyringOptions<Key>,
): Promise<boolean> {
  const held = (await agentKeys?.(agentSocket)) ?? []
  if (publicBlob && held.some(blob => blob.equals(publicBlob))) return false
  return mayAsk === true || held.length === 0
}

/** As ssh looks for it. */
async function certificateOf(file: string): Promise<string | null> {
  const path = `${file}-cert.pub`
  return await access(path).then(
    () => path,
    () => null,
  )
}

function parse<Key>(
  text: string,
  pkcs8: boolean,
  passphrase: string | null,
  options: KeyringOptions<Key>,
): Key | Error {
  if (!pkcs8) return options.parse(text, passphrase)
  try {
    const converted = fromPkcs8(text, passphrase)
    return converted === null ? new Error('a kind of key without an older form') : options.parse(converted, null)
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

async function publicHalf(file: string): Promise<Buffer | null> {
  return publicBlobOf(await readFile(file, 'utf8').catch(() => ''))
}

function publicBlobOf(text: string): Buffer | null {
  const [type, base64 = ''] = text.trim().split(/\s+/)
  const blob = Buffer.from(base64, 'base64')
  return blobType(blob) === type ? blob : null
}

/** As ssh: a public key, alone or beside a private one that is not there, says which of an agent's keys is meant. */
function onlyPublic(file: string, publicBlob: Buffer | null): Extract<Loaded<never>, { problem: string }> | null {
  if (publicBlob === null) return null
  const secret = file.replace(/\.pub$/, '')
  return { problem: `of the key ${file} there is only the public half here`, hint: `ssh-add ${secret}`, publicBlob }
}
