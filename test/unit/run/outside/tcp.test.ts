/** Real handshakes, on this machine. */
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { expect, test } from 'vitest'
import { tryTcp } from '../../../../src/run/outside/tcp.ts'

async function listening(
  onClose?: (hadError: boolean, code: string | undefined) => void,
): Promise<Server & { readonly port: number }> {
  const server = createServer(socket => {
    let code: string | undefined
    socket.on('error', error => {
      code = 'code' in error ? String(error.code) : undefined
    })
    socket.on('close', hadError => onClose?.(hadError, code))
    socket.resume()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return Object.assign(server, { port: address.port })
}

test('an answer has a time, and the connection ends by a reset: nothing stays in anybody’s table', async () => {
  const closed = Promise.withResolvers<string | undefined>()
  await using server = await listening((_, code) => closed.resolve(code))
  const answer = await tryTcp('127.0.0.1', server.port)
  expect(answer).toMatchObject({ kind: 'answer' })
  expect('ms' in answer && answer.ms).toBeLessThan(3_000)
  expect(await closed.promise).toBe('ECONNRESET')
})

test('where nothing listens the host itself says so', async () => {
  const server = await listening()
  const { port } = server
  await server[Symbol.asyncDispose]()
  expect(await tryTcp('127.0.0.1', port)).toMatchObject({ kind: 'refused' })
})

test('what this machine cannot try is no loss', async () => {
  // No address of that kind, so nothing is ever sent.
  expect(await tryTcp('255.255.255.255', 9)).toMatchObject({ kind: 'unmeasured', why: expect.stringContaining('E') })
})

test('an answer that came while this process was busy past the deadline is an answer', async () => {
  await using server = await listening()
  const answer = tryTcp('127.0.0.1', server.port, 20)
  const until = performance.now() + 60
  while (performance.now() < until);
  expect(await answer).toMatchObject({ kind: 'answer' })
})
