/** --probe's words. */
import { expect, test } from 'vitest'
import { checkTargets, parseTarget, targetText } from '../../../../src/run/outside/target.ts'

test.for([
  ['ping', { kind: 'ping', address: null }],
  ['tcp:443', { kind: 'tcp', port: 443, address: null }],
  ['tcp:65535@www.example.net', { kind: 'tcp', port: 65_535, address: 'www.example.net' }],
  ['ping@fe80::1%eth0', { kind: 'ping', address: 'fe80::1%eth0' }],
] as const)('%s', ([text, target]) => {
  expect(parseTarget(text)).toEqual(target)
  expect(targetText(target)).toBe(text)
})

test.for([
  '',
  'tcp',
  'tcp:',
  'tcp:0',
  'tcp:65536',
  'tcp:0x50',
  'udp:53',
  'http:80/',
  'ping:1',
  'PING',
  'tcp:80@',
  'ping@-f',
  'tcp:80@a b',
  'tcp:80@a@b',
])('"%s" is none', text => expect(parseTarget(text)).toBeNull())

test('one that is named twice is refused', () => {
  const tcp = { kind: 'tcp', port: 443, address: null } as const
  checkTargets([tcp, { ...tcp, port: 444 }, { ...tcp, address: '192.0.2.1' }])
  expect(() => checkTargets([tcp, { kind: 'ping', address: null }, tcp])).toThrow('--probe tcp:443: named twice')
})
