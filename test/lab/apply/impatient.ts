/** The same run without the command line, on connections that have less patience than ours: for commands that hang. */
import type { Task } from '../../../src/plan/plan.ts'
import { applyOf, prepareApply } from '../../../src/run/commands.ts'
import type { HostResult } from '../../../src/run/fleet.ts'
import { newRunId } from '../../../src/run/run-id.ts'
import type { Tools } from '../../../src/run/tools.ts'
import { raise } from '../../../src/strategy/raise.ts'
import { assemble } from '../../../src/transport/connect.ts'
import type { Connect } from '../../../src/transport/connection.ts'
import { createSsh2Connect } from '../../../src/transport/ssh2.ts'
import { fromLab, knownHostsOf, never } from '../../unit/transport/hosts.ts'
import type { SimulatedLab } from '../simulated.ts'

const task: Task = { steps: [{ strategy: raise, options: {} }], force: false }

/** `deadlineMs` of the n-th command. */
export async function applyWith(lab: SimulatedLab, deadlineMs: (n: number) => number): Promise<HostResult> {
  const [entry] = lab.hosts()
  if (!entry) throw new Error('no host')
  const ssh = createSsh2Connect({ knownHosts: await knownHostsOf([entry]), policy: 'strict' })
  const open = assemble(ssh, { budgetMs: 3_000 })
  let n = 0
  const connect: Connect = async (host, signal) => {
    const connection = await open(host, signal)
    return {
      host,
      get alive() {
        return connection.alive
      },
      exec(command, options) {
        n += 1
        return connection.exec(command, { ...options, deadlineMs: deadlineMs(n) })
      },
      [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
    }
  }
  const tools: Tools = { run: newRunId(), connect, emit: () => {}, signal: never, windowSeconds: 1, revertInSeconds: 6 }
  return applyOf(fromLab(entry), host => prepareApply(host, task, tools))
}
