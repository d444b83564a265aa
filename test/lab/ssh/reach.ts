/** Many names of one sshd, and the way to it that people would configure. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createConnect } from '../../../src/transport/connect.ts'
import type { Connect } from '../../../src/transport/connection.ts'
import { hostOf, never } from '../../unit/transport/hosts.ts'
import type { Sshd } from './sshd.ts'

/** Every host name leads to this sshd; `more` stands first in the configuration. */
export function connectTo(sshd: Sshd, more = ''): Connect {
  const [knownHosts, config] = [join(sshd.directory, 'known_hosts'), join(sshd.directory, 'ssh_config')]
  writeFileSync(knownHosts, `${sshd.knownHosts}\n`)
  const common = `Host *\n Port ${sshd.port}\n User root\n IdentityFile ${sshd.keyFile}\n HostName 127.0.0.1\n`
  writeFileSync(config, `${more}${common} UserKnownHostsFile ${knownHosts}\n GlobalKnownHostsFile none\n`)
  return createConnect({ sshConfig: config, agentSocket: null })
}

/** Logs in under so many names at once; what each was told by its own command. */
export async function atOnce(count: number, connect: Connect): Promise<string[]> {
  return await Promise.all(
    Array.from({ length: count }, async (_, i) => {
      await using connection = await connect(hostOf({ name: `n${i}`, address: `n${i}` }), never)
      return (await connection.exec(`echo ${i}`)).stdout.trim()
    }),
  )
}

export const every = (count: number): string[] => Array.from({ length: count }, (_, i) => String(i))

/** What sshd says of connections it drops for MaxStartups. */
export const DROPPED = /MaxStartups|drop connection/
