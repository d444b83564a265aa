/** ssh's own words, as OpenSSH 9.2 prints them. */
import { expect, test } from 'vitest'
import { opensshFailure } from '../../../src/transport/openssh-failure.ts'
import { hostOf } from './hosts.ts'

const host = hostOf({ address: '10.0.0.1', user: 'ops' })

const CHANGED = `debug1: Server host key: ssh-ed25519 SHA256:new
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
Offending ECDSA key in /home/a b/known_hosts:7
Host key for 10.0.0.1 has changed and you have requested strict checking.
Host key verification failed.`
const UNKNOWN = `debug1: Server host key: ssh-ed25519 SHA256:new
No ED25519 host key is known for 10.0.0.1 and you have requested strict checking.
Host key verification failed.`
const REVOKED = `debug1: Server host key: ssh-ed25519 SHA256:new
@       WARNING: REVOKED HOST KEY DETECTED!               @
ED25519 host key for 10.0.0.1 was revoked and you have requested strict checking.
Host key verification failed.`

test.each([
  ['ssh: connect to host 10.0.0.1 port 22: Connection refused', 'refused', 'connection refused'],
  ['ssh: connect to host 10.0.0.1 port 22: No route to host', 'refused', 'no route to host'],
  ['ssh: connect to host 10.0.0.1 port 22: Connection timed out', 'timeout', 'connection timed out'],
  ['ssh: connect to host jump port 2200: Connection refused', 'refused', 'connection refused (by host jump port 2200)'],
  [
    'ssh: Could not resolve hostname 10.0.0.1: Temporary failure in name resolution',
    'dns',
    'name servers do not answer',
  ],
  ['ssh: Could not resolve hostname jump: Name or service not known', 'dns', 'jump: name not known'],
  [
    'Connection timed out during banner exchange',
    'timeout',
    'the connection stands, but the SSH server does not speak',
  ],
  [
    'kex_exchange_identification: read: Connection reset by peer',
    'closed',
    'the server closed the connection before it spoke',
  ],
  ['Connection closed by 10.0.0.1 port 22', 'closed', 'the server closed the connection during the login'],
  [
    'Received disconnect from 10.0.0.1 port 22:2: Too many authentication failures',
    'auth',
    'the server said: Too many authentication failures',
  ],
  [
    'debug1: Next authentication method: publickey\nops@10.0.0.1: Permission denied (publickey,password).',
    'auth',
    'login denied (tried publickey) as user ops',
  ],
  ['ops@10.0.0.1: Permission denied (publickey).', 'auth', 'no key or agent to log in with as user ops'],
  [
    'Load key "/k": error in libcrypto\nops@10.0.0.1: Permission denied (publickey).',
    'auth',
    'no key or agent to log in with as user ops; Load key "/k": error in libcrypto',
  ],
  [
    'Unable to negotiate with 10.0.0.1 port 22: no matching host key type found. Their offer: ssh-rsa',
    'protocol',
    'no matching host key type found. Their offer: ssh-rsa',
  ],
  [
    '/c: line 1: Bad configuration option: nonsense\n/c: terminating, 1 bad configuration options',
    'protocol',
    '/c: line 1: Bad configuration option: nonsense',
  ],
  ['debug1: something', 'protocol', 'ssh ended without a word'],
])('%j', (stderr, reason, text) => {
  const error = opensshFailure(host, `${stderr}\r\n`)
  expect(error.message).toBe(`web-1: cannot connect to 10.0.0.1:22: ${text}`)
  expect(error.reason).toBe(reason)
})

test('host keys: unknown, and the three ways to have them on file', () => {
  const unknown = opensshFailure(host, UNKNOWN)
  expect(unknown.message).toBe('web-1: the host key of 10.0.0.1 is not known (ssh-ed25519 SHA256:new)')
  expect(unknown.hint).toBe(
    'compare the fingerprint, then: ctfix hostkeys scan, ssh -p 22 10.0.0.1, or --host-key accept-new',
  )
})

test('host keys: changed, revoked', () => {
  const changed = opensshFailure(host, CHANGED)
  expect(changed.reason).toBe('host-key')
  expect(changed.message).toBe(
    'web-1: the host key of 10.0.0.1 is not the known one: it shows ssh-ed25519 SHA256:new, /home/a b/known_hosts:7 has another',
  )
  expect(changed.hint).toBe("when the new key is right: ssh-keygen -R 10.0.0.1 -f '/home/a b/known_hosts'")
  expect(opensshFailure(host, REVOKED).message).toBe(
    'web-1: the host key of 10.0.0.1 is revoked (ssh-ed25519 SHA256:new)',
  )
})

test('a banner that says what an error says decides nothing of host keys, and cannot act on a terminal', () => {
  const banner = 'Permission denied to all but staff\nssh: connect to host x port 1: \u001b[2Jfoo\n'
  const error = opensshFailure(host, banner)
  expect(error.reason).toBe('protocol')
  expect(error.message).not.toContain('\u001b')
})
