/** What the flags say about getting into hosts, for all of them: as whom, with which password, through what. */
import { readFileSync, statSync } from 'node:fs'
import { ConfigError, codeOf } from '../errors.ts'
import { underHome } from '../inventory/home.ts'
import { Secret } from '../inventory/host.ts'
import type { HostDefaults } from '../inventory/make-host.ts'
import { unreadableFile } from '../inventory/yaml-text.ts'
import { askSecret } from './ask.ts'
import type { SharedOptions } from './options.ts'

/** Asks for passwords where that is wanted; each once, for all hosts. */
export async function loginDefaults(options: SharedOptions): Promise<HostDefaults & { readonly become: object }> {
  checkFiles(options)
  const password = options.askPass ? await askSecret('SSH password: ') : null
  const becomePassword = await becomePasswordOf(options, password)
  return {
    user: options.user,
    privateKeyFile: options.privateKey,
    password: password === null ? null : new Secret(password),
    become: {
      enabled: options.become === true,
      method: options.becomeMethod,
      password: becomePassword === null ? null : new Secret(becomePassword),
    },
    transport: options.transport,
  }
}

/** As in Ansible: who answers nothing means the password given just before. */
async function becomePasswordOf(options: SharedOptions, sshPassword: string | null): Promise<string | null> {
  const { becomePasswordFile: file } = options
  if (file !== undefined) return readPassword(file)
  if (!options.askBecomePass) return null
  if (sshPassword === null) return askSecret('BECOME password: ')
  return (await askSecret('BECOME password [defaults to SSH password]: ')) || sshPassword
}

/** The first line, without its end; a file with more is another file than was meant. */
function readPassword(file: string): string {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    throw new ConfigError('cannot read the password file', { place: { file }, cause })
  }
  const password = text.replace(/\r?\n$/, '')
  if (password !== '' && !/[\r\n]/.test(password)) return password
  const got = password === '' ? 'nothing' : 'several lines'
  throw new ConfigError(`expected one line with the password, got ${got}`, { place: { file } })
}

/** What a flag names is wrong once, and not on each host. `none` is no file for ssh either. */
function checkFiles({ privateKey, sshConfig, knownHosts }: SharedOptions): void {
  if (privateKey !== undefined) checkFile(privateKey)
  if (sshConfig !== undefined && sshConfig.toLowerCase() !== 'none') checkFile(sshConfig)
  for (const file of knownHosts) checkFile(file, ['ENOENT', 'ENOTDIR'])
}

/** It is not opened: what comes out of a pipe comes once. `may`: errors of the system that it may have, not being there yet. */
function checkFile(file: string, may: readonly string[] = []): void {
  try {
    if (statSync(underHome(file)).isDirectory()) throw Object.assign(new Error('a directory'), { code: 'EISDIR' })
  } catch (error) {
    if (!may.includes(String(codeOf(error)))) throw unreadableFile(file, error)
  }
}
