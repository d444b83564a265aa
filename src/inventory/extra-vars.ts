/** `-e`: variables of the command line, which go before all that an inventory says of any host. */
import { UsageError } from '../errors.ts'
import { plain } from '../lang/text.ts'
import { underHome } from './home.ts'
import type { Variable } from './model.ts'
import { splitWords, WordsFault } from './python-words.ts'
import { isSecret, refuseUnknown } from './variables.ts'
import { readVariables, variablesIn } from './vars-files.ts'
import type { Vault } from './vault.ts'

/** What errors and `inventory host` call the place of a variable that is in no file. */
const PLACE = { file: '--extra-vars' }

type Variables = ReadonlyMap<string, Variable>
type Entries = readonly (readonly [string, Variable])[]

/**
 * Reads them as Ansible does: `name=value name2="two words"` (each a text), `{"name": …}` as JSON or YAML, and `@FILE` with
 * either, vaulted if need be; the later one wins. A password is taken from a file only: everybody on this machine may read
 * a command line. Throws UsageError and ConfigError, neither with a value in it.
 */
export function readExtraVars(given: readonly string[], vault: Vault): Variables {
  const found = new Map(given.flatMap(text => readOne(text.trim(), vault)))
  refuseUnknown(found)
  return found
}

function readOne(text: string, vault: Vault): Entries {
  if (text === '') return []
  if (text.startsWith('@')) return readVariables(underHome(text.slice(1)), vault)
  if (/^[./~]/.test(text)) throw new UsageError(`--extra-vars: a file is named with an @ before it: @${plain(text)}`)
  return withoutPasswords(/^[[{]/.test(text) ? variablesIn(text, PLACE.file, vault) : readWords(text))
}

function readWords(text: string): Entries {
  return wordsOf(text).map(word => {
    const at = word.indexOf('=')
    // The word itself is not shown: it may be the half of a password with a space in it.
    if (at < 1)
      throw new UsageError('--extra-vars: expected name=value, {"name": value} or @FILE, got a word without "="')
    return [word.slice(0, at), { value: word.slice(at + 1), place: PLACE }] as const
  })
}

function wordsOf(text: string): readonly string[] {
  try {
    return splitWords(text)
  } catch (error) {
    if (error instanceof WordsFault) throw new UsageError(`--extra-vars: ${error.message}`)
    throw error
  }
}

function withoutPasswords(variables: Entries): Entries {
  const secret = variables.find(([name]) => isSecret(name))?.[0]
  if (secret === undefined) return variables
  const hint = '-e @FILE (a vault, if you like), -k or -K'
  throw new UsageError(`--extra-vars: ${secret} is for no command line, which everybody here can read`, { hint })
}
