import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { UsageError } from '../../../src/errors.ts'
import { loadInventory } from '../../../src/inventory/index.ts'
import { selectHosts } from '../../../src/inventory/pattern.ts'
import { refusal, write, writeTree } from './inventory.ts'

test('a mistake in a host stops only those who choose it', () => {
  const directory = writeTree({
    hosts: '[web]\na\nb ansible_port=x\nc\n[db]\nd\n[app]\ne ctfix_stratgy=x\n',
    'host_vars/c.yml': 'a: [',
    'group_vars/db.yml': '$ANSIBLE_VAULT;1.1;AES256\n61\n',
  })
  const inventory = loadInventory([`${directory}/hosts`])
  const choose = (pattern: string): readonly string[] => selectHosts(inventory, pattern).map(({ name }) => name)
  expect(choose('all:!b:!c:!d:!e')).toEqual(['a'])
  expect(choose('a')).toEqual(['a'])
  expect(() => choose('web')).toThrow(/:3: expected a port/)
  expect(() => choose('c')).toThrow(/host_vars\/c\.yml:1:\d+: expected/)
  expect(() => choose('db')).toThrow(/group_vars\/db\.yml:1: expected the digits of a vault/)
  expect(() => choose('e')).toThrow(/did you mean "ctfix_strategy"/)
  expect(() => inventory.hosts).toThrow(/:3: expected a port/)
})

describe('sources', () => {
  test('a list of hosts', () => {
    const { hosts } = loadInventory(['host1, host2:2222,'], { user: 'me' })
    expect(hosts.map(({ name, port, groups }) => ({ name, port, groups }))).toEqual([
      { name: 'host1', port: 22, groups: ['all', 'ungrouped'] },
      { name: 'host2', port: 2222, groups: ['all', 'ungrouped'] },
    ])
  })

  test('a file without an ending is judged by its text', () => {
    expect(loadInventory([write('x: {hosts: {a: }}', 'hosts')]).hosts).toHaveLength(1)
    const groupsOf = (text: string, name: string): string[] => [...loadInventory([write(text, name)]).groups.keys()]
    expect(groupsOf('[web]\na\n', 'hosts')).toEqual(['all', 'ungrouped', 'web'])
    expect(groupsOf('# only hosts\na\nb x=1\n', 'hosts')).toEqual(['all', 'ungrouped'])
    expect(groupsOf('---\nweb:\n', 'hosts')).toEqual(['all', 'ungrouped', 'web'])
    expect(groupsOf('# it\n\nweb: # that\n  hosts: {a: }\n', 'production')).toEqual(['all', 'ungrouped', 'web'])
    expect(groupsOf('{"web": {"hosts": {"a": null}}}', 'production')).toEqual(['all', 'ungrouped', 'web'])
    expect(groupsOf('a\n', 'hosts.ini')).toEqual(['all', 'ungrouped'])
  })

  test('the shipped example', () => {
    const inventory = loadInventory([join(import.meta.dirname, '../../../inventory.example.yaml')])
    expect(inventory.hosts).toHaveLength(35)
    expect(selectHosts(inventory, 'edge:!edge_lab')).toHaveLength(20)
    expect(inventory.hosts.filter(({ exclude }) => exclude !== null).map(({ name }) => name)).toEqual(['cache-c'])
    expect(selectHosts(inventory, 'legacy[0]')[0]).toMatchObject({
      legacySsh: true,
      become: null,
      address: '192.0.2.50',
    })
  })

  test.each<[string, string[], RegExp]>([
    ['nothing', [], /no inventory given/],
    ['an empty name', [''], /expected a file or a list of hosts after -i, got nothing/],
    ['only commas', [',,'], /expected hosts in the list after -i/],
    ['a missing file', ['/nonexistent/hosts.yaml'], /^\/nonexistent\/hosts\.yaml: no such file$/],
    [
      'a file in TOML',
      [write('[web.hosts]', 'hosts.toml')],
      /hosts\.toml: expected YAML, INI, JSON or a program, got TOML/,
    ],
    ['a path through a file', [join(write('x'), 'hosts')], /no such file: a part of its path is not a directory$/],
    ['a NUL in the name', ['a\0b'], /the file cannot be read/],
  ])('%s is one sentence', (_, sources, expected) => {
    expect(refusal(() => loadInventory(sources))).toMatch(expected)
  })

  test('a directory without a file in it has no hosts', () => {
    expect(loadInventory([mkdtempSync(join(tmpdir(), 'ctfix-'))]).hosts).toEqual([])
  })

  test('no inventory is a matter of the command line', () => {
    expect(() => loadInventory([])).toThrow(UsageError)
  })
})
