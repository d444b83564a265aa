/** What of `-e` a record keeps. */
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { readExtraVars } from '../../../src/inventory/extra-vars.ts'
import { Secret } from '../../../src/inventory/host.ts'
import { keptVars } from '../../../src/inventory/kept-vars.ts'
import { NO_VAULT, Vault } from '../../../src/inventory/vault.ts'
import { write } from './inventory.ts'

const of = (...given: string[]) => keptVars(readExtraVars(given, NO_VAULT))

test('what ctfix reads, as it was said; a path from wherever one is', () => {
  expect(of('ansible_port=2222 ansible_user=ops api_token=hunter2', '{"ansible_become": true}')).toEqual({
    kept: { ansible_port: '2222', ansible_user: 'ops', ansible_become: true },
    left: [],
  })
  expect(of('ansible_ssh_private_key_file=keys/prod').kept).toEqual({
    ansible_ssh_private_key_file: resolve('keys/prod'),
  })
})

test('said again it is the same', () => {
  const given = ['ansible_port=2222', '{"ctfix_flows": {"tcp": [80, "443"]}, "ansible_timeout": 5}']
  const { kept } = of(...given)
  expect(of(JSON.stringify(kept))).toEqual({ kept, left: [] })
})

test('arguments of ssh, but not with a command line in them', () => {
  expect(of("ansible_ssh_common_args='-J gate -o ServerAliveInterval=5'").kept).toEqual({
    ansible_ssh_common_args: '-J gate -o ServerAliveInterval=5',
  })
  expect(of(`ansible_ssh_extra_args="-o 'ProxyCommand=nc --pw hunter2 %h %p'"`)).toEqual({
    kept: {},
    left: ['ansible_ssh_extra_args'],
  })
})

test('of a password, and of what was vaulted, the name alone', () => {
  const plain = write('ansible_password: hunter2\nansible_port: 22\n', 'vars.yml')
  expect(of(`@${plain}`)).toEqual({ kept: { ansible_port: 22 }, left: ['ansible_password'] })
  const vault = new Vault([{ label: 'default', password: new Secret('corpus one') }])
  const file = new URL('../../inventory/corpus/vault-file/group_vars/web/vault.yml', import.meta.url).pathname
  const extra = new Map([...readExtraVars([`@${file}`], vault)].map(([, variable]) => ['ansible_host', variable]))
  expect(extra.size).toBe(1)
  expect(keptVars(extra)).toEqual({ kept: {}, left: ['ansible_host'] })
})
