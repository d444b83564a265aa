/** Hand tool: `node test/lab/container/cli.ts up debian [busybox centos5 …]` keeps the hosts up until Ctrl-C. */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startContainers } from '../container.ts'
import { LabUnavailable } from '../lab.ts'
import { cacheDir } from './cache.ts'
import type { ImageKind } from './images.ts'

const kinds: readonly string[] = ['debian', 'busybox', 'centos5'] satisfies readonly ImageKind[]
const [verb, ...wanted] = process.argv.slice(2)
if (verb !== 'up' || wanted.length === 0 || !wanted.every(kind => kinds.includes(kind))) {
  process.stderr.write(`usage: cli.ts up ${kinds.join('|')} …\n`)
  process.exit(2)
}

try {
  await using lab = await startContainers(wanted as ImageKind[])
  const knownHosts = join(cacheDir(), 'container-known_hosts')
  writeFileSync(
    knownHosts,
    `${lab
      .hosts()
      .map(host => host.knownHosts)
      .join('\n')}\n`,
  )
  for (const { name, vars } of lab.hosts()) {
    const options = `-o UserKnownHostsFile=${knownHosts} -o IdentitiesOnly=yes -i ${vars.ansible_ssh_private_key_file}`
    process.stdout.write(`${name}: ssh ${options} -p ${vars.ansible_port} ${vars.ansible_user}@${vars.ansible_host}\n`)
  }
  // A pending promise alone does not keep Node alive.
  const alive = setInterval(() => {}, 60_000)
  await new Promise<void>(resolve => {
    process.once('SIGINT', () => resolve()).once('SIGTERM', () => resolve())
  })
  clearInterval(alive)
  process.stdout.write('closing\n')
} catch (error) {
  if (!(error instanceof LabUnavailable)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 3
}
