/** A host as the inventory describes it: everything a connection needs, and what the user wants of it. */
import type { Place } from '../errors.ts'

/** A value that must never be printed: JSON, templates and inspection show a mask. */
export class Secret {
  #value: string | (() => string)
  /** A function is asked once, when the value is needed: to open a vault costs time. */
  constructor(value: string | (() => string)) {
    this.#value = value
  }
  /** The only way to the value; used by the transport alone. Throws ConfigError where a vault does not open. */
  reveal(): string {
    if (typeof this.#value === 'function') this.#value = this.#value()
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
  /** Who speaks SSH: the library, also when missing, or the system's own `ssh`. */
  readonly transport?: 'ssh2' | 'openssh'
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
  /** What variables and flags tell ssh itself; missing or null = nothing, so ssh_config decides. */
  readonly ssh?: SshSettings | null
  /** Where the inventory names it. */
  readonly place: Place
}

/** What is said of the way in. It wins over ssh_config; what it leaves out, ssh_config says. */
export interface SshSettings {
  /** Of these the host's value was said by somebody; else it is only what holds when ssh_config is silent, too. */
  readonly said: readonly ('port' | 'user')[]
  /** ssh_config's keywords in lower case, from `-o`, `-J` and their like; the first counts, `identityfile` adds up. */
  readonly options: readonly (readonly [keyword: string, value: string])[]
  /** `-F`: read instead of ssh's own files; null = those. */
  readonly configFile: string | null
}

/** There is no "off": a host key is always checked. */
export type HostKeyPolicy = 'strict' | 'accept-new'

/** Opens what of a host is vaulted, so that a wrong password is an error before any host is touched. */
export function openSecrets({ password, become }: Host): void {
  password?.reveal()
  become?.password?.reveal()
}
