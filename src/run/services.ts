/** Do the services of a host still answer from here? Asked before a change and after it: what was silent before says nothing. */
import { connect } from 'node:net'
import type { Host } from '../inventory/host.ts'
import type { Task } from '../plan/plan.ts'
import type { Check } from './checks.ts'

/** Ports tried: a host with more of them is not proved better by all of them. */
const MOST_PORTS = 8

/** A packet that a firewall drops is sent again after 1 s, and after 2 s more. */
const TRY_MS = 3_000

/** How services answered before a change; null where there is nothing to ask, or no way to ask it. */
export type Services = { readonly asked: readonly number[]; readonly answered: readonly number[] } | null

/** Asks all of them at once. Only what we connect to ourselves can be asked: not what runs on this machine. */
export async function askServices(host: Host, task: Task): Promise<Services> {
  const ports = new Set(task.steps.flatMap(({ strategy, options }) => strategy.servicesOf?.(options) ?? []))
  if (host.connection !== 'ssh' || ports.size === 0) return null
  const asked = [...ports].slice(0, MOST_PORTS)
  return { asked, answered: await answering(host.address, asked) }
}

/** The check of the new state: whoever answered before does so again. */
export async function judgeServices(host: Host, before: Services): Promise<Check[]> {
  if (before === null) return []
  const name = 'service-answers'
  const { asked, answered } = before
  if (answered.length === 0) {
    const detail = `no port answered from here before either (tcp ${asked.join(', ')})`
    return [{ name, status: 'unknown', detail }]
  }
  const first = await answering(host.address, answered)
  const silent = answered.filter(port => !first.includes(port))
  // One packet may be lost on the way, and a busy service may miss one.
  const second = await answering(host.address, silent)
  const lost = silent.filter(port => !second.includes(port))
  return [
    lost.length === 0
      ? { name, status: 'pass', detail: `tcp ${answered.join(', ')} ${verb(answered)} as before` }
      : { name, status: 'fail', detail: `tcp ${lost.join(', ')} ${verb(lost)} no more from here` },
  ]
}

const verb = (ports: readonly number[]): string => (ports.length === 1 ? 'answers' : 'answer')

async function answering(address: string, ports: readonly number[]): Promise<number[]> {
  const answers = await Promise.all(ports.map(port => answersAt(address, port)))
  return ports.filter((_, i) => answers[i])
}

/** A handshake is enough: what a service says first, and whether it does, is its own. */
async function answersAt(host: string, port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = connect({ host, port })
  const stop = (): void => resolve(false)
  // The socket's own timeout begins once the name is known.
  const timer = setTimeout(stop, TRY_MS)
  socket.once('connect', () => resolve(true))
  socket.on('error', stop)
  try {
    return await promise
  } finally {
    clearTimeout(timer)
    socket.destroy()
  }
}
