/** An inventory of 20,000 hosts is read and filtered within a second, whatever its format. */
import { execFileSync } from 'node:child_process'
import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadInventory } from '../../../src/inventory/index.ts'
import { write } from './inventory.ts'

const GROUPS = Array.from({ length: 20 }, (_, g) => g)
const HOSTS = Array.from({ length: 1000 }, (_, i) => i)
const PATTERN = 'edge1:web-2-*:!web-1-9*'
const MATCHED = 1889

const each = (group: (g: number) => string, host: (g: number, i: number) => string): string =>
  GROUPS.map(g => group(g) + HOSTS.map(i => host(g, i)).join('')).join('')

const yaml = `base: {vars: &base {racks: [1, 2]}}\nall:\n  vars: {<<: *base, ansible_user: ops}\n  children:\n${each(
  g => `    edge${g}:\n      hosts:\n`,
  (g, i) => `        web-${g}-${i}:\n          ansible_host: 192.0.2.${i % 255}\n          ansible_port: ${2000 + i}\n`,
)}`
/** As programs write it, and not as `ansible-inventory` does. */
const json = JSON.stringify(
  {
    all: {
      vars: { ansible_user: 'ops' },
      children: Object.fromEntries(
        GROUPS.map(g => {
          const hosts = HOSTS.map(i => [
            `web-${g}-${i}`,
            { ansible_host: `192.0.2.${i % 255}`, ansible_port: 2000 + i },
          ])
          return [`edge${g}`, { hosts: Object.fromEntries(hosts) }]
        }),
      ),
    },
  },
  null,
  2,
)
const windows = (text: string): string => text.replaceAll('\n', '\r\n')
const ini = `[all:vars]\nansible_user=ops\n${each(
  g => `[edge${g}]\n`,
  (g, i) => `web-${g}-${i} ansible_host=192.0.2.${i % 255} ansible_port=${2000 + i} rack="row ${i}"\n`,
)}`
const exported = JSON.stringify({
  _meta: {
    hostvars: Object.fromEntries(GROUPS.flatMap(g => HOSTS.map(i => [`web-${g}-${i}`, { ansible_port: i + 1 }]))),
  },
  ...Object.fromEntries(GROUPS.map(g => [`edge${g}`, { hosts: HOSTS.map(i => `web-${g}-${i}`) }])),
})

/** In a process of its own, so that nothing is warm and nothing else is counted. */
function measure(file: string): { readonly hosts: number; readonly seconds: number } {
  const words = [join(import.meta.dirname, '../../inventory/measure.ts'), file, PATTERN]
  return JSON.parse(execFileSync(process.execPath, words, { encoding: 'utf8' }))
}

describe('20,000 hosts', () => {
  test.each([
    ['YAML', write(yaml, 'fleet.yaml')],
    ['YAML with the line ends of Windows', write(windows(yaml), 'fleet.yaml')],
    ['JSON', write(json, 'fleet.json')],
    ['JSON with the line ends of Windows', write(windows(json), 'fleet.json')],
    ['INI', write(ini, 'fleet.ini')],
    ['INI with the line ends of Windows', write(windows(ini), 'fleet.ini')],
    ['the JSON of ansible-inventory', write(exported, 'fleet.json')],
    ['a program', write(`#!/bin/sh\ncat <<'END'\n${exported}\nEND\n`, 'fleet.sh')],
  ])(
    '%s: read and filtered in a second of processor time',
    (_, file) => {
      if (file.endsWith('.sh')) chmodSync(file, 0o755)
      // What others do on the machine costs this process time as well: three tries.
      let { hosts, seconds } = measure(file)
      for (let more = 2; more > 0 && seconds >= 1; more--) ({ hosts, seconds } = measure(file))
      expect(hosts).toBe(MATCHED)
      expect(seconds).toBeLessThan(1)
    },
    60_000,
  )

  test('a range of them', () => {
    const inventory = loadInventory([write('x: {hosts: {"web[00001:20000]": {ansible_port: 2222}}}')])
    expect(inventory.hosts).toHaveLength(20_000)
    expect(inventory.hosts.at(-1)).toMatchObject({ name: 'web20000', port: 2222 })
  })
})
