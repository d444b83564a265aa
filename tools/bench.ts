/**
 * `npm run bench`: `ctfix facts` beside plain `ssh host true`, on the same hosts, with the same parallelism, in one run.
 * Rounds alternate so that neither profits from a quiet moment; the table shows medians.
 */
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { table } from '../src/view/table.ts'
import type { LabHost } from '../test/lab/lab.ts'
import { startNamespaceHosts } from '../test/lab/namespace.ts'
import { productFor } from '../test/lab/product.ts'

const HOSTS = Number(process.argv[2] ?? 50)
const ROUNDS = 5

/** All hosts through the system's ssh, as many at once as there are hosts. */
function sshTrue(hosts: readonly LabHost[], directory: string, kex: string | null): number {
  const config = hosts.map(({ name, vars }) =>
    [
      `Host ${name}`,
      `  HostName ${vars.ansible_host}`,
      `  Port ${vars.ansible_port}`,
      `  User ${vars.ansible_user}`,
      `  IdentityFile ${vars.ansible_ssh_private_key_file}`,
      '  IdentitiesOnly yes',
      '  StrictHostKeyChecking yes',
      `  UserKnownHostsFile ${join(directory, 'known_hosts')}`,
      '  BatchMode yes',
      ...(kex ? [`  KexAlgorithms ${kex}`] : []),
    ].join('\n'),
  )
  const file = join(directory, 'ssh_config')
  writeFileSync(file, `${config.join('\n')}\n`)
  const start = performance.now()
  const { status, stderr } = spawnSync('xargs', ['-P', String(hosts.length), '-I{}', 'ssh', '-F', file, '{}', 'true'], {
    input: hosts.map(({ name }) => `${name}\n`).join(''),
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`ssh failed: ${stderr}`)
  return performance.now() - start
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`

await using lab = await startNamespaceHosts(HOSTS)
using product = productFor(lab)
const facts = async (): Promise<number> => {
  const start = performance.now()
  const { exitCode, stderr } = await product.run(['facts', '--forks', String(HOSTS), '--output', 'json'])
  if (exitCode !== 0) throw new Error(`ctfix facts failed: ${stderr}`)
  return performance.now() - start
}
const contestants: readonly (readonly [string, () => number | Promise<number>])[] = [
  ['ctfix facts (one exec, all facts)', facts],
  ['ssh host true (curve25519)', () => sshTrue(lab.hosts(), product.directory, 'curve25519-sha256')],
  ['ssh host true (as it comes)', () => sshTrue(lab.hosts(), product.directory, null)],
]
const times = contestants.map((): number[] => [])
for (let round = 0; round < ROUNDS; round++) {
  for (const [i, [, run]] of contestants.entries()) times[i]?.push(await run())
}
const reference = median(times[1] ?? [])
const rows = contestants.map(([name], i) => {
  const own = times[i] ?? []
  const spread = `${seconds(Math.min(...own))} to ${seconds(Math.max(...own))}`
  return [name, seconds(median(own)), spread, `${(median(own) / reference).toFixed(2)} ×`]
})
process.stdout.write(
  `${HOSTS} hosts, all at once, ${ROUNDS} rounds, ${cpus().length} cores, Node ${process.version}\n\n`,
)
process.stdout.write(`${table([['', 'median', 'spread', 'against ssh'], ...rows]).join('\n')}\n`)
