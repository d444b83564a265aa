/**
 * Hosts to watch, in a process of their own: `node cli.ts COUNT` says in one line of JSON how to reach them, and keeps them
 * up until its stdin ends. `sever NAME`, `refuse NAME` and `heal NAME` on stdin do that to a host.
 */
import { createInterface } from 'node:readline'
import { startSimulated } from '../../simulated.ts'
import { lifeOf, playing } from './tables.ts'

// An address each, as hosts have: what is tried from outside is then another thing for each of them.
const addressOf = (n: number): string => `127.8.${Math.floor(n / 250)}.${1 + (n % 250)}`
await using lab = await startSimulated(Number(process.argv[2]), { addressOf })
for (const [n, { name }] of lab.hosts().entries()) lab.host(name).live = playing(lifeOf(n))
process.stdout.write(`${JSON.stringify(lab.hosts())}\n`)
for await (const line of createInterface(process.stdin)) {
  const [word, name = ''] = line.split(' ')
  if (word === 'refuse') await lab.host(name).failConnect('refuse')
  if (word === 'heal') await lab.host(name).heal()
  if (word === 'refuse' || word === 'sever') await lab.sever(name)
}
