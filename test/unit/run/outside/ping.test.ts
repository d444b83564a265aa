/** What programs called ping say, word for word as they did. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checkPing, readPing, tryPing } from '../../../../src/run/outside/ping.ts'

const said = (exitCode: number | null, stdout: string, stderr = '') => readPing({ exitCode, stdout, stderr })

const IPUTILS = `PING 127.0.0.1 (127.0.0.1) 56(84) bytes of data.
64 bytes from 127.0.0.1: icmp_seq=1 ttl=64 time=0.022 ms

--- 127.0.0.1 ping statistics ---
1 packets transmitted, 1 received, 0% packet loss, time 0ms
rtt min/avg/max/mdev = 0.022/0.022/0.022/0.000 ms
`
const BUSYBOX = `PING ::1 (::1): 56 data bytes
64 bytes from ::1: seq=0 ttl=64 time=0.047 ms

--- ::1 ping statistics ---
1 packets transmitted, 1 packets received, 0% packet loss
round-trip min/avg/max = 0.047/0.047/0.047 ms
`
const INETUTILS = `PING 127.0.0.1 (127.0.0.1): 56 data bytes
64 bytes from 127.0.0.1: icmp_seq=0 ttl=64 time=0.400 ms
--- 127.0.0.1 ping statistics ---
1 packets transmitted, 1 packets received, 0% packet loss
round-trip min/avg/max/stddev = 0.400/0.400/0.400/0.000 ms
`
const REJECTED = `PING 203.0.113.7 (203.0.113.7) 56(84) bytes of data.
From 192.0.2.1 icmp_seq=1 Destination Port Unreachable

--- 203.0.113.7 ping statistics ---
1 packets transmitted, 0 received, +1 errors, 100% packet loss, time 0ms

`
const SILENT = `PING 203.0.113.7 (203.0.113.7): 56 data bytes

--- 203.0.113.7 ping statistics ---
1 packets transmitted, 0 packets received, 100% packet loss
`

test.for([
  ['iputils', IPUTILS, 0.022],
  ['busybox', BUSYBOX, 0.047],
  ['inetutils', INETUTILS, 0.4],
  ['an answer after more than a second', IPUTILS.replace('time=0.022', 'time=1021'), 1021],
  ['less than can be told', IPUTILS.replace('time=0.022', 'time<1'), 1],
] as const)('%s: answered', ([, stdout, ms]) => {
  expect(said(0, stdout)).toEqual({ kind: 'answer', ms })
})

test.for([
  ['a router says no', REJECTED],
  ['nobody says anything', SILENT],
] as const)('%s: lost', ([, stdout]) => {
  expect(said(1, stdout)).toEqual({ kind: 'lost' })
})

test.for<[string, number | null, string, string, string]>([
  ['no route', 2, '', 'ping: connect: Network is unreachable\n', 'ping: connect: Network is unreachable'],
  [
    'no route, by busybox',
    1,
    'PING 203.0.113.7\n',
    'ping: sendto: Network is unreachable\n',
    'ping: sendto: Network is unreachable',
  ],
  ['not allowed', 2, '', 'ping: socket: Operation not permitted\n', 'ping: socket: Operation not permitted'],
  ['another program', 0, 'pong\n', '', 'ping: pong'],
  [
    'an answer, but no sum',
    0,
    IPUTILS.replace('1 received', 'some received'),
    '',
    'ping: rtt min/avg/max/mdev = 0.022/0.022/0.022/0.000 ms',
  ],
  ['a sum that its exit code gainsays', 1, IPUTILS, '', 'ping: rtt min/avg/max/mdev = 0.022/0.022/0.022/0.000 ms'],
  ['ended from outside', null, '', '', 'ping: exit code null'],
])('%s: nothing was measured', ([, exitCode, stdout, stderr, why]) => {
  expect(said(exitCode, stdout, stderr)).toEqual({ kind: 'unmeasured', why })
})

/** A program in the place of ping. */
function program(text: string): Disposable & { readonly path: string } {
  const directory = mkdtempSync(join(tmpdir(), 'ctfix-ping-'))
  const path = join(directory, 'ping')
  writeFileSync(path, `#!/bin/sh\n${text}\n`)
  chmodSync(path, 0o755)
  return { path, [Symbol.dispose]: () => rmSync(directory, { recursive: true }) }
}

test('it is given one echo, in numbers, with a deadline, in English', async () => {
  using ping = program(`echo "$LC_ALL $*" >&2; exit 2`)
  expect(await tryPing('192.0.2.1', ping.path)).toEqual({ kind: 'unmeasured', why: 'ping: C -n -c 1 -W 3 192.0.2.1' })
})

test('a machine without a ping that works is told so before any host is touched', async () => {
  using denied = program(`echo 'ping: socket: Operation not permitted' >&2; exit 2`)
  await expect(checkPing(denied.path)).rejects.toMatchObject({
    name: 'UsageError',
    message: '--probe ping: no ping that works on this machine (ping: socket: Operation not permitted)',
  })
  await expect(checkPing(join(denied.path, 'not-there'))).rejects.toThrow('no ping that works')
  await expect(checkPing('ctfix-has-no-such-ping')).rejects.toThrow('(ping: there is no such program)')
  using works = program(`printf '%s' '${IPUTILS}'`)
  await checkPing(works.path)
  await expect(checkPing(works.path, 'darwin')).rejects.toThrow('not of darwin')
})
