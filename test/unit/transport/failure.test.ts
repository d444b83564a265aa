/** The table of failures, for those a simulated server cannot produce. */
import { expect, test } from 'vitest'
import { connectFailure, loginFailure } from '../../../src/transport/failure.ts'
import { hostOf } from './hosts.ts'

const host = hostOf({ address: '2001:db8::1' })
const error = (message: string, more: object) => Object.assign(new Error(message), more)

test.each([
  ['ETIMEDOUT', 'timeout', 'connection timed out'],
  ['EHOSTUNREACH', 'refused', 'no route to host'],
  ['ENETUNREACH', 'refused', 'network is unreachable'],
  ['ECONNRESET', 'closed', 'connection reset'],
  ['EAI_AGAIN', 'dns', 'name servers do not answer'],
  ['EMFILE', 'protocol', 'said so'],
] as const)('%s', (code, reason, words) => {
  const failure = connectFailure(host, error('said so', { code }))
  expect(failure.reason).toBe(reason)
  expect(failure.message).toBe(`web-1: cannot connect to [2001:db8::1]:22: ${words}`)
})

test.each([
  // The server's goodbye (RFC 4253, 11.1), by number and by how far the login had come.
  [2, false, [], 'protocol'],
  [12, false, [], 'closed'],
  [2, true, ['publickey'], 'auth'],
  [11, true, [], 'closed'],
] as const)('goodbye %i, encrypted %s, tried %j: %s', (code, encrypted, tried, reason) => {
  const failure = loginFailure(host, error('Too \u001b[1mmany', { code }), { encrypted, hungUp: false, tried })
  expect(failure.reason).toBe(reason)
  expect(failure.message).toContain('the server said: Too \\x1b[1mmany')
})

test('an error of a kind nobody has seen is not tried again', () => {
  const failure = loginFailure(host, new Error('boom'), { encrypted: true, hungUp: false, tried: [] })
  expect(failure).toMatchObject({ reason: 'protocol', retryable: false })
})
