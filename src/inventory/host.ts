/** A host as the inventory describes it: everything a connection needs, and what the user wants of it. */
import type { Place } from '../errors.ts'

/** A value that must never be printed: JSON, templates and inspection show a mask. */
export class Secret {
  readonly #value: string
  constructor(value: string) {
    this.#value = value
  }
  /** The only way to the value; used by the transport alone. */
  reveal(): string {
    return this.#value
  }
  toString(): string {
    return '***'
  }
  toJSON(): string {
    return '***'
  }
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return 'Secret(***)'
  }
}

export interface Become {
  readonly method: 'sudo' | 'doas' | 'su'
  readonly user: string
  /** Program to run instead of the method's own name. */
  readonly exe: string | null
  readonly password: Secret | null
}

/** The ports a host serves: numbers, or ranges such as `60000:60100`. */
export interface Flows {
  readonly tcp: readonly (number | string)[]
  readonly udp: readonly (number | string)[]
}

export interface Host {
  readonly name: string
  /** Every group it belongs to, parents included, `all` first; in inventory order. */
  readonly groups: readonly string[]
  readonly connection: 'ssh' | 'local'
  /** `ansible_host`, else the name. */
  readonly address: string
  readonly port: number
  readonly user: string
  readonly password: Secret | null
  readonly privateKeyFile: string | null
  /** null = run as the login user. */
  readonly become: Become | null
  /** Budget for getting a connection at all, retries included; null = the command line's. */
  readonly connectTimeoutMs: number | null
  /** `ctfix_legacy_ssh`: offer what OpenSSH 4.3 and 5.3 need. */
  readonly legacySsh: boolean
  readonly hostKeyPolicy: HostKeyPolicy | null
  /** `ctfix_exclude`: a reason never to touch this host. */
  readonly exclude: string | null
  /** `ctfix_strategy` and `ctfix_options`: what to do here when the command line does not say. */
  readonly strategy: readonly string[] | null
  readonly options: Readonly<Record<string, unknown>>
  /** `ctfix_flows`; missing or null = not said. */
  readonly flows?: Flows | null
  /** Where the inventory names it. */
  readonly place: Place
}

/** There is no "off": a host key is always checked. */
export type HostKeyPolicy = 'strict' | 'accept-new'
