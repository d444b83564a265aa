import { describe, expect, test } from 'vitest'
import { loadInventory } from '../../../src/inventory/index.ts'
import { literalOrText } from '../../../src/inventory/python-literal.ts'
import { refusal, write } from './inventory.ts'

const refused = (text: string): string => refusal(() => loadInventory([write(text, 'hosts.ini')]))

/** What Python 3.11 makes of each; the corpus has more of them. */
describe('values', () => {
  test.each<[string, unknown]>([
    ['5', 5],
    ['-5', -5],
    ['1_000', 1000],
    ['0x1F', 31],
    ['0o17', 15],
    ['0b11', 3],
    ['1e3', 1000],
    ['.5', 0.5],
    ['5.', 5],
    [' 5', 5],
    ['5 # five', 5],
    ['True', true],
    ['None', null],
    ["'a'", 'a'],
    [`"a" 'b'`, 'ab'],
    [`'''a"b'''`, 'a"b'],
    [String.raw`'\x41\u00e9\n\q\101'`, 'Aé\n\\qA'],
    [String.raw`r'\n'`, String.raw`\n`],
    ['b"x"', 'x'],
    ['[1, [2, "x"], (3,), {"k": None}]', [1, [2, 'x'], [3], { k: null }]],
    ['1, 2', [1, 2]],
    ['()', []],
    ['{1}', [1]],
    ['set()', []],
    ['{}', {}],
    ['{1: "a", True: "b"}', { 1: 'a', true: 'b' }],
  ])('%s is a literal', (text, value) => {
    expect(literalOrText(text)).toEqual(value)
  })

  test.each([
    '',
    'yes',
    'true',
    'null',
    '0644',
    '080',
    '56L',
    '1.2.3',
    '192.0.2.1',
    '00:11:22:33:44:55',
    '1+2',
    '2j',
    '--1',
    '-True',
    'f"x"',
    'a b',
    '#x',
    '[1, 2',
    '[yes]',
    '{"a": true}',
    `'a' b'c'`,
    String.raw`'\x4'`,
    String.raw`'\N{BULLET}'`,
    'Truest',
    '...',
    '('.repeat(300),
    // Larger than any number here: rounding it would be worse than its text.
    '99999999999999999999',
  ])('%j stays text', text => {
    expect(literalOrText(text)).toBe(text)
  })
})

describe('what is refused', () => {
  test.each<[string, string]>([
    ['[web', 'hosts.ini:1: expected a range such as [01:20], got a single bracket'],
    ['[a b]', 'hosts.ini:1: expected a section such as [web], [web:vars] or [web:children], got "[a b]"'],
    ['[]', 'hosts.ini:1: expected a section such as'],
    ['\n[web:hosst]', 'hosts.ini:2: expected hosts, children or vars after web:, got "hosst"'],
    ['[web:vars]\nx', 'hosts.ini:2: expected name=value, got a line without "="'],
    ['[web]\n[web:vars]\n=5', 'hosts.ini:3: expected name=value, got no name before "="'],
    ['[web:vars]\nx=1', 'hosts.ini:1: expected a section with the hosts of "web", got none'],
    [
      '[p:children]\nwbe\n[web]\n',
      'hosts.ini:2: expected a section for the child group "wbe", got none; did you mean "web"?',
    ],
    ['[p:children]\na b', 'hosts.ini:2: expected the name of a group, alone on its line, got "a b"'],
    [
      '[p:children]\npassword = hunter2',
      'hosts.ini:2: expected the name of a group, alone on its line, got a value for "password"',
    ],
    [
      '[web]\na x = 1',
      'hosts.ini:2: expected name=value after the host, got word 2 without "="; quote values with spaces',
    ],
    ['[web]\na ansible_password=hunter 2', 'hosts.ini:2: expected name=value after the host, got word 3 without "="'],
    [
      '[web]\nansible_password=hunter2',
      'hosts.ini:2: expected a host, got a value for "ansible_password"; variables of a group belong into its :vars section',
    ],
    ['[web]\na x="1', 'hosts.ini:2: expected a closing ", got the end of the line'],
    ['[web]\na x=1\\', 'hosts.ini:2: expected a character after the last backslash, got the end of the line'],
    ['[web]\na:', 'hosts.ini:2: expected a port after the colon, or no colon, got "a:"'],
    ['---\nweb:', 'hosts.ini:1: expected a host, got ---: is this YAML? name it .yaml then'],
    ['[web]\na:99999', 'hosts.ini:2: expected a port from 1 to 65535 after the name, got 99999'],
    ['[web]\nw[5:1]', 'hosts.ini:2: expected a range that goes up, got [5:1]'],
    ['[web]\na x={[]:1}', 'hosts.ini:2: expected text or numbers as the keys in x, got a list or a mapping'],
    ['[web]\n../a', 'hosts.ini:2: expected a name for a host, got "../a"'],
    ['[a:children]\nb\n[b:children]\na\n', 'hosts.ini:1: expected groups without a circle, got a > b > a'],
    ['[web]\na ansible_port=ssh', 'hosts.ini:2: expected a port from 1 to 65535 for ansible_port, got "ssh"'],
    ['[web]\na\n[web:vars]\nansible_host={{ x }}', 'hosts.ini:4: expected a plain value for ansible_host, got a Jinja'],
    ['[web]\na ctfix_stratgy=raise', 'hosts.ini:2: expected one of'],
  ])('%j', (text, expected) => {
    expect(refused(text)).toContain(expected)
    expect(refused(text)).not.toContain('hunter')
  })
})
