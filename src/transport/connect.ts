/** How a run gets its connections: over SSH or here, tried again where that helps, as root where that is asked for. */
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { HostKeyPolicy } from '../inventory/host.ts'
import type { Attempt } from './attempt.ts'
import { asUser, checkBecome } from './become.ts'
import { type Connect, type Connection, SILENCE_MS } from './connection.ts'
import { createDoors } from './doors.ts'
import { connectLocal } from './local.ts'
import { createOpensshConnect } from './openssh.ts'
import type { OpensshSettings } from './openssh-args.ts'
import { createOpensshWays, type OpensshWays } from './openssh-ways.ts'
import { PasswordGate } from './password-gate.ts'
import { type RetryOptions, retrying } from './retry.ts'
import { createRoutes, type Resolve } from './route.ts'
import { createSsh2Connect } from './ssh2.ts'
import type { LoginSettings } from './ssh2-options.ts'

/** `attempt`: one was started; `handshake`: one succeeded; `exec`: a command was sent; `silent`: it has no answer yet. */
export interface TransportEvent {
  readonly type: 'attempt' | 'handshake' | 'exec' | 'silent'
  readonly host: string
}

export interface ConnectOptions {
  /** What ssh_config names when left out; a new key is written to the first. */
  readonly knownHostsFiles?: readonly string[] | undefined
  /** For hosts that name none; what ssh_config says when left out. */
  readonly hostKeyPolicy?: HostKeyPolicy | undefined
  /** `-J` and `-F`, for hosts of which the inventory says nothing else. */
  readonly jump?: string | undefined
  readonly sshConfig?: string | undefined
  /** Budget of every host, retries included; undefined: what the inventory and ssh_config say of it. */
  readonly connectTimeoutMs?: number
  /** SSH_AUTH_SOCK when left out; null = no agent. */
  readonly agentSocket?: string | null
  /** ssh's own when left out. */
  readonly defaultKeyFiles?: readonly string[]
  /** Asked once a file; null = none. */
  readonly askPassphrase?: (file: string) => Promise<string | null>
  readonly observe?: (event: TransportEvent) => void
}

interface Ssh {
  readonly ssh: Attempt
  readonly resolve: Resolve
  readonly ways: OpensshWays
  readonly retry: RetryOptions
}

/** Connections through our own SSH: the way to a host, its door, and the opener. `look`: instead of logging in there. */
export function sshOf(options: ConnectOptions, more: Pick<LoginSettings, 'gate' | 'look'> = {}): Ssh {
  const { connectTimeoutMs: budgetMs, askPassphrase } = options
  const own = (name: string): string => join(homedir(), '.ssh', name)
  const { defaultKeyFiles = ['id_ed25519', 'id_ecdsa', 'id_rsa'].map(own) } = options
  const { agentSocket: socket = process.env.SSH_AUTH_SOCK || null } = options
  const agentSocket = socket ?? undefined
  const resolve = createRoutes({
    knownHostsFiles: options.knownHostsFiles,
    policy: options.hostKeyPolicy,
    agentSocket,
    jump: options.jump,
    configFile: options.sshConfig,
  })
  const ways = createOpensshWays(opensshSettings(options))
  const doors = createDoors()
  const ssh = createSsh2Connect({
    ...more,
    resolve,
    defaultKeyFiles,
    agentSocket,
    ...(askPassphrase ? { askPassphrase } : {}),
    ...(budgetMs === undefined ? {} : { jumpBudgetMs: budgetMs }),
  })
  const retry: RetryOptions = {
    wayTo: async host => {
      // What a flag says wins over the inventory and over ssh_config.
      if (host.transport === 'openssh') {
        const way = await ways(host)
        return { budgetMs: budgetMs ?? way.budgetMs, door: doors(way.door) }
      }
      const route = await resolve(host)
      // A person who types a passphrase holds up nobody: no door is taken yet, and no clock runs.
      await ssh.prepare(host)
      return { budgetMs: budgetMs ?? route.host.connectTimeoutMs, door: doors(route) }
    },
  }
  return { ssh, resolve, ways, retry }
}

function opensshSettings({ knownHostsFiles, hostKeyPolicy, jump, sshConfig }: ConnectOptions): OpensshSettings {
  return { knownHostsFiles, policy: hostKeyPolicy, jump, configFile: sshConfig }
}

/** The `Connect` of a whole run. It rejects with ConnectError, or with ConfigError for files and a `become` that cannot be. */
export function createConnect(options: ConnectOptions): Connect {
  const gate = new PasswordGate()
  const { ssh, ways, retry } = sshOf(options, { gate })
  const openssh = createOpensshConnect({ ...opensshSettings(options), agentSocket: options.agentSocket, ways })
  const either: Attempt = (host, ...rest) => (host.transport === 'openssh' ? openssh : ssh)(host, ...rest)
  const { observe } = options
  return assemble(either, { ...retry, gate, ...(observe ? { observe } : {}) })
}

interface AssembleOptions extends RetryOptions {
  readonly observe?: (event: TransportEvent) => void
  readonly gate?: PasswordGate
}

/** The parts in their order, around any opener of SSH connections. */
export function assemble(ssh: Attempt, options: AssembleOptions = {}): Connect {
  const { observe = () => {}, gate = new PasswordGate(), ...retry } = options
  const watched: Attempt = async (host, signal, limits) => {
    observe({ type: 'attempt', host: host.name })
    const connection = await ssh(host, signal, limits)
    observe({ type: 'handshake', host: host.name })
    return connection
  }
  const connectSsh = retrying(watched, retry)
  return async (host, signal) => {
    checkBecome(host)
    gate.begin(host.name)
    const connection = await (host.connection === 'local' ? connectLocal : connectSsh)(host, signal)
    return asUser(counted(connection, observe), gate)
  }
}

function counted(connection: Connection, observe: (event: TransportEvent) => void): Connection {
  return {
    host: connection.host,
    get alive() {
      return connection.alive
    },
    async exec(command, options) {
      const host = connection.host.name
      observe({ type: 'exec', host })
      // One that is followed is not expected to end.
      const patience = options?.follow ? undefined : setTimeout(() => observe({ type: 'silent', host }), SILENCE_MS)
      try {
        return await connection.exec(command, options)
      } finally {
        clearTimeout(patience)
      }
    },
    [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
  }
}
