/** Inventories nobody would write, but Ansible reads: INI files with group_vars and host_vars beside them. */
import fc from 'fast-check'

/** Files of one inventory by name; `hosts` is the inventory itself. */
export type Files = Readonly<Record<string, string>>

// In this order a group may only be a child of those before it: no circles. None below `ungrouped`: what Ansible makes
// of such a group hangs on whether its hosts are also named in `ungrouped` itself.
const GROUPS = ['web', 'db', 'app', 'cache', 'edge', 'zone-1']
const HOSTS = [
  ...['a', 'b', 'c', 'h2', 'xb', 'l1', 'é', '10.0.0.1', 'k:2222', 'long.name.example.com'],
  ...['h[1:3]', 'x[a:c]', 'n[01:03:2].ex', 'w_[1:2]-[a:b]'],
]
const VALUES = [
  ...['5', '-1', '1.5', '0644', '0x10', '1e3', 'True', 'true', 'yes', 'None', '~', '', '!', '%', '[]', '""', '{}'],
  ...[
    "'q'",
    '"d"',
    '[1, 2]',
    '{"a": 1}',
    '{1: [2]}',
    '(1,)',
    '1,2',
    'None,',
    '( 5 )',
    '- 1',
    '+ 2',
    '"a" "b"',
    '[yes]',
  ],
  ...['a b', 'a=b', '#c', '5 # c', 'x # c', 'a;b', '\\n', '"a\\tb"', '"it\'s"', '{{ j }}', '~/x', 'http://x/?y=1'],
]
const YAML_VALUES = [
  ...['5', 'yes', 'off', '"q"', 'null', '~', '0644', '1e3', '1.0', '12:30', 'text', '"{{ j }}"'],
  ...['[1, 2]', '{a: 1}', '|\n  a\n  b', '>-\n  a\n  b', '\n  - 1\n  - b', '\n  k: 1'],
]
const NAMES = ['v', 'w', 'x', 'y']

const one = (words: readonly string[]): fc.Arbitrary<string> => fc.constantFrom(...words)
const some = (words: readonly string[], most: number): fc.Arbitrary<string[]> =>
  words.length === 0 ? fc.constant([]) : fc.uniqueArray(one(words), { maxLength: most })

/** In quotes or not, as a person might get it past the shell's rules that a host's line has. */
const quoted = fc.tuple(one(VALUES), fc.nat({ max: 2 })).map(([value, how]) => {
  if (how === 0) return `"${value.replaceAll(/["\\]/g, '\\$&')}"`
  return how === 1 && !value.includes("'") ? `'${value}'` : value.replaceAll(/[ '"\\]/g, '')
})
const assignments = fc
  .tuple(some(NAMES, 2), fc.array(quoted, { minLength: 2, maxLength: 2 }))
  .map(([names, values]) => names.map((name, i) => ` ${name}=${values[i]}`).join(''))
const hostLine = fc
  .tuple(one(['', '', '  ']), one(HOSTS), assignments, one(['', '', ' # c', '\n# c', '\n; c']))
  .map(parts => parts.join(''))
const variable = fc.tuple(one(NAMES), one(['=', ' = ']), one(VALUES)).map(parts => parts.join(''))
const priority = one(['', '', '', 'ansible_group_priority=10', 'ansible_group_priority = -1'])

const sections = (group: string): fc.Arbitrary<readonly string[]> =>
  fc
    .record({
      hosts: fc.array(hostLine, { maxLength: 4 }),
      variables: fc.array(variable, { maxLength: 3 }),
      priority,
      children: some(GROUPS.slice(GROUPS.indexOf(group) + 1), 2),
    })
    .map(({ hosts, variables, priority, children }) => [
      [`[${group}]`, ...hosts].join('\n'),
      [`[${group}:vars]`, ...variables, priority].join('\n'),
      [`[${group}:children]`, ...(GROUPS.includes(group) ? children : [])].join('\n'),
    ])

/** Every group has a section, so that any may be named as a child; the sections come in any order. */
const ini = fc
  .tuple(fc.array(hostLine, { maxLength: 2 }), ...[...GROUPS, 'all', 'ungrouped'].map(sections))
  .chain(([loose, ...groups]) => {
    const all = groups.flat()
    return fc
      .shuffledSubarray(all, { minLength: all.length, maxLength: all.length })
      .map(shuffled => `${[...loose, ...shuffled].join('\n')}\n`)
  })

const yaml = fc
  .uniqueArray(fc.tuple(one(NAMES), one(YAML_VALUES)), { minLength: 1, maxLength: 3, selector: ([name]) => name })
  .map(entries => entries.map(([name, value]) => `${name}: ${value}\n`).join(''))
const file = (kind: string, names: readonly string[], endings: readonly string[]): fc.Arbitrary<string> =>
  fc.tuple(one(names), one(endings)).map(([name, ending]) => `${kind}/${name}${ending}`)
const beside = fc.dictionary(
  fc.oneof(
    file('group_vars', [...GROUPS, 'all', 'ungrouped'], ['', '.yml', '.yaml']),
    file('host_vars', ['a', 'h2', 'xb', 'k', 'é'], ['', '.yml', '.json']),
  ),
  yaml,
  { maxKeys: 5 },
)

/** One inventory with the files beside it, and some with more beside a playbook and a second source. */
export const inventory: fc.Arbitrary<Files> = fc
  .tuple(ini, beside, fc.option(beside), fc.option(fc.tuple(ini, beside)))
  .map(([hosts, files, played, second]) => ({
    hosts,
    ...files,
    ...below('play', played ?? {}),
    ...(second ? below('two', { hosts: second[0], ...second[1] }) : {}),
  }))

const below = (directory: string, files: Files): Files =>
  Object.fromEntries(Object.entries(files).map(([name, text]) => [`${directory}/${name}`, text]))
