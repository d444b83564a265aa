/**
 * The simulated hosts of the scale run, in a process of their own: `node scale-hosts.ts COUNT` says on stdout, in one
 * line of JSON, how to reach them, and keeps them up until its stdin ends.
 */
import { once } from 'node:events'
import { createDebian, recordedProbe } from '../../test/lab/simulated/debian.ts'
import { startSimulated } from '../../test/lab/simulated.ts'

const count = Number(process.argv[2])
using debian = createDebian()
const answer = await recordedProbe(debian)
await using lab = await startSimulated(count, { answer })
process.stdout.write(`${JSON.stringify(lab.hosts())}\n`)
process.stdin.resume()
await once(process.stdin, 'end')
