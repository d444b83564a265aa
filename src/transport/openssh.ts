/**
 * Connections through the system's ssh: certificates, FIDO keys, Kerberos, and whatever else ssh_config can say. Each has
 * a process of ssh that holds it (ControlMaster) and a TCP connection of its own, so that a new connection proves something.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { ConnectError } from '../errors.ts'
import type { Host } from '../inventory/host.ts'
import { type Attempt, type Limits, SINGLE } from './attempt.ts'
import { cannotConnect, connectFailure } from './failure.ts'
import { masterArgs, type OpensshSettings } from './openssh-args.ts'
import { OpensshConnection } from './openssh-connection.ts'
import { opensshFailure, unrecorded } from './openssh-failure.ts'
import { OpensshMaster } from './openssh-master.ts'
import { createOpensshWays, type OpensshWays } from './openssh-ways.ts'

export interface OpensshOptions extends OpensshSettings {
  /** ssh's own environment when left out; null = no agent. */
  readonly agentSocket?: string | null | undefined
  /** Worked out already, for the doors. */
  readonly ways?: OpensshWays
}

/** How often is looked whether ssh is logged in. */
const LOOK_MS = 20

/** Makes the opener of connections through `ssh`. */
export function createOpensshConnect(options: OpensshOptions): Attempt {
  const { agentSocket, ways = createOpensshWays(options) } = options
  return async (host, signal, limits = SINGLE) => {
    if (signal.aborted) throw stopped(host)
    const way = await ways(host)
    const clock = new LoginClock(host, limits)
    const master = new OpensshMaster(socket => masterArgs(way.host, options, { socket, timeoutMs: limits.totalMs }), {
      env: environment(agentSocket),
      onLine: line => clock.hear(line),
    })
    const isOpen = await logIn(host, { master, clock, signal }).catch((error: unknown) => {
      master.kill()
      throw error
    })
    if (isOpen) {
      const refused = unrecorded(host, master.stderr)
      if (refused === null) return new OpensshConnection(host, master)
      master.kill()
      throw refused
    }
    const code = await master.ended
    if (master.notStarted) throw connectFailure(host, master.notStarted)
    if (code === 127) {
      const hint = 'install openssh-client on this machine, or use --transport ssh2'
      throw cannotConnect(host, 'protocol', 'there is no ssh on this machine', { hint })
    }
    throw opensshFailure(host, master.stderr)
  }
}

interface Login {
  readonly master: OpensshMaster
  readonly clock: LoginClock
  readonly signal: AbortSignal
}

/** True once ssh is logged in, false when it has ended. Rejects when time is up. */
async function logIn(host: Host, { master, clock, signal }: Login): Promise<boolean> {
  while (!master.isOver) {
    if (master.isReady) return true
    if (signal.aborted) throw stopped(host)
    const late = clock.late()
    if (late) throw late
    await delay(LOOK_MS)
  }
  return false
}

function stopped({ name }: Host): ConnectError {
  return new ConnectError(name, 'aborted', `${name}: stopped while connecting`)
}

function environment(agentSocket: string | null | undefined): NodeJS.ProcessEnv {
  const { SSH_AUTH_SOCK: own, ...rest } = process.env
  // A window that asks for a password on somebody's desktop is a question, too.
  const env = { ...rest, SSH_ASKPASS_REQUIRE: 'never' }
  const socket = agentSocket === undefined ? own : agentSocket
  return typeof socket === 'string' ? { ...env, SSH_AUTH_SOCK: socket } : env
}

/** How far ssh has come, by the lines it prints, and when a step has taken too long. */
class LoginClock {
  readonly #host: Host
  readonly #limits: Limits
  readonly #start = performance.now()
  #step: 'name' | 'tcp' | 'banner' | 'login' = 'name'
  #since = this.#start

  constructor(host: Host, limits: Limits) {
    this.#host = host
    this.#limits = limits
  }

  hear(line: string): void {
    if (/^debug1: Connecting to /.test(line)) this.#enter('tcp')
    else if (/^debug1: (?:Connection established|Executing proxy command)/.test(line)) this.#enter('banner')
    else if (/^debug1: Remote protocol version/.test(line)) {
      this.#enter('login')
      this.#limits.onSpeaking?.()
    }
  }

  #enter(step: 'tcp' | 'banner' | 'login'): void {
    this.#step = step
    this.#since = performance.now()
  }

  late(): ConnectError | null {
    const { tcpMs, bannerMs, loginMs, totalMs } = this.#limits
    const limitMs = { name: totalMs, tcp: tcpMs, banner: bannerMs, login: loginMs }[this.#step]
    const now = performance.now()
    if (now - this.#since < limitMs && now - this.#start < totalMs) return null
    const words = {
      name: 'name look-up timed out',
      tcp: 'connection timed out',
      banner: 'the connection stands, but the SSH server does not speak',
      login: 'the SSH server speaks, but the login does not end',
    }
    return cannotConnect(this.#host, 'timeout', words[this.#step])
  }
}
