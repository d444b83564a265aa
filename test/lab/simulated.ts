/**
 * The simulated lab: SSH servers inside this process. Proves orchestration, faults and scale; its hosts run nothing but
 * what a test scripts, and a command that nobody scripted fails the test when the lab is closed.
 */
import type { Inspection, Lab, LabHost, Power } from './lab.ts'
import { type Door, openDoor } from './simulated/door.ts'
import { type Answer, SimHost, type SimHostOptions } from './simulated/host.ts'
import { labKeys, userKeyFile } from './simulated/keys.ts'

export interface SimulatedOptions extends SimHostOptions {
  /** Where the n-th listens, from 0; on 127.0.0.1 where nobody says. */
  readonly addressOf?: (n: number) => string
  /** Scripts every host; `SimHost.answer` scripts one. */
  readonly answer?: Answer
  /** Side door of the hosts; without it `inspect` is not there. */
  readonly inspect?: (host: SimHost, script: string) => Promise<Inspection>
}

export interface SimulatedLab extends Lab {
  host(name: string): SimHost
  /** Every open connection of the host goes mute without closing, as when its network is gone. */
  freeze(name: string): void
  /** Connections open now, over all hosts. */
  openConnections(): number
  totals(): { connections: number; handshakes: number; execs: number }
}

/** Names are `sim-1`, `sim-2`, …; each has a port of its own on 127.0.0.1. */
export async function startSimulated(n: number, options: SimulatedOptions = {}): Promise<SimulatedLab> {
  const { answer } = options
  const keys = labKeys()
  const keyFile = userKeyFile()
  const made = await Promise.all(
    Array.from({ length: n }, async (_, i) => {
      const host = new SimHost(`sim-${i + 1}`, options)
      if (answer) host.answer(answer)
      const hostKey = keys.hosts[i % keys.hosts.length] ?? keys.wrong
      return { host, door: await openDoor(host, hostKey, options.addressOf?.(i)) }
    }),
  )
  const byName = new Map(made.map(entry => [entry.host.name, entry]))
  const labHosts = made.map(({ host, door }) => describeHost(host, door, keyFile.path))
  const entry = (name: string): (typeof made)[number] => {
    const found = byName.get(name)
    if (!found) throw new RangeError(`the simulated lab has no host ${name}`)
    return found
  }
  const powers: ReadonlySet<Power> = new Set(['faults'])
  return {
    name: 'simulated',
    powers,
    hosts: () => labHosts,
    host: name => entry(name).host,
    freeze: name => entry(name).door.freeze(),
    openConnections: () => made.reduce((sum, { door }) => sum + door.open(), 0),
    totals: () =>
      made.reduce(
        (sum, { host: { counts } }) => ({
          connections: sum.connections + counts.connections,
          handshakes: sum.handshakes + counts.handshakes,
          execs: sum.execs + counts.execs,
        }),
        { connections: 0, handshakes: 0, execs: 0 },
      ),
    async inspect(name, script) {
      if (!options.inspect) throw new Error('simulated hosts without a shell are looked at through host(name).files')
      return options.inspect(entry(name).host, script)
    },
    async sever(name) {
      entry(name).door.sever()
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(made.map(({ door }) => door.close()))
      keyFile.remove()
      const missing = made.flatMap(({ host }) => host.unscripted)
      if (missing.length > 0) {
        const lines = missing.slice(0, 5).map(({ host, command }) => `${host}: ${command}`)
        throw new Error(`${missing.length} commands that nobody scripted:\n${lines.join('\n')}`)
      }
    },
  }
}

function describeHost(host: SimHost, { address, port, hostKey }: Door, keyPath: string): LabHost {
  return {
    name: host.name,
    vars: {
      ansible_host: address,
      ansible_port: port,
      ansible_user: host.user,
      ...(host.password === null ? { ansible_ssh_private_key_file: keyPath } : { ansible_password: host.password }),
      ...(host.user === 'root' ? {} : { ansible_become: true }),
    },
    knownHosts: `[${address}]:${port} ${hostKey.publicText}`,
  }
}
