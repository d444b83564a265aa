/** What the opener of SSH connections is given. */
import type { ConnectError } from '../errors.ts'
import type { Host, HostKeyPolicy } from '../inventory/host.ts'
import type { KnownHosts } from './known-hosts.ts'
import type { PasswordGate } from './password-gate.ts'
import type { Resolve } from './route.ts'

export interface LoginSettings {
  readonly agentSocket?: string | undefined
  /** Tried where no key file is named; those that do not exist are passed over. */
  readonly defaultKeyFiles?: readonly string[]
  /** Asked once a file; null = none. */
  readonly askPassphrase?: (file: string) => Promise<string | null>
  /** A silent connection is asked after so long whether it lives, and given up after four such silences. */
  readonly keepaliveMs?: number
  /** Keeps a wrong password from being tried on one host after the other. */
  readonly gate?: PasswordGate
  /** Shown the host's key instead of logging in; what it gives ends the connection. Jump hosts are logged in to. */
  readonly look?: (host: Host, blob: Buffer) => ConnectError
  /** Of a jump host, for getting a connection at all. */
  readonly jumpBudgetMs?: number
}

/** Where every host is reached: worked out from ssh_config, or straight with one set of known hosts. */
type Ways =
  | { readonly resolve: Resolve }
  /** `policy`: for hosts that name none of their own. */
  | { readonly knownHosts: KnownHosts; readonly policy: HostKeyPolicy }

export type Ssh2Options = LoginSettings & Ways
