/** Hand tool: `node test/lab/namespace/cli.ts up 5` keeps the hosts up until Ctrl-C. */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cacheDir } from '../container/cache.ts'
import { LabUnavailable } from '../lab.ts'
import { startNamespaceHosts } from '../namespace.ts'

const [verb, wanted = '1'] = process.argv.slice(2)
const count = Number(wanted)
if (verb !== 'up' || !Number.isInteger(count) || count < 1) {
  process.stderr.write('usage: cli.ts up COUNT\n')
  process.exit(2)
}

try {
  await using lab = await startNamespaceHosts(count)
  const knownHosts = join(cacheDir(), 'namespace-known_hosts')
  writeFileSync(
    knownHosts,
    `${lab
      .hosts()
      .map(host => host.knownHosts)
      .join('\n')}\n`,
  )
  for (const { name, vars } of lab.hosts()) {
    const options = `-o UserKnownHostsFile=${knownHosts} -o IdentitiesOnly=yes -i ${vars.ansible_ssh_private_key_file}`
    process.stdout.write(`${name}: ssh ${options} ${vars.ansible_user}@${vars.ansible_host}\n`)
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
