/** All contestants over the same hosts, in turns, so that neither profits from a quiet moment. */
import { loadavg } from 'node:os'
import { ansibleContestants } from './ansible.ts'
import type { Contestant } from './contestant.ts'
import { childrenCpuMs, hostsCpuMs } from './cpu.ts'
import { ctfixContestants } from './ctfix.ts'
import { type Fleet, startFleet } from './hosts.ts'
import { sshContestants } from './ssh.ts'

interface Lap {
  readonly ms: number
  /** Of the contestant's own processes. */
  readonly cpuMs: number
  /** Of the hosts, which are on the same cores. */
  readonly hostsCpuMs: number
}

export interface Entrant {
  readonly name: string
  readonly laps: readonly Lap[]
  /** Why it cannot take part; laps are then those before. */
  readonly error: string | null
}

export interface Race {
  readonly hosts: number
  readonly rounds: number
  /** Of the last minute, when it began: what else was going on here. */
  readonly loadBefore: number
  readonly entrants: readonly Entrant[]
}

async function lap({ lab }: Fleet, contestant: Contestant): Promise<Lap> {
  await contestant.reset?.()
  const before = { hosts: await hostsCpuMs(lab), own: childrenCpuMs() }
  const start = performance.now()
  await contestant.run()
  const ms = performance.now() - start
  const cpuMs = childrenCpuMs() - before.own
  await contestant.after?.()
  return { ms, cpuMs, hostsCpuMs: (await hostsCpuMs(lab)) - before.hosts }
}

/** `log` hears of every lap. */
export async function race(hosts: number, rounds: number, log: (line: string) => void): Promise<Race> {
  const loadBefore = loadavg()[0] ?? 0
  await using fleet = await startFleet(hosts)
  const contestants = [
    ...ctfixContestants(fleet, hosts),
    ...sshContestants(fleet, hosts),
    ...ansibleContestants(fleet, hosts),
  ]
  const laps = contestants.map((): Lap[] => [])
  const errors = contestants.map((): string | null => null)
  for (let round = 0; round < rounds; round++) {
    for (const [i, contestant] of contestants.entries()) {
      if (errors[i]) continue
      try {
        const done = await lap(fleet, contestant)
        laps[i]?.push(done)
        log(`${hosts} hosts, round ${round + 1}: ${contestant.name} ${(done.ms / 1000).toFixed(2)} s`)
      } catch (error) {
        // One that does not work here is a result, too; ours has to.
        if (contestant.name.startsWith('ctfix') || contestant.name.startsWith('ssh')) throw error
        errors[i] = error instanceof Error ? error.message : String(error)
        log(`${hosts} hosts: ${contestant.name} cannot take part: ${errors[i]}`)
      }
    }
  }
  const entrants = contestants.map(({ name }, i) => ({ name, laps: laps[i] ?? [], error: errors[i] ?? null }))
  return { hosts, rounds, loadBefore, entrants }
}
