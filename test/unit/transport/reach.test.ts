/** Whom this machine reaches with nobody in between. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Host } from '../../../src/inventory/host.ts'
import { createReach, inNumbers, type Reach } from '../../../src/transport/reach.ts'
import { hostOf, temporary } from './hosts.ts'

const CONFIG = `
Host web
  HostName 10.0.0.1
  Port 2201
Host behind
  ProxyJump gate
Host through
  ProxyCommand nc -X 5 %h %p
Host freed
  ProxyJump none
Host sixth
  AddressFamily inet6
`

async function reach(overrides: Partial<Host>, flags: { readonly jump?: string } = {}): Promise<Reach> {
  using directory = temporary()
  const file = join(directory.path, 'config')
  writeFileSync(file, CONFIG)
  return await createReach({ ...flags, configFile: file })(hostOf(overrides))
}

test('at the address and port that ssh would take', async () => {
  expect(await reach({ address: '192.0.2.1', port: 2222 })).toEqual({ address: '192.0.2.1', port: 2222, family: 0 })
  expect(await reach({ address: 'web' })).toEqual({ address: '10.0.0.1', port: 2201, family: 0 })
  expect(await reach({ address: 'freed' })).toEqual({ address: 'freed', port: 22, family: 0 })
  expect(await reach({ address: 'sixth' })).toEqual({ address: 'sixth', port: 22, family: 6 })
})

test('who is behind another machine, or is this one, cannot be measured from here', async () => {
  expect(await reach({ address: 'behind' })).toEqual({ why: 'behind a jump host' })
  expect(await reach({ address: 'web' }, { jump: 'ops@gate' })).toEqual({ why: 'behind a jump host' })
  expect(await reach({ address: 'through' })).toEqual({ why: 'behind a ProxyCommand' })
  expect(await reach({ connection: 'local' })).toEqual({ why: 'it is this machine itself' })
})

test('what ssh_config cannot say is a reason, not an error', async () => {
  const found = await createReach({ configFile: '/nonexistent/ssh_config' })(hostOf())
  expect(found).toHaveProperty('why')
})

test('of the family that ssh_config allows, or not at all', async () => {
  expect(await inNumbers('localhost', 4)).toEqual({ address: '127.0.0.1' })
  expect(await inNumbers('::1', 6)).toEqual({ address: '::1' })
  expect(await inNumbers('192.0.2.1', 6)).toEqual({ why: '192.0.2.1 is no address that AddressFamily inet6 allows' })
  // Of the test network's own: no name of IPv4 alone is known on every machine but a number with few dots.
  expect(await inNumbers('127.1', 6)).toEqual({ why: '127.1 has no address that AddressFamily inet6 allows' })
})

test('names become numbers once; numbers stay', async () => {
  expect(await inNumbers('192.0.2.1')).toEqual({ address: '192.0.2.1' })
  expect(await inNumbers('fe80::1%eth0')).toEqual({ address: 'fe80::1%eth0' })
  expect(await inNumbers('no-such-host.invalid')).toEqual({
    why: expect.stringMatching(/^the name no-such-host\.invalid could not be looked up: /),
  })
})
