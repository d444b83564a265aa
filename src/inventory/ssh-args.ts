/** What `ansible_ssh_common_args` and its like ask of ssh, as far as ctfix can do the same. */

import { plain } from '../lang/text.ts'
import { underHome } from './home.ts'
import type { HostKeyPolicy, SshSettings } from './host.ts'

export interface SshArgs {
  readonly port?: string
  readonly user?: string
  readonly connectTimeout?: string
  readonly hostKeyPolicy?: HostKeyPolicy
  readonly configFile?: string
  /** For the way in: keywords in lower case, in the order they were said. */
  readonly options: SshSettings['options']
}

/** Why the arguments are refused: the second half of `expected …, got …` is in it. */
export class SshArgsFault extends Error {
  override readonly name = 'SshArgsFault' as const
}

const OPTIONS = new Map<string, (value: string) => Partial<SshArgs>>([
  ['port', value => ({ port: value })],
  ['user', value => ({ user: value })],
  ['connecttimeout', value => ({ connectTimeout: value })],
  ['stricthostkeychecking', value => ({ hostKeyPolicy: policyOf(value) })],
])
/** Handed on as they are: they say which way to go, and with which keys. */
const WAY = new Set([
  ...[
    'proxyjump',
    'proxycommand',
    'proxyusefdpass',
    'hostname',
    'hostkeyalias',
    'serveraliveinterval',
    'serveralivecountmax',
  ],
  ...['identityfile', 'identitiesonly', 'identityagent', 'certificatefile'],
  ...['userknownhostsfile', 'globalknownhostsfile', 'hashknownhosts', 'preferredauthentications'],
  ...['pubkeyauthentication', 'passwordauthentication', 'kbdinteractiveauthentication', 'numberofpasswordprompts'],
  ...['challengeresponseauthentication', 'addressfamily', 'bindaddress', 'bindinterface'],
  ...['kexalgorithms', 'hostkeyalgorithms', 'ciphers', 'macs'],
  ...['pubkeyacceptedalgorithms', 'pubkeyacceptedkeytypes', 'requiredrsasize'],
])
/** Say nothing to a runner that keeps one connection a host, has no terminal and forwards nothing. */
const WITHOUT_MEANING = new Set([
  ...['controlmaster', 'controlpersist', 'controlpath', 'compression', 'loglevel', 'batchmode', 'tcpkeepalive'],
  ...['forwardagent', 'forwardx11', 'addkeystoagent', 'requesttty', 'checkhostip', 'updatehostkeys', 'visualhostkey'],
  ...['gssapiauthentication', 'gssapidelegatecredentials', 'hostbasedauthentication', 'connectionattempts'],
  ...['hostbasedacceptedalgorithms', 'ipqos', 'verifyhostkeydns'],
])
const FLAGS = new Set(['-C', '-q', '-T', '-x', '-a', '-A', '-v'])
const LETTERS: Readonly<Record<string, string>> = {
  '-p': 'port',
  '-l': 'user',
  '-J': 'proxyjump',
  '-i': 'identityfile',
  '-F': 'config',
  '-b': 'bindaddress',
  '-B': 'bindinterface',
  '-c': 'ciphers',
  '-m': 'macs',
}
/** Flags that stand for an option with its value. */
const SHORT: Readonly<Record<string, SshArgs['options'][number]>> = {
  '-4': ['addressfamily', 'inet'],
  '-6': ['addressfamily', 'inet6'],
}

/**
 * An option that is not understood is an error, never skipped: without its ProxyJump a host would be reached another
 * way, or another host be reached. As in ssh, the first of two values counts.
 */
export function parseSshArgs(text: string): SshArgs {
  const words = splitWords(text)
  let args: SshArgs = { options: [] }
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (FLAGS.has(word)) continue
    const short = SHORT[word]
    if (short) {
      args = { ...args, options: [...args.options, short] }
      continue
    }
    const letter = word.slice(0, 2)
    if (letter !== '-o' && !(letter in LETTERS))
      throw refused(/^-\w/.test(word) ? letter : 'a word that is none; quote values with spaces')
    const value = word.slice(2) || words.shift()
    if (value === undefined) throw new SshArgsFault(`expected a value after ${letter}, got nothing`)
    const [, key = '', setting = ''] =
      letter === '-o' ? (/^\s*(\w+)(?:\s*=\s*|\s+)(.*)$/s.exec(value) ?? []) : [value, LETTERS[letter], value]
    const keyword = key.toLowerCase()
    if (letter === '-F') args = { configFile: underHome(setting), ...args }
    else if (WAY.has(keyword)) args = { ...args, options: [...args.options, [keyword, setting]] }
    else if (!WITHOUT_MEANING.has(keyword)) {
      const read = OPTIONS.get(keyword)
      if (!read) throw refused(key || '-o without the name of an option')
      args = { ...read(setting), ...args }
    }
  }
  return args
}

/** Never with a value, or with what may be the rest of one: a ProxyCommand may hold a password. */
function refused(what: string): SshArgsFault {
  const known =
    'Proxy*, Identity*, *Authentication, *KnownHostsFile, Bind*, the algorithms, ServerAlive*, ConnectTimeout, Port and User'
  return new SshArgsFault(`expected only StrictHostKeyChecking, ${known}, got ${what}`)
}

function policyOf(value: string): HostKeyPolicy {
  const word = value.toLowerCase()
  if (word === 'yes') return 'strict'
  if (word === 'accept-new') return 'accept-new'
  const why = word === 'no' || word === 'off' ? ': host keys are always checked' : ''
  throw new SshArgsFault(
    `expected StrictHostKeyChecking to be yes or accept-new, got ${plain(value) || 'nothing'}${why}`,
  )
}

/** Words as sh splits them, with its quotes and backslashes. */
function splitWords(text: string): string[] {
  const words: string[] = []
  const rest = text.replaceAll(/\s*((?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+)/gs, (_, word: string) => {
    words.push(
      word.replaceAll(/'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)/gs, (_all, single, double, escaped) =>
        unquoted(single, double, escaped),
      ),
    )
    return ''
  })
  if (rest.trim() !== '') throw new SshArgsFault('expected a closing quote, got the end of the value')
  return words
}

function unquoted(single: string | undefined, double: string | undefined, escaped: string | undefined): string {
  return single ?? double?.replaceAll(/\\(["\\$`])/g, '$1') ?? escaped ?? ''
}
