import { describe, expect, test } from 'vitest'
import { CtfixError } from '../../../src/errors.ts'
import { type Inventory, loadInventory } from '../../../src/inventory/index.ts'
import { write, writeTree } from './inventory.ts'

const TREE = {
  hosts: '[web]\na ansible_port=1 ansible_user=own\nb\n[all:vars]\nansible_port=2\n',
  'host_vars/a': 'ansible_port: 3\n',
}
const withExtra = (...extraVars: string[]): Inventory =>
  loadInventory([`${writeTree(TREE)}/hosts`], { user: 'me' }, { extraVars })
const ports = (inventory: Inventory): unknown => inventory.hosts.map(({ port, user }) => [port, user])

/** The whole message of what these are refused with. */
function refusal(...extraVars: string[]): string {
  try {
    ports(withExtra(...extraVars))
  } catch (error) {
    if (error instanceof CtfixError) return error.message
    throw error
  }
  throw new Error('nothing was refused')
}

describe('variables of the command line', () => {
  test('go before all that the inventory says, for every host, the later one last', () => {
    expect(ports(withExtra())).toEqual([
      [3, 'own'],
      [2, 'me'],
    ])
    expect(ports(withExtra('ansible_port=22 ansible_user=x', 'ansible_port=2222'))).toEqual([
      [2222, 'x'],
      [2222, 'x'],
    ])
  })

  test('are words as Ansible splits them, JSON, YAML, or a file of either; blank is none', () => {
    const of = (...texts: string[]): unknown =>
      [...withExtra(...texts).variables('b')]
        .filter(([name]) => !name.startsWith('ansible_'))
        .map(([name, { value }]) => [name, value])
    expect(of(`x=5 y="two words" z='a=b'`)).toEqual([
      ['x', '5'],
      ['y', 'two words'],
      ['z', 'a=b'],
    ])
    expect(of('{"x": 5, "y": [true]}', '  ')).toEqual([
      ['x', 5],
      ['y', [true]],
    ])
    expect(of('{x: yes}')).toEqual([['x', true]])
    expect(of(`@${write('x: 1\n', 'more.yml')}`)).toEqual([['x', 1]])
  })

  test('say where they come from', () => {
    const file = write('\nx: 1\n', 'more.yml')
    const variables = withExtra('y=2', `@${file}`).variables('a')
    expect(variables.get('y')?.place).toEqual({ file: '--extra-vars' })
    expect(variables.get('x')?.place).toEqual({ file, line: 2, column: 4 })
  })

  test('a password is taken from a file only, and never shown', () => {
    for (const text of [
      'ansible_password=kanarien',
      '{"ansible_become_pass": "kanarien"}',
      'x=1 ansible_ssh_pass=kanarien',
    ])
      expect(refusal(text)).toMatch(/^--extra-vars: ansible_\w+ is for no command line, .*(?<!kanarien)$/)
    const [host] = withExtra(`@${write('ansible_password: kanarien\n', 'secret.yml')}`).hosts
    expect([host?.password?.reveal(), JSON.stringify(host).includes('kanarien')]).toEqual(['kanarien', false])
  })

  test.each([
    ['word', /^--extra-vars: expected name=value, \{"name": value\} or @FILE, got a word without "="$/],
    ['x=kanarien y', /^--extra-vars: expected name=value, .*got a word without "="$/],
    ['x="kanarien', /^--extra-vars: expected (?!.*kanarien)/],
    ['./more.yml', /^--extra-vars: a file is named with an @ before it: @\.\/more\.yml$/],
    ['[1]', /^--extra-vars:1:1: expected a mapping of variables, got a list$/],
    ['{"x": ', /^--extra-vars:1:\d+: expected /],
    ['@/none/such.yml', /^\/none\/such\.yml: no such file$/],
    ['ctfix_stratgy=raise', /^--extra-vars: expected .*did you mean "ctfix_strategy"\?$/],
    ['ansible_port=many', /^--extra-vars: expected a port from 1 to 65535 for ansible_port, got "many"$/],
  ])('%j is refused', (text, expected) => {
    expect(refusal(text)).toMatch(expected)
  })
})
