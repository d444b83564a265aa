/** Where tries go. */
import { expect, test } from 'vitest'
import { placeOf } from '../../../../src/run/outside/place.ts'
import type { Target } from '../../../../src/run/outside/target.ts'
import type { Reach } from '../../../../src/transport/reach.ts'
import { hostOf } from '../../transport/hosts.ts'

const tcp = (port: number, address: string | null = null): Target => ({ kind: 'tcp', port, address })
const OWN: Reach = { address: '192.0.2.1', port: 22, family: 0 }
const SIXTH: Reach = { address: '192.0.2.1', port: 22, family: 6 }
const JUMP: Reach = { why: 'behind a jump host' }
const OURS = { why: 'not probed: its SSH port, which we need' }

test.for<[string, Target, Reach, object]>([
  ['the host itself', tcp(443), OWN, { address: '192.0.2.1' }],
  ['what stands before it', tcp(443, '192.0.2.9'), OWN, { address: '192.0.2.9' }],
  ['its SSH port', tcp(22), OWN, OURS],
  ['its SSH port, by its address', tcp(22, '192.0.2.1'), OWN, OURS],
  ['the same port of another machine', tcp(22, '192.0.2.9'), OWN, { address: '192.0.2.9' }],
  ['an echo of its address', { kind: 'ping', address: '192.0.2.1' }, OWN, { address: '192.0.2.1' }],
  ['a host that nothing goes straight to', tcp(443), JUMP, { why: 'not probed: behind a jump host' }],
  ['what stands before such a host', tcp(443, '192.0.2.9'), JUMP, { address: '192.0.2.9' }],
  [
    'an address that AddressFamily forbids',
    tcp(443),
    SIXTH,
    { why: '192.0.2.1 is no address that AddressFamily inet6 allows' },
  ],
  ['what stands before such a host, of which it says nothing', tcp(443, '192.0.2.9'), SIXTH, { address: '192.0.2.9' }],
])('%s', async ([, target, reach, place]) => {
  expect(await placeOf(hostOf(), target, async () => reach)).toEqual(place)
})
