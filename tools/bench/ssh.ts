/** Plain ssh over all hosts, and clush, which starts one for each host as well. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Contestant, must } from './contestant.ts'
import type { Fleet } from './hosts.ts'

/** What the key exchange costs least with; what ssh takes by itself is hardened against computers of later times. */
export const FAST_KEX = 'KexAlgorithms=curve25519-sha256'

function writeConfig({ lab, product }: Fleet): string {
  const sections = lab
    .hosts()
    .map(({ name, vars }) =>
      [
        `Host ${name}`,
        `  HostName ${vars.ansible_host}`,
        `  Port ${vars.ansible_port}`,
        `  User ${vars.ansible_user}`,
        `  IdentityFile ${vars.ansible_ssh_private_key_file}`,
        '  IdentitiesOnly yes',
        '  StrictHostKeyChecking yes',
        `  UserKnownHostsFile ${join(product.directory, 'known_hosts')}`,
        '  BatchMode yes',
      ].join('\n'),
    )
  const file = join(product.directory, 'ssh_config')
  writeFileSync(file, `${sections.join('\n')}\n`)
  return file
}

/** `forks`: as many at once as the others may have. */
export function sshContestants(fleet: Fleet, forks: number): readonly Contestant[] {
  const file = writeConfig(fleet)
  const names = fleet.lab.hosts().map(({ name }) => name)
  const everywhere = (options: readonly string[]) => async (): Promise<void> => {
    const words = ['-P', String(forks), '-I{}', 'ssh', '-F', file, ...options, '{}', 'true']
    await must('xargs', words, { input: names.map(name => `${name}\n`).join('') })
  }
  return [
    { name: 'ssh host true (curve25519)', run: everywhere(['-o', FAST_KEX]) },
    { name: 'ssh host true (as it comes)', run: everywhere([]) },
    {
      name: 'clush true (curve25519)',
      async run() {
        const options = ['-q', '-S', '-f', String(forks), '-o', `-F ${file} -o ${FAST_KEX}`, '-w', names.join(',')]
        await must('clush', [...options, 'true'])
      },
    },
  ]
}
