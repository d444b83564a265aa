/** Files that are vaulted as a whole: everything in them is a secret, their mistakes included. */
import { ConfigError } from '../errors.ts'
import type { Keep } from './model.ts'
import { isVaulted, type Vault, Vaulted } from './vault.ts'

export interface Opened {
  readonly text: string
  readonly keep: Keep
  /** Reads the text: an error keeps its place, and what was met there stays unsaid. */
  readonly read: <T>(read: () => T) => T
}

const OPEN: Omit<Opened, 'text'> = { keep: variable => variable, read: read => read() }

/** The text of a file, with what keeps its secrets where it was vaulted. Throws ConfigError. */
export function openFile(text: string, file: string, vault: Vault): Opened {
  if (!isVaulted(text)) return { text, ...OPEN }
  return { text: vault.open(text, { file, line: 1 }), keep: keepSecret, read: read => hushed(read) }
}

/** A value that was opened with its file, and stays as hidden as one with a vault of its own. */
function keepSecret(variable: Parameters<Keep>[0]): ReturnType<Keep> {
  const inner = variable.value
  const vaulted =
    inner instanceof Vaulted ? inner : new Vaulted(() => inner, { isSealed: false, written: variable.written })
  return {
    value: vaulted,
    get place() {
      return variable.place
    },
  }
}

/** Does something with what was vaulted; an error of it says what was expected, and never what was met. */
export function hushed<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const { place, expected = 'expected what ctfix can read here' } = error
    throw new ConfigError(`${expected}, got something else (it is vaulted, so not shown)`, place ? { place } : {})
  }
}
