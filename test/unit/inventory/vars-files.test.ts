import { symlinkSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { loadInventory } from '../../../src/inventory/index.ts'
import { refusal, writeTree } from './inventory.ts'

const HOSTS = '[web]\na\n'
const refused = (name: string, text: string): string =>
  refusal(() => loadInventory([`${writeTree({ hosts: HOSTS, [name]: text })}/hosts`])).replace(/^\S*\/(?=\w+_vars)/, '')

// What wins over what is in the corpus: vars-files, vars-directories, vars-playbook, vars-two-sources.
describe('group_vars and host_vars', () => {
  test('say where a value comes from', () => {
    const directory = writeTree({
      hosts: HOSTS,
      'group_vars/web/b.yml': 'x: 1\ny: 2\n',
      'host_vars/a.yml': '\n\nx: 3\n',
    })
    const variables = loadInventory([`${directory}/hosts`]).variables('a')
    expect(variables.get('x')?.place).toEqual({ file: `${directory}/host_vars/a.yml`, line: 3, column: 4 })
    expect(variables.get('y')?.place).toEqual({ file: `${directory}/group_vars/web/b.yml`, line: 2, column: 4 })
  })

  test('beside a playbook count only where one is played', () => {
    const directory = writeTree({ 'inv/hosts': HOSTS, 'play/host_vars/a.yml': 'ansible_port: 5\n' })
    const read = (playbookDirectory?: string): number | undefined =>
      loadInventory([`${directory}/inv/hosts`], {}, { playbookDirectory }).hosts[0]?.port
    expect([read(), read(`${directory}/play`)]).toEqual([22, 5])
  })

  test.each<[string, string, RegExp]>([
    ['group_vars/web.yml', 'a: 1\n b: 2\n', /^group_vars\/web\.yml:1:4: expected one "key: value" on a line/],
    ['group_vars/web.yml', '- a\n', /^group_vars\/web\.yml:1:1: expected a mapping of variables, got a list$/],
    ['group_vars/all/x', 'text\n', /^group_vars\/all\/x:1:1: expected a mapping of variables, got text$/],
    ['host_vars/a.json', '{"a": }}', /^host_vars\/a\.json:1:\d+: expected /],
    [
      'host_vars/a',
      'ansible_port: many\n',
      /^host_vars\/a:1:15: expected a port from 1 to 65535 for ansible_port, got "many"$/,
    ],
    ['host_vars/a', 'ctfix_stratgy: x\n', /^host_vars\/a:1:\d+: expected .*did you mean "ctfix_strategy"\?$/],
    ['group_vars/web', 'ansible_host: "{{ x }}"\n', /^group_vars\/web:1:15: expected a plain value for ansible_host/],
  ])('%s: %j is refused with its place', (name, text, expected) => {
    expect(refused(name, text)).toMatch(expected)
  })

  test('a circle of directories ends', () => {
    const directory = writeTree({ hosts: HOSTS, 'group_vars/web/a.yml': 'x: 1\n', 'inv/hosts': HOSTS })
    symlinkSync('.', `${directory}/group_vars/web/again`)
    symlinkSync('.', `${directory}/inv/again`)
    const expected = /expected at most 20 directories inside each other, got more$/
    expect(refusal(() => loadInventory([`${directory}/hosts`]))).toMatch(expected)
    expect(refusal(() => loadInventory([`${directory}/inv`]))).toMatch(expected)
  })
})
