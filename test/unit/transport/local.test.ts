import { expect, test } from 'vitest'
import { connectLocal } from '../../../src/transport/local.ts'
import { isThere } from '../../support/processes.ts'
import { connectError, hostOf, never } from './hosts.ts'

const open = () => connectLocal(hostOf({ connection: 'local' }), never)

test('command, input, outputs and exit code', async () => {
  await using connection = await open()
  const result = await connection.exec('/bin/sh -s -- a', { stdin: 'echo "$1"; echo e >&2; exit 3' })
  expect(result).toEqual({ exitCode: 3, stdout: 'a\n', stderr: 'e\n' })
})

test('a command that does not read its input', async () => {
  await using connection = await open()
  expect((await connection.exec('exit 4', { stdin: 'x'.repeat(1_000_000) })).exitCode).toBe(4)
})

test('the deadline ends what the command started, too', async () => {
  await using connection = await open()
  // The child writes nothing we could read after the loss: it leaves its pid where the next command finds it.
  const file = `/tmp/ctfix-local-${process.pid}`
  await connectError(connection.exec(`sleep 60 & echo $! >${file}; wait`, { deadlineMs: 200 }), 'lost')
  const pid = Number((await connection.exec(`cat ${file}; rm ${file}`)).stdout)
  expect(pid).toBeGreaterThan(1)
  // A container without an init keeps the dead as zombies; a zombie is dead enough.
  const state = (
    await connection.exec(`sed -n 's/^State:.\\(.\\).*/\\1/p' /proc/${pid}/status 2>/dev/null || :`)
  ).stdout.trim()
  expect(!isThere(pid) || state === 'Z').toBe(true)
})

test('killed, stopped, closed', async () => {
  const connection = await open()
  const killed = await connectError(connection.exec('kill -9 $$'), 'lost')
  expect(killed.message).toContain('killed by SIGKILL')
  await connectError(connection.exec('sleep 60', { signal: AbortSignal.timeout(50) }), 'aborted')
  const running = connectError(connection.exec('sleep 60'), 'lost')
  await connection[Symbol.asyncDispose]()
  await running
  expect(connection.alive).toBe(false)
  await connectError(connection.exec('true'), 'closed')
})
