/** Whose word counts on how long getting in may take. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Host } from '../../../src/inventory/host.ts'
import { sshOf } from '../../../src/transport/connect.ts'
import { hostOf, temporary } from './hosts.ts'

test.each(['ssh2', 'openssh'] as const)('%s: a flag, then the inventory, then ssh_config', async transport => {
  using directory = temporary()
  const sshConfig = join(directory.path, 'config')
  writeFileSync(sshConfig, 'Host slow\n ConnectTimeout 9\n')
  const budget = async (host: Partial<Host>, connectTimeoutMs?: number): Promise<number | null | undefined> => {
    const flag = connectTimeoutMs === undefined ? {} : { connectTimeoutMs }
    const { retry } = sshOf({ sshConfig, knownHostsFiles: [], agentSocket: null, ...flag })
    const all = hostOf({ transport, ...host })
    return (await retry.wayTo?.(all))?.budgetMs ?? all.connectTimeoutMs
  }
  expect(await budget({ address: 'slow', connectTimeoutMs: 4_000 }, 60_000)).toBe(60_000)
  expect(await budget({ address: 'slow' }, 5_000)).toBe(5_000)
  expect(await budget({ address: 'slow', connectTimeoutMs: 4_000 })).toBe(4_000)
  expect(await budget({ address: 'slow' })).toBe(9_000)
  expect(await budget({ address: 'web' })).toBeNull()
})
