import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { UsageError } from '../../../src/errors.ts'
import { loadInventory } from '../../../src/inventory/index.ts'
import { selectHosts } from '../../../src/inventory/pattern.ts'
import { refusal, write } from './inventory.ts'

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
    expect(refusal(() => loadInventory([write('[web]\na\n', 'hosts')]))).toMatch(
      /expected a YAML inventory, got what looks like INI/,
    )
    expect(refusal(() => loadInventory([write('a\n', 'hosts.ini')]))).toMatch(/INI/)
    expect(refusal(() => loadInventory([write('#!/bin/sh\n', 'list')]))).toMatch(/got a program/)
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
    ['a directory', [mkdtempSync(join(tmpdir(), 'ctfix-'))], /expected a file, got a directory$/],
    ['a path through a file', [join(write('x'), 'hosts')], /no such file: a part of its path is not a directory$/],
    ['a NUL in the name', ['a\0b'], /the file cannot be read/],
  ])('%s is one sentence', (_, sources, expected) => {
    expect(refusal(() => loadInventory(sources))).toMatch(expected)
  })

  test('no inventory is a matter of the command line', () => {
    expect(() => loadInventory([])).toThrow(UsageError)
  })
})

describe('size', () => {
  test('20,000 hosts are read and filtered', () => {
    const groups = Array.from({ length: 20 }, (_, g) => {
      const hosts = Array.from(
        { length: 1000 },
        (_, i) => `        web-${g}-${i}:\n          ansible_host: 192.0.2.${i % 255}\n`,
      )
      return `    edge${g}:\n      hosts:\n${hosts.join('')}`
    })
    const file = write(`all:\n  vars: {ansible_user: ops}\n  children:\n${groups.join('')}`)
    const start = process.cpuUsage()
    const inventory = loadInventory([file])
    expect(selectHosts(inventory, 'edge1:web-2-*:!web-1-9*')).toHaveLength(1889)
    // Processor time, with room: about 1.3 s alone, more while other tests keep the memory busy.
    const { user } = process.cpuUsage(start)
    expect(user / 1e6).toBeLessThan(4)
  })

  test('a range of 20,000 hosts', () => {
    const inventory = loadInventory([write('x: {hosts: {"web[00001:20000]": {ansible_port: 2222}}}')])
    expect(inventory.hosts).toHaveLength(20_000)
    expect(inventory.hosts.at(-1)).toMatchObject({ name: 'web20000', port: 2222 })
  })
})
