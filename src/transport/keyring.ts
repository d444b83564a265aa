/** Private keys from files: each is read, asked for and decrypted once in a run (that costs 0.3 s of a blocked process). */
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { blobType } from './host-key.ts'
import { fromPkcs8, inspectKey } from './private-key.ts'

/** A key ready to sign; or why there is none, with its public half if that is known (an agent may hold the rest). */
export type Loaded<Key> =
  | { readonly key: Key; readonly publicBlob: Buffer }
  | { readonly problem: string; readonly hint: string; readonly publicBlob: Buffer | null }
  | { readonly missing: true }

export interface KeyringOptions<Key> {
  /** The SSH library's own reader of keys. */
  readonly parse: (text: string, passphrase: string | null) => Key | Error
  readonly publicBlob: (key: Key) => Buffer
  readonly askPassphrase?: ((file: string) => Promise<string | null>) | undefined
}

export type Keyring<Key> = (file: string) => Promise<Loaded<Key>>

export function createKeyring<Key extends object>(options: KeyringOptions<Key>): Keyring<Key> {
  const loaded = new Map<string, Promise<Loaded<Key>>>()
  return file => {
    const path = file.startsWith('~/') ? join(homedir(), file.slice(2)) : file
    const key = loaded.get(path) ?? load(path, options)
    loaded.set(path, key)
    return key
  }
}

async function load<Key extends object>(file: string, options: KeyringOptions<Key>): Promise<Loaded<Key>> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT') return { missing: true }
    return { problem: `the key file ${file} cannot be read`, hint: `ls -l ${file}`, publicBlob: null }
  }
  const { encrypted, publicBlob: shown, format } = inspectKey(text)
  const publicBlob = shown ?? (encrypted ? await publicHalf(`${file}.pub`) : null)
  if (publicBlob && blobType(publicBlob)?.startsWith('sk-')) {
    const hint = 'security keys need the system’s ssh: --transport openssh'
    return { problem: `the key ${file} lives in a security key`, hint, publicBlob }
  }
  let passphrase: string | null = null
  if (encrypted) {
    passphrase = (await options.askPassphrase?.(file)) ?? null
    if (passphrase === null) {
      return { problem: `the key ${file} needs a passphrase`, hint: `ssh-add ${file}`, publicBlob }
    }
  }
  const key = parse(text, format === 'pkcs8', passphrase, options)
  if (!(key instanceof Error)) return { key, publicBlob: options.publicBlob(key) }
  return encrypted
    ? { problem: `the passphrase does not open the key ${file}`, hint: `ssh-add ${file}`, publicBlob }
    : { problem: `the key ${file} is in a form ctfix does not read`, hint: `ssh-keygen -p -f ${file}`, publicBlob }
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
  const text = await readFile(file, 'utf8').catch(() => '')
  const blob = Buffer.from(text.split(/\s+/)[1] ?? '', 'base64')
  return blobType(blob) ? blob : null
}
