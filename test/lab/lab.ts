/**
 * What every lab offers to the contract scenarios: hosts that ctfix reaches the way a user would,
 * and a side door that the product never uses, so that a test can look at a host (or break it)
 * while its SSH is down or its table is full.
 */

/** Connection variables of one lab host, as they would stand in an inventory. */
export interface LabVars {
  readonly ansible_host: string
  readonly ansible_port: number
  readonly ansible_user: string
  readonly ansible_ssh_private_key_file?: string
  readonly ansible_password?: string
  readonly ansible_become?: boolean
  readonly ansible_connection?: 'ssh2' | 'openssh' | 'local'
}

export interface LabHost {
  /** Inventory name, unique in its lab. */
  readonly name: string
  readonly vars: LabVars
  /** known_hosts lines for this host, as ssh writes them (`[127.0.0.1]:2201 ssh-ed25519 AAAA…`). */
  readonly knownHosts: string
}

export interface Inspection {
  readonly stdout: string
  readonly stderr: string
  readonly exitCode: number
}

/** What a lab can prove; a scenario names what it needs and runs where all of it is there. */
export type Power =
  | 'own-kernel' // limits can be written, the table can be filled
  | 'modules' // modules load and unload
  | 'reboot'
  | 'real-files' // a real file system: modes, owners, rename, read-only, full disk
  | 'faults' // drop, hang, slow, garbage on demand

export interface Lab extends AsyncDisposable {
  readonly name: string
  readonly powers: ReadonlySet<Power>
  hosts(): readonly LabHost[]
  /** Runs an sh script as root on the host through the side door (never SSH of the product). Rejects only when the door itself is broken. */
  inspect(host: string, script: string, options?: { readonly timeoutMs?: number }): Promise<Inspection>
  /** Cuts every SSH session of the host at once, without a goodbye. */
  sever(host: string): Promise<void>
  /** Reboots and resolves when the side door answers again. Only with power `reboot`. */
  reboot?(host: string): Promise<void>
}

/** A lab that cannot start on this machine says why, in one sentence; CI turns that into a failure. */
export class LabUnavailable extends Error {
  override readonly name = 'LabUnavailable' as const
}
