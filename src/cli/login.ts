/** What the flags say about getting into hosts, for all of them: as whom, with which password, through what. */
import { readFileSync, type Stats, statSync } from 'node:fs'
import { ConfigError } from '../errors.ts'
import { underHome } from '../inventory/home.ts'
import { Secret } from '../inventory/host.ts'
import type { HostDefaults } from '../inventory/make-host.ts'
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
  const named = [privateKey, sshConfig === 'none' ? undefined : sshConfig].flatMap(file => file ?? [])
  for (const file of named) {
    const there = statSync(underHome(file), { throwIfNoEntry: false })
    if (there === undefined) throw new ConfigError('no such file', { place: { file } })
    refuseDirectory(file, there)
  }
  // One of known hosts need not be there yet.
  for (const file of knownHosts) refuseDirectory(file, statSync(underHome(file), { throwIfNoEntry: false }))
}

function refuseDirectory(file: string, there: Stats | undefined): void {
  if (there?.isDirectory()) throw new ConfigError('expected a file, got a directory', { place: { file } })
}
