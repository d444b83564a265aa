/** Checks beside each other: the tests wait for shells and timers, and leave time for all else. */
import { spawn } from 'node:child_process'
import { delimiter } from 'node:path'
import { BIN, ROOT } from './setup.js'

const running = new Set()

/** Runs each row of checks one after the other, the rows at once; ends this process at the first check that fails. */
export async function runChecks(node, rows) {
  await Promise.all(
    rows.map(async row => {
      for (const [name, args, env] of row) await runCheck(node, name, args, env)
    }),
  )
}

/** What it says comes in one piece when it has ended, so that two of them do not mix. */
async function runCheck(node, name, args, more = {}) {
  const start = Date.now()
  const PATH = [BIN, '/usr/sbin', '/sbin', process.env.PATH].join(delimiter)
  const env = { ...process.env, PATH, ...more }
  const child = spawn(node, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'], env })
  running.add(child)
  const said = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => said.push(chunk))
  const status = await new Promise(resolve => {
    child.once('error', error => {
      said.push(Buffer.from(`cannot run ${node}: ${error.message}\n`))
      resolve(1)
    })
    child.once('close', code => resolve(code ?? 1))
  })
  running.delete(child)
  process.stdout.write(`\n── ${name}\n`)
  process.stdout.write(Buffer.concat(said))
  process.stdout.write(`   ${name}: ${((Date.now() - start) / 1000).toFixed(1)} s\n`)
  if (status === 0) return
  for (const other of running) other.kill()
  process.exit(status)
}
