/** Ansible Vault, formats 1.1 and 1.2: what is encrypted, and the passwords that open it. */
import { createDecipheriv, createHmac, pbkdf2Sync, timingSafeEqual } from 'node:crypto'
import { ConfigError, type Place } from '../errors.ts'
import { describe } from '../lang/decode.ts'
import type { Secret } from './host.ts'

const HEADER = '$ANSIBLE_VAULT;'
const ROUNDS = 10_000

/** A password and the label that `--vault-id label@source` gives it. */
export interface VaultPassword {
  readonly label: string
  readonly password: Secret
}

/** A value nobody may see: it is opened where it is used, and only there. */
export class Vaulted {
  readonly #open: (place: Place) => unknown
  #opened: { readonly value: unknown } | null = null
  /** False for a value whose whole file was opened already. */
  readonly isSealed: boolean
  readonly #written: string | undefined
  constructor(
    open: (place: Place) => unknown,
    { isSealed = true, written }: { readonly isSealed?: boolean; readonly written?: string | undefined } = {},
  ) {
    this.#open = open
    this.isSealed = isSealed
    this.#written = written
  }
  /** A number as its file writes it, inside a file that was opened. */
  get written(): string | undefined {
    return this.#written
  }
  /** The value inside. Throws ConfigError at the place given where no password opens it. */
  open(place: Place): unknown {
    this.#opened ??= { value: this.#open(place) }
    return this.#opened.value
  }
  toString(): string {
    return '***'
  }
  toJSON(): string {
    return '***'
  }
}

/** True for a file that is vaulted as a whole. */
export function isVaulted(text: string): boolean {
  return text.startsWith(HEADER)
}

/** The passwords of a run. */
export class Vault {
  readonly #passwords: readonly VaultPassword[]
  constructor(passwords: readonly VaultPassword[]) {
    this.#passwords = passwords
  }

  /** The text inside. Passwords whose label the text names are tried first, then all others, as Ansible does. */
  open(vaultText: string, place: Place): string {
    const { label, salt, digest, sealed } = unpack(vaultText, place)
    if (this.#passwords.length === 0) {
      throw new ConfigError(`expected a vault password for a vaulted value${idOf(label)}, got none`, {
        place,
        hint: '--ask-vault-pass, --vault-password-file FILE or --vault-id LABEL@FILE',
      })
    }
    const named = this.#passwords.filter(known => known.label === label)
    for (const { password } of [...named, ...this.#passwords.filter(known => !named.includes(known))]) {
      const key = pbkdf2Sync(password.reveal(), salt, ROUNDS, 80, 'sha256')
      const mac = createHmac('sha256', key.subarray(32, 64)).update(sealed).digest()
      if (digest.length !== mac.length || !timingSafeEqual(digest, mac)) continue
      const cipher = createDecipheriv('aes-256-ctr', key.subarray(0, 32), key.subarray(64, 80))
      return unpad(Buffer.concat([cipher.update(sealed), cipher.final()]), place)
    }
    const tried = [...new Set(this.#passwords.map(known => known.label))].join(', ')
    throw new ConfigError(`expected the password of a vaulted value${idOf(label)}, got a wrong one (tried: ${tried})`, {
      place,
    })
  }
}

/** For readers of files in which a vault has no business. */
export const NO_VAULT = new Vault([])

const idOf = (label: string | null): string => (label === null ? '' : ` of vault id ${describe(label)}`)

interface Sealed {
  readonly label: string | null
  readonly salt: Buffer
  readonly digest: Buffer
  readonly sealed: Buffer
}

function unpack(vaultText: string, place: Place): Sealed {
  const [first = '', ...rest] = vaultText.split(/\r?\n/)
  const [mark, version = '', cipher, label] = first
    .trim()
    .split(';')
    .map(part => part.trim())
  if (`${mark};` !== HEADER || !['1.1', '1.2'].includes(version) || cipher !== 'AES256') {
    throw new ConfigError(
      'expected a vault that begins with $ANSIBLE_VAULT;1.1;AES256 (or 1.2), got another beginning',
      {
        place,
      },
    )
  }
  const parts =
    fromHex(rest.map(line => line.trim()).join(''))
      ?.toString('latin1')
      .split('\n')
      .map(fromHex) ?? []
  const [salt, digest, sealed] = parts
  if (!salt || !digest || !sealed || parts.length !== 3) {
    throw new ConfigError('expected the digits of a vault after its first line, got something else: is it cut off?', {
      place,
    })
  }
  return { label: label === undefined || label === '' ? null : label, salt, digest, sealed }
}

function fromHex(text: string): Buffer | null {
  return text !== '' && text.length % 2 === 0 && /^[0-9a-fA-F]+$/.test(text) ? Buffer.from(text, 'hex') : null
}

/** PKCS#7. The digest was right, so only another writer than Ansible can have got this wrong. */
function unpad(padded: Buffer, place: Place): string {
  const count = padded.at(-1) ?? 0
  try {
    if (count < 1 || count > 16) throw new RangeError()
    return new TextDecoder('utf-8', { fatal: true }).decode(padded.subarray(0, padded.length - count))
  } catch (error) {
    if (!(error instanceof RangeError || error instanceof TypeError)) throw error
    throw new ConfigError('expected UTF-8 text inside the vault, got other bytes', { place })
  }
}
