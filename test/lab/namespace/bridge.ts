/** The private bridge of the namespace hosts, one per lab, and what a crashed run left of it. */

import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { cacheDir, isAlive, type ProcessId, self, withLock, writeWhole } from '../container/cache.ts'
import { must, run } from '../container/exec.ts'
import { LabUnavailable } from '../lab.ts'

export interface LabBridge {
  /** First two numbers of its /16. */
  readonly prefix: string
  readonly gateway: string
  /** Gives each namespace (named by a process in it) an eth0 whose other end is in the bridge. */
  attach(pids: readonly number[]): Promise<void>
  detach(count: number): Promise<void>
  release(): Promise<void>
}

interface Claim {
  readonly bridge: string
  readonly owner: ProcessId
}

const numbers = [98, 99, 100, 101, 102, 103, 104, 105]
const claims = (): string => cacheDir('namespace')

/** The hosts died with their owner; the bridge is all that a crash can leave. */
async function reap(): Promise<void> {
  for (const file of readdirSync(claims())) {
    const path = join(claims(), file)
    const { bridge, owner } = JSON.parse(readFileSync(path, 'utf8')) as Claim
    if (isAlive(owner)) continue
    await removeLink(bridge)
    rmSync(path, { force: true })
  }
}

async function removeLink(link: string): Promise<void> {
  if (existsSync(`/sys/class/net/${link}`)) await run('ip', ['link', 'delete', link])
}

export function claimBridge(): Promise<LabBridge> {
  return withLock('namespace', async () => {
    await reap()
    const routes = await must('ip', ['-4', 'route', 'show', 'table', 'all'])
    const number = numbers.find(
      candidate => !routes.includes(`10.${candidate}.`) && !existsSync(`/sys/class/net/ctfix-ns${candidate}`),
    )
    if (number === undefined)
      throw new LabUnavailable(`No free network is left for the namespace lab (10.${numbers[0]}.0.0/16 and on).`)
    const bridge = `ctfix-ns${number}`
    const claim = join(claims(), `${bridge}.json`)
    writeWhole(claim, JSON.stringify({ bridge, owner: self() } satisfies Claim))
    const gateway = `10.${number}.0.1`
    await must('ip', ['-batch', '-'], {
      input: `link add ${bridge} type bridge\naddress add ${gateway}/16 dev ${bridge}\nlink set ${bridge} up\n`,
    })
    const port = (at: number): string => `ctfn${number}-${at + 1}`
    return {
      prefix: `10.${number}`,
      gateway,
      attach: async pids => {
        const lines = pids.flatMap((pid, at) => [
          `link add ${port(at)} type veth peer name eth0 netns ${pid}`,
          `link set ${port(at)} master ${bridge} up`,
        ])
        await must('ip', ['-batch', '-'], { input: `${lines.join('\n')}\n`, timeoutMs: 60_000 })
      },
      detach: async count => {
        const there = Array.from({ length: count }, (_, at) => port(at)).filter(link =>
          existsSync(`/sys/class/net/${link}`),
        )
        await run('ip', ['-force', '-batch', '-'], { input: there.map(link => `link delete ${link}\n`).join('') })
      },
      release: async () => {
        await removeLink(bridge)
        rmSync(claim, { force: true })
      },
    }
  })
}
