import { describe, expect, test } from 'vitest'
import { loadInventory } from '../../../src/inventory/index.ts'
import { load, refusal, write } from './inventory.ts'

const names = (text: string): string[] => load(text).hosts.map(({ name }) => name)

describe('what a YAML inventory says', () => {
  test.each<[string, string, string[]]>([
    ['hosts of all', 'all: {hosts: {a: , b: }}', ['a', 'b']],
    ['groups at the top', 'x: {hosts: {a: }}\ny: {hosts: {b: , a: }}', ['a', 'b']],
    ['an empty group', 'x:\ny: {hosts: {b: }}', ['b']],
    ['empty sections', 'x: {hosts: , children: , vars: }\ny: {hosts: {b: }}', ['b']],
    ['a single name for a mapping', 'x: {hosts: web01, children: y}\ny: {hosts: {b: }}', ['web01', 'b']],
    [
      'ranges',
      'x: {hosts: {"web[01:03]": , "db[a:c:2]": , "e[1:2]x[a:b]": }}',
      ['web01', 'web02', 'web03', 'dba', 'dbc', 'e1xa', 'e1xb', 'e2xa', 'e2xb'],
    ],
    ['a host called y', 'x: {hosts: {y: , n: }}', ['y', 'n']],
    ['a byte order mark', '\uFEFFx: {hosts: {a: }}', ['a']],
    ['merged hosts', 'x: {hosts: &h {a: }}\ny: {hosts: {<<: *h, b: }}', ['a', 'b']],
    [
      'merged hosts in the order of the file',
      'x: {hosts: &h {c: , a: , b: }}\ny: {hosts: {d: , <<: *h, a: }}\nz: {hosts: {e: }}',
      ['c', 'a', 'b', 'd', 'e'],
    ],
    ['names like numbers keep their order', 'x: {hosts: {b: , "10": , "9": }}', ['b', '10', '9']],
  ])('%s', (_, text, expected) => {
    expect(names(text)).toEqual(expected)
  })

  test('a port beside the name, which a variable overrides', () => {
    const inventory = load(
      'x: {hosts: {"h:2022": , "[2001:db8::1]:22": , "2001:db8::2": , "i:2022": {ansible_port: 23}}}',
    )
    expect(inventory.hosts.map(({ name, port }) => [name, port])).toEqual([
      ['h', 2022],
      ['2001:db8::1', 22],
      ['2001:db8::2', 22],
      ['i', 23],
    ])
  })

  test('YAML 1.1 as PyYAML reads it', () => {
    const host = load('x: {hosts: {a: {q: yes, w: off, e: 1e3, r: 08:30, m: 00:11:22:33:44:55, o: 0644, y: y}}}')
    const values = [...host.variables('a')].map(([, { value }]) => value)
    expect(values).toEqual([true, false, '1e3', '08:30', '00:11:22:33:44:55', 420, 'y'])
  })

  test('a variable knows its place, also behind a merge', () => {
    const inventory = load('d: {vars: &d {port: 1}}\nx:\n  hosts:\n    a:\n      <<: *d\n      v: 2\n')
    const places = [...inventory.variables('a')].map(([name, { place }]) => [name, place.line])
    expect(places).toEqual([
      ['port', 1],
      ['v', 6],
    ])
  })

  test('a later source wins', () => {
    const first = write('x: {hosts: {a: {ansible_port: 1, ansible_user: u}}}')
    const second = write('x: {hosts: {b: , a: {ansible_port: 2}}}')
    const { hosts } = loadInventory([first, second])
    expect(hosts.map(({ name, port }) => [name, port])).toEqual([
      ['a', 2],
      ['b', 22],
    ])
    expect(hosts[0]?.user).toBe('u')
  })

  test('the place of a host', () => {
    expect(load('x:\n  hosts:\n    a:\n').hosts[0]?.place).toMatchObject({ line: 3, column: 5 })
  })
})

