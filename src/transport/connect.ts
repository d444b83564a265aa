/** How a run gets its connections: over SSH or here, tried again where that helps, as root where that is asked for. */
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { HostKeyPolicy } from '../inventory/host.ts'
import type { Attempt } from './attempt.ts'
import { asUser, checkBecome } from './become.ts'
import type { Connect, Connection } from './connection.ts'
import { KnownHosts } from './known-hosts.ts'
import { connectLocal } from './local.ts'
import { type RetryOptions, retrying } from './retry.ts'
import { createSsh2Connect } from './ssh2.ts'

/** `attempt`: one was started; `handshake`: one succeeded; `exec`: a command was sent. */
export interface TransportEvent {
  readonly type: 'attempt' | 'handshake' | 'exec'
  readonly host: string
}

export interface ConnectOptions {
  /** ssh's own files when left out; a new key is written to the first. */
  readonly knownHostsFiles?: readonly string[] | undefined
  /** For hosts that name none. */
  readonly hostKeyPolicy: HostKeyPolicy
  /** Budget of a host that names none, retries included. */
  readonly connectTimeoutMs?: number
  /** SSH_AUTH_SOCK when left out; null = no agent. */
  readonly agentSocket?: string | null
  /** ssh's own when left out. */
  readonly defaultKeyFiles?: readonly string[]
  /** Asked once a file; null = none. */
  readonly askPassphrase?: (file: string) => Promise<string | null>
  readonly observe?: (event: TransportEvent) => void
}

/** The `Connect` of a whole run. It rejects with ConnectError, or with ConfigError for files and a `become` that cannot be. */
export function createConnect(options: ConnectOptions): Connect {
  const { connectTimeoutMs, observe } = options
  let opener: Promise<Attempt> | undefined
  const ssh: Attempt = async (host, signal, limits) => {
    opener ??= openerOf(options)
    return (await opener)(host, signal, limits)
  }
  return assemble(ssh, {
    ...(connectTimeoutMs === undefined ? {} : { budgetMs: connectTimeoutMs }),
    ...(observe ? { observe } : {}),
  })
}

/** Files are read when the first host needs them, and once. */
async function openerOf(options: ConnectOptions): Promise<Attempt> {
  const own = (name: string): string => join(homedir(), '.ssh', name)
  const { knownHostsFiles, hostKeyPolicy: policy, askPassphrase } = options
  const { agentSocket = process.env.SSH_AUTH_SOCK || null } = options
  const { defaultKeyFiles = ['id_ed25519', 'id_ecdsa', 'id_rsa'].map(own) } = options
  const knownHosts = await KnownHosts.load(
    knownHostsFiles ?? [
      own('known_hosts'),
      own('known_hosts2'),
      '/etc/ssh/ssh_known_hosts',
      '/etc/ssh/ssh_known_hosts2',
    ],
  )
  return createSsh2Connect({
    knownHosts,
    policy,
    defaultKeyFiles,
    agentSocket: agentSocket ?? undefined,
    ...(askPassphrase ? { askPassphrase } : {}),
  })
}

interface AssembleOptions extends RetryOptions {
  readonly observe?: (event: TransportEvent) => void
}

/** The parts in their order, around any opener of SSH connections. */
export function assemble(ssh: Attempt, { observe = () => {}, ...retry }: AssembleOptions = {}): Connect {
  const watched: Attempt = async (host, signal, limits) => {
    observe({ type: 'attempt', host: host.name })
    const connection = await ssh(host, signal, limits)
    observe({ type: 'handshake', host: host.name })
    return connection
  }
  const connectSsh = retrying(watched, retry)
  return async (host, signal) => {
    checkBecome(host)
    const connection = await (host.connection === 'local' ? connectLocal : connectSsh)(host, signal)
    return asUser(counted(connection, observe))
  }
}

function counted(connection: Connection, observe: (event: TransportEvent) => void): Connection {
  return {
    host: connection.host,
    get alive() {
      return connection.alive
    },
    exec(command, options) {
      observe({ type: 'exec', host: connection.host.name })
      return connection.exec(command, options)
    },
    [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
  }
}
