import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Secret } from '../../../src/inventory/host.ts'
import { loadInventory } from '../../../src/inventory/index.ts'
import { Vault } from '../../../src/inventory/vault.ts'
import {
  graphText,
  inventoryDocument,
  inventoryHostDocument,
  inventoryHostText,
  inventoryText,
} from '../../../src/view/inventory.ts'
import { inventoryHostSchema, inventorySchema } from '../../../src/view/inventory-schema.ts'
import { load, writeTree } from '../inventory/inventory.ts'

const inventory = load(`
all:
  vars: {ansible_user: ops, rack: r1}
  hosts: {solo: {ansible_connection: local}}
  children:
    webServers:
      hosts:
        web1:
          ansible_host: 192.0.2.1
          ansible_port: 2222
          ansible_password: hunter2
          ansible_become_password: hunter2
          ctfix_flows: {tcp: [80]}
          db_password: hunter2
          ansible_ssh_common_args: -o ProxyCommand="sshpass -p hunter2 ssh -W %h:%p jump" -J x
        web2: {ctfix_exclude: "kept \\e[2J"}
`)
const [, web1, web2] = inventory.hosts
if (!web1 || !web2) throw new Error('the inventory has three hosts')

describe('for people', () => {
  test('a row a host', () => {
    expect(inventoryText(inventory, inventory.hosts)).toBe(
      [
        'HOST  ADDRESS    PORT  USER  GROUPS',
        'solo  local            ops   ungrouped',
        'web1  192.0.2.1  2222  ops   webServers',
        'web2  web2       22    ops   webServers  excluded: kept \\x1b[2J',
        '',
      ].join('\n'),
    )
  })

  test('the tree, of the hosts that are shown', () => {
    const tree = ['@all:', '  |--@ungrouped:', '  |--@webServers:', '  |  |--web1', ''].join('\n')
    expect(graphText(inventory, new Set(['web1']))).toBe(tree)
  })

  test('a host, each variable with its place', () => {
    const lines = inventoryHostText(inventory, web1).split('\n')
    expect(lines[0]).toMatch(/^host {4}web1 {2}\(.*hosts\.yaml:8:9\)$/)
    expect(lines[1]).toBe('groups  all, webServers')
    const rows = lines.filter(line => /^(?:ansible|ctfix)_/.test(line)).map(line => line.replace(/\S*hosts\.yaml/, ''))
    expect(rows.map(row => row.split(/ {2,}/))).toEqual([
      ['ansible_become_password', '***', ':12:36'],
      ['ansible_host', '192.0.2.1', ':9:25'],
      ['ansible_password', '***', ':11:29'],
      ['ansible_port', '2222', ':10:25'],
      ['ansible_ssh_common_args', '-o ProxyCommand=*** -J x', ':15:36'],
      ['ansible_user', 'ops', ':3:24'],
      ['ctfix_flows', '{"tcp":[80]}', ':13:24'],
    ])
    expect(lines.slice(-4).map(row => row.replace(/\S*hosts\.yaml/, '').split(/ {2,}/))).toEqual([
      ['NOT READ BY CTFIX', 'FROM'],
      ['db_password', ':14:24'],
      ['rack', ':3:35'],
      [''],
    ])
  })
})

test.each([
  ["-o 'ProxyCommand=env P=hunter2 nc %h' -J x", '-o ProxyCommand=*** -J x'],
  ['-J x -o "proxycommand  tool --password \\"hunter2 x\\" %h"', '-J x -o ProxyCommand=***'],
  ['-oProxyCommand=tool\\ hunter2 -p 22', '-oProxyCommand=*** -p 22'],
  ['-o Proxy"Command"=tool" hunter2"', '-o ProxyCommand=***'],
])('%s is shown without the command', (args, shown) => {
  const fleet = load(`x: {hosts: {a: {ansible_ssh_common_args: ${JSON.stringify(args)}}}}`)
  const [host] = fleet.hosts
  if (!host) throw new Error('the inventory has a host')
  expect(inventoryHostDocument(fleet, host)).toMatchObject({ variables: [{ value: shown }] })
  expect(inventoryHostText(fleet, host)).not.toContain('hunter2')
})

test('what has several lines stays on its own', () => {
  const fleet = load('x: {hosts: {a: {ctfix_exclude: "two\\n\\tlines", ansible_ssh_common_args: "-C\\n-q"}}}')
  const [host] = fleet.hosts
  if (!host) throw new Error('the inventory has a host')
  expect(inventoryText(fleet, [host]).split('\n')).toEqual([
    expect.any(String),
    expect.stringMatching(/ excluded: two\\n\\tlines$/),
    '',
  ])
  const rows = inventoryHostText(fleet, host).split('\n')
  expect(rows.filter(row => /^(?:ansible|ctfix)_/.test(row))).toHaveLength(2)
  expect(rows.find(row => row.startsWith('ansible_'))).toContain('-C\\n-q')
})

describe('for programs', () => {
  test('the documents are what their schemas say', () => {
    const document = inventorySchema.parse(inventoryDocument(inventory, [web1]))
    expect(document.hosts.map(({ name, port }) => [name, port])).toEqual([['web1', 2222]])
    expect(document.groups).toEqual([
      { name: 'all', hosts: [], children: ['ungrouped', 'webServers'] },
      { name: 'ungrouped', hosts: [], children: [] },
      { name: 'webServers', hosts: ['web1'], children: [] },
    ])
    expect(inventoryHostSchema.parse(inventoryHostDocument(inventory, web2))).toMatchObject({
      name: 'web2',
      exclude: 'kept \\x1b[2J',
      unread: [{ name: 'rack', from: expect.stringMatching(/hosts\.yaml:3:35$/) }],
    })
  })

  test('no document and no text has a password in it', () => {
    const all = [inventoryDocument(inventory, inventory.hosts), inventoryHostDocument(inventory, web1)]
    const texts = [...all.map(document => JSON.stringify(document)), inventoryHostText(inventory, web1)]
    expect(texts.join(' ')).not.toContain('hunter')
  })
})

test('what comes out of a vault is in neither', () => {
  const text = readFileSync(join(import.meta.dirname, '../../inventory/corpus/vault-values/hosts.yaml'), 'utf8')
  const file = `${writeTree({ 'hosts.yaml': text })}/hosts.yaml`
  const vault = new Vault(['corpus one', 'corpus two'].map(one => ({ label: one, password: new Secret(one) })))
  const vaulted = loadInventory([file], { user: 'me' }, { vault })
  const b = vaulted.hosts.find(({ name }) => name === 'b')
  if (!b) throw new Error('the inventory has a host b')
  expect(b.port).toBe(2222)
  expect(inventoryHostDocument(vaulted, b)).toMatchObject({ port: null, user: 'me' })
  expect(inventoryText(vaulted, [b])).toContain('***')
  const shown = [
    inventoryText(vaulted, [b]),
    inventoryHostText(vaulted, b),
    JSON.stringify(inventoryDocument(vaulted, [b])),
  ]
  expect(shown.join(' ')).not.toMatch(/2222|W\u00f6rter/)
})