describe('what is refused', () => {
  const alias = `a: &a [${'x,'.repeat(9)}]\n`
  const bomb =
    alias +
    'bcdefghij'
      .split('')
      .map((name, i) => `${name}: &${name} [${`*${'abcdefghij'[i]},`.repeat(9)}]`)
      .join('\n')
  test.each<[string, string, string | RegExp]>([
    ['tab', 'all:\n\thosts:\n', 'hosts.yaml:2:1: expected spaces for indentation, got a tab'],
    [
      'duplicate key',
      'x: {hosts: {a: }}\nx: {}\n',
      /^hosts\.yaml:2:1: expected each key once, got "x" again \(first at .*:1:1\)$/,
    ],
    ['duplicate host', 'x:\n  hosts:\n    a: 1\n    a: 2\n', /^hosts\.yaml:4:5: expected each key once/],
    ['quote', 'x: {vars: {v: "abc}}\n', 'hosts.yaml:1:15: expected a closing quote, got the end of the file'],
    ['two documents', 'x: {}\n---\ny: {}\n', 'hosts.yaml:2:1: expected one YAML document, got a second one'],
    ['empty', '', 'hosts.yaml: expected YAML, got an empty file'],
    ['blank', ' \n\n', 'hosts.yaml: expected YAML, got an empty file'],
    ['comments', '# nothing\n', 'hosts.yaml: expected YAML, got only comments'],
    ['unknown anchor', 'x: *nope\n', /^hosts\.yaml:1:4: expected an anchor of this name above, got none; (?!.*nope)/],
    ['circular anchor', 'x: &x {hosts: *x}\n', /^hosts\.yaml:1:15: expected a value, got one that contains itself/],
    [
      'unknown tag',
      'x: {vars: {v: !foo 1}}\n',
      /^hosts\.yaml:1:15: expected no tag but !vault, .*, got another; (?!.*foo)/,
    ],
    ['bomb', bomb, /expected at most 1000000 values by alias, got more/],
    ['deep', `x: ${'['.repeat(150)}${']'.repeat(150)}`, /expected at most 100 levels, got more/],
    ['deeper', `x: ${'['.repeat(50_000)}`, /nested too deeply/],
    [
      'deep by aliases',
      Array.from({ length: 150 }, (_, i) => `a${i}: &a${i} [${i === 0 ? 1 : `*a${i - 1}`}]`).join('\n'),
      /expected at most 100 levels/,
    ],
    ['unquoted Jinja', 'x: {vars: {v: {{ foo }}}}\n', /does a \{\{ \}\} lack its quotes\?/],
    ['merging text', 'x: {vars: {<<: text}}\n', 'hosts.yaml:1:12: expected a mapping to merge'],
    ['list', '- hosts: all\n', 'hosts.yaml:1:1: expected a mapping of groups, got a list'],
    ['text', 'hello\n', 'hosts.yaml:1:1: expected a mapping of groups, got text'],
    ['plugin', 'plugin: aws_ec2\n', /^hosts\.yaml:1:1: expected groups, got the configuration of an inventory plugin/],
    ['sections at the top', 'hosts: {a: }\n', 'hosts.yaml:1:1: expected a group, got "hosts"; indent it under "all:"'],
    [
      'misspelt section',
      'x:\n  host: {a: }\n',
      'hosts.yaml:2:3: expected hosts, children or vars in x, got "host"; did you mean "hosts"?',
    ],
    ['group that is text', 'x: text\n', 'hosts.yaml:1:4: expected a mapping of hosts, children and vars, got text'],
    ['list of hosts', 'x: {hosts: [a, b]}\n', 'hosts.yaml:1:12: expected a mapping of hosts, got a list'],
    ['vars that are a list', 'x: {vars: [a]}\n', 'hosts.yaml:1:11: expected a mapping of variables, got a list'],
    ['host that is text', 'x: {hosts: {a: b}}\n', 'hosts.yaml:1:16: expected a mapping of variables, got text'],
    ['number as a name', 'x: {hosts: {123: }}\n', 'hosts.yaml:1:13: expected a name, got 123; put it in quotes'],
    ['name with a space', 'x: {hosts: {"a b": }}\n', 'hosts.yaml:1:13: expected a name for a host, got "a b"'],
    ['name that climbs', 'x: {hosts: {../etc: }}\n', /expected a name for a host/],
    ['name like an option', 'x: {hosts: {-oProxyCommand=x: }}\n', /expected a name for a host/],
    ['range down', 'x: {hosts: {"w[5:1]": }}\n', 'hosts.yaml:1:13: expected a range that goes up, got [5:1]'],
    [
      'range of two lengths',
      'x: {hosts: {"w[01:9]": }}\n',
      'hosts.yaml:1:13: expected a begin and an end of the same length, got [01:9]',
    ],
    ['range without end', 'x: {hosts: {"w[1:]": }}\n', /expected a range \[begin:end\]/],
    ['range of words', 'x: {hosts: {"w[a:9]": }}\n', /expected numbers or single letters/],
    ['range bomb', 'x: {hosts: {"w[1:999999999]": }}\n', /expected at most 100000 hosts in a range/],
    ['ranges that multiply', 'x: {hosts: {"w[1:999][1:999]": }}\n', /expected at most 100000 hosts in a range/],
    ['single bracket', 'x: {hosts: {"w[1:3": }}\n', /got a single bracket/],
    ['step of nothing', 'x: {hosts: {"w[1:3:0]": }}\n', /expected a range/],
    ['port', 'x: {hosts: {"w:70000": }}\n', /expected a port from 1 to 65535 after the name, got 70000/],
    [
      'circle',
      'a: {children: {b: {children: {c: {children: {a: }}}}}}\n',
      /expected groups without a circle, got a > b > c > a$/,
    ],
    [
      'circle through all',
      'a: {children: {all: {hosts: {x: }}}}\n',
      /expected groups without a circle, got all > a > all$/,
    ],
    ['group in itself', 'a: {children: {a: }}\n', /got a > a$/],
    [
      'priority',
      'a: {vars: {ansible_group_priority: high}, hosts: {x: }}\nb: {hosts: {x: }}\n',
      /expected a whole number for ansible_group_priority, got "high"/,
    ],
    [
      'misspelt variable of ours',
      'x: {hosts: {a: {ctfix_strateg: raise}}}\n',
      /^hosts\.yaml:1:\d+: .*got "ctfix_strateg"; did you mean "ctfix_strategy"\?$/,
    ],
  ])('%s', (_, text, expected) => {
    expect(refusal(text)).toMatch(expected)
  })

  test.each([
    'x: {hosts: {a: hunter2}}\n',
    'x: {hosts: {a: {ansible_password: !hunter2}}}\n',
    'x: {hosts: {a: {ansible_password: !hunter2 x}}}\n',
    'x: {hosts: {a: {ansible_password: *hunter2}}}\n',
    'x: {hosts: {a: {ansible_password: &hunter2 [*hunter2]}}}\n',
    'x:\n  vars:\n    ansible_password: |hunter2\n',
    'x:\n  vars:\n    ansible_password: !<hunter2> x\n',
    'x:\n  vars:\n    ansible_password: !hunter2!hunter2 x\n',
    'hunter2\n',
  ])('%j is refused without what may be a password', text => {
    expect(refusal(text)).toMatch(/^hosts\.yaml:\d+:\d+: expected (?!.*hunter2)/)
  })

  test('bytes that are no UTF-8, with their line', () => {
    expect(refusal(() => loadInventory([write(Uint8Array.from([0x61, 0x0a, 0xff, 0x0a]))]))).toBe(
      'hosts.yaml:2: expected UTF-8 text, got other bytes',
    )
  })
})
