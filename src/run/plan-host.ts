/** The plan of one host of the inventory: what is wanted, with what the inventory says of how it is reached and what it serves. */
import type { Facts } from '../facts/facts.ts'
import type { Host } from '../inventory/host.ts'
import { makePlan, type Plan, type Task } from '../plan/plan.ts'

/** Of a wide range the edges and so many ports between are looked at: a rule set has few borders. */
const MOST_OF_A_RANGE = 64

/** Plans. Pure: reads nothing, touches nothing. */
export function planHost(host: Host, task: Task, facts: Facts): Plan {
  const flows = [
    ...(host.flows?.tcp ?? []).flatMap(portsOf).map(port => ({ protocol: 'tcp' as const, port })),
    ...(host.flows?.udp ?? []).flatMap(portsOf).map(port => ({ protocol: 'udp' as const, port })),
  ]
  return makePlan(host.name, { ...task, flows }, facts, { local: host.connection === 'local' })
}

/** `443`, or `60000:60100`: its edges and ports between them. */
function portsOf(flow: number | string): number[] {
  if (typeof flow === 'number') return [flow]
  const [first = 0, last = first] = flow.split(':').map(Number)
  const step = Math.max(1, Math.ceil((last - first) / MOST_OF_A_RANGE))
  const ports = Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, i) => first + i * step)
  return ports.at(-1) === last ? ports : [...ports, last]
}
