/** The table of failures, for those a simulated server cannot produce. */
import { expect, test } from 'vitest'
import { offerTo } from '../../../src/transport/algorithms.ts'
import { connectFailure, loginFailure } from '../../../src/transport/failure.ts'
import { hostOf } from './hosts.ts'

const host = hostOf({ address: '2001:db8::1' })
const untold = { accepted: null, offer: offerTo(host, []), words: null }
const error = (message: string, more: object) => Object.assign(new Error(message), more)

test.each([
  ['ETIMEDOUT', 'timeout', 'connection timed out'],
  ['EHOSTUNREACH', 'refused', 'no route to host'],
  ['ENETUNREACH', 'refused', 'network is unreachable'],
  ['ECONNRESET', 'closed', 'connection reset'],
  ['EAI_AGAIN', 'dns', 'name servers do not answer'],
  ['EMFILE', 'protocol', 'this machine allows ctfix no more open files'],
  ['ENFILE', 'protocol', 'this machine has no more open files for anybody'],
  ['EOTHER', 'protocol', 'said so'],
] as const)('%s', (code, reason, words) => {
  const failure = connectFailure(host, error('said so', { code }))
  expect(failure.reason).toBe(reason)
  expect(failure.message).toBe(`web-1: cannot connect to [2001:db8::1]:22: ${words}`)
})

test('too many open files: how to get more', () => {
  const { hint } = connectFailure(host, error('said so', { code: 'EMFILE' }))
  expect(hint).toBe('ulimit -n 4096 before it, or fewer at once: --forks 10')
})

test.each([
  // The server's goodbye (RFC 4253, 11.1), by number and by how far the login had come.
  [2, false, [], 'protocol'],
  [12, false, [], 'closed'],
  [2, true, ['publickey'], 'auth'],
  [11, true, [], 'closed'],
] as const)('goodbye %i, encrypted %s, tried %j: %s', (code, encrypted, tried, reason) => {
  const failure = loginFailure(host, error('Too \u001b[1mmany', { code }), {
    ...untold,
    encrypted,
    hungUp: false,
    tried,
  })
  expect(failure.reason).toBe(reason)
  expect(failure.message).toContain('the server said: Too \\x1b[1mmany')
})

test('an error of a kind nobody has seen is not tried again', () => {
  const failure = loginFailure(host, new Error('boom'), {
    ...untold,
    encrypted: true,
    hungUp: false,
    tried: [],
  })
  expect(failure).toMatchObject({ reason: 'protocol', retryable: false })
})

test('an address of our own that is not there', () => {
  const bind = error('bind EADDRNOTAVAIL 10.9.9.9', { code: 'EADDRNOTAVAIL', syscall: 'bind', address: '10.9.9.9' })
  expect(connectFailure(host, bind)).toMatchObject({
    message: expect.stringMatching(/: this machine has no address 10\.9\.9\.9 to come from$/),
    hint: expect.stringContaining('BindAddress'),
  })
  // All of its ports are in use.
  const connect = error('connect EADDRNOTAVAIL', { code: 'EADDRNOTAVAIL', syscall: 'connect' })
  expect(connectFailure(host, connect).message).not.toContain('come from')
})

test('an IPv6 address in brackets is a name that nobody has', () => {
  const unknown = error('getaddrinfo ENOTFOUND [::1]', { code: 'ENOTFOUND' })
  expect(connectFailure({ ...host, address: '[::1]' }, unknown).hint).toBe(
    'an IPv6 address stands there without brackets',
  )
  expect(connectFailure({ ...host, address: 'nohost' }, unknown).hint).toBeUndefined()
})
