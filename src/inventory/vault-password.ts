/** Where vault passwords come from: files, and programs that print them. Never the command line itself. */

import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { basename, extname, resolve } from 'node:path'
import { ConfigError } from '../errors.ts'
import { underHome } from './home.ts'
import { Secret } from './host.ts'
import { isVaulted, type VaultPassword } from './vault.ts'
import { readText } from './yaml-text.ts'

/** A person may be asked by such a program. */
const MAX_SECONDS = 300

/** What `--vault-id` says: `label@source`, or only a source. */
export interface VaultId {
  readonly label: string
  readonly source: string
}

/** Ansible's label where none is given. */
export const DEFAULT_LABEL = 'default'

/** Splits `label@source`; a path may have an @ of its own behind the first. */
export function parseVaultId(text: string): VaultId {
  const at = text.indexOf('@')
  if (at === -1) return { label: DEFAULT_LABEL, source: text }
  return { label: text.slice(0, at) || DEFAULT_LABEL, source: text.slice(at + 1) }
}

/** Reads the password from the file, or runs it where it may be run. Throws ConfigError. */
export function readVaultPassword({ label, source: written }: VaultId): VaultPassword {
  // The shell expands `~` only where a word begins with it: `prod@~/x` and `--vault-password-file=~/x` come as they are.
  const source = underHome(written)
  const text = isExecutable(source) ? run(source, label) : readText(source)
  const password = isExecutable(source) ? text.replace(/^[\r\n]+|[\r\n]+$/g, '') : text.trim()
  const place = { file: source }
  if (password === '') throw new ConfigError('expected a vault password, got nothing', { place })
  if (isVaulted(password)) throw new ConfigError('expected a vault password, got a vaulted file', { place })
  return { label, password: new Secret(password) }
}

function run(file: string, label: string): string {
  const place = { file }
  // Ansible tells its `-client` programs which of several passwords is wanted.
  const words = basename(file, extname(file)).endsWith('-client') ? ['--vault-id', label] : []
  const { error, status, stdout } = spawnSync(resolve(file), words, {
    stdio: ['inherit', 'pipe', 'inherit'],
    timeout: MAX_SECONDS * 1000,
    encoding: 'utf8',
  })
  if (error) {
    const code = 'code' in error ? String(error.code) : error.message
    const hint = `chmod -x ${file}, if it is no program but holds the password`
    throw new ConfigError(`expected a program that prints the vault password, got ${code}`, {
      place,
      hint,
      cause: error,
    })
  }
  if (status !== 0) {
    throw new ConfigError(`expected exit code 0 of the vault password program, got ${status ?? 'a signal'}`, { place })
  }
  return stdout
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
