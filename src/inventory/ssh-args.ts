/** What `ansible_ssh_common_args` and its like ask of ssh, as far as ctfix can do the same. */
import type { HostKeyPolicy } from './host.ts'

export interface SshArgs {
  readonly port?: string
  readonly user?: string
  readonly connectTimeout?: string
  readonly hostKeyPolicy?: HostKeyPolicy
}

/** Why the arguments are refused: the second half of `expected …, got …` is in it. */
export class SshArgsFault extends Error {
  override readonly name = 'SshArgsFault' as const
}

const OPTIONS = new Map<string, (value: string) => SshArgs>([
  ['port', value => ({ port: value })],
  ['user', value => ({ user: value })],
  ['connecttimeout', value => ({ connectTimeout: value })],
  ['stricthostkeychecking', value => ({ hostKeyPolicy: policyOf(value) })],
])
const LETTERS: Readonly<Record<string, string>> = { '-p': 'port', '-l': 'user' }

/**
 * An option that is not understood is an error, never skipped: without its ProxyJump a host would be reached another
 * way, or another host be reached. As in ssh, the first of two values counts.
 */
export function parseSshArgs(text: string): SshArgs {
  const words = splitWords(text)
  let args: SshArgs = {}
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    const letter = word.slice(0, 2)
    if (letter !== '-o' && !(letter in LETTERS)) throw refused(word)
    const value = word.slice(2) || words.shift()
    if (value === undefined) throw new SshArgsFault(`expected a value after ${letter}, got nothing`)
    const [, key = '', setting = ''] =
      letter === '-o' ? (/^\s*(\w+)(?:\s*=\s*|\s+)(.*)$/s.exec(value) ?? []) : [value, LETTERS[letter], value]
    const read = OPTIONS.get(key.toLowerCase())
    if (!read) throw refused(key || value)
    args = { ...read(setting), ...args }
  }
  return args
}

function refused(what: string): SshArgsFault {
  return new SshArgsFault(`expected only StrictHostKeyChecking, ConnectTimeout, Port and User, got ${what}`)
}

function policyOf(value: string): HostKeyPolicy {
  const word = value.toLowerCase()
  if (word === 'yes') return 'strict'
  if (word === 'accept-new') return 'accept-new'
  const why = word === 'no' || word === 'off' ? ': host keys are always checked' : ''
  throw new SshArgsFault(`expected StrictHostKeyChecking to be yes or accept-new, got ${value}${why}`)
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
