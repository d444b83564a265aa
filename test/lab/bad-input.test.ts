/** What a user can get wrong before any host is touched: the exit code, one line on stderr that says what was expected. */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Result, runProgram } from './product.ts'

const host = (...lines: readonly string[]): string =>
  ['all:', '  hosts:', '    web-1:', ...lines.map(line => `      ${line}`), ''].join('\n')

const VAULT = readFileSync(join(import.meta.dirname, '../inventory/corpus/vault-file/group_vars/web/vault.yml'))

const FILES: Readonly<Record<string, string | Buffer>> = {
  'good.yaml': 'all:\n  hosts:\n    web-1:\n    web-2:\n',
  'tab.yaml': 'all:\n  hosts:\n\tweb-1:\n',
  'twice.yaml': host('ansible_port: 22', 'ansible_port: 23'),
  'port.yaml': host('ansible_port: many'),
  'become.yaml': host('ansible_become: perhaps'),
  'unknown.yaml': host('ctfix_stratgy: raise'),
  'strategy.yaml': host('ctfix_strategy: rise'),
  'option.yaml': host('ctfix_strategy: raise', 'ctfix_options:', '  maxx: 5'),
  'value.yaml': host('ctfix_strategy: raise', 'ctfix_options:', '  buckets: many'),
  'jinja.yaml': host('ansible_host: "{{ address }}"'),
  'section.yaml': 'all:\n  hsots:\n    web-1:\n',
  'quote.yaml': 'all:\n  hosts: {web-1: "x\n',
  'list.yaml': '- web-1\n',
  'bytes.yaml': Buffer.from([0x61, 0x6c, 0x6c, 0x3a, 0x0a, 0xff, 0xfe, 0x0a]),
  'empty.yaml': '',
  'comments.yaml': '# nothing yet\n',
  'hostless.yaml': 'all:\n  hosts:\n',
  'hosts.ini': '[web]\nweb-1\n\n[web:vars]\nansible_port 22\n',
  'child.ini': '[site:children]\nwbe\n[web]\nweb-1\n',
  'hosts.toml': '[web.hosts]\n',
  'program.sh': '#!/bin/sh\necho no luck >&2\nexit 2\n',
  'group_vars/vaulted': VAULT,
  'vaulted.yaml': 'vaulted:\n  hosts:\n    web-1:\n',
  password: 'hunter2\n',
  'empty.retry': '\n',
  'escapes.yaml': host('ansible_port: "\\e[2Jmany"'),
  'play.yaml': '- hosts: all\n  strategy: raise\n  options:\n    max: lots\n',
  'nobody.yaml': '- hosts: nosuch\n  strategy: raise\n',
  'tasks.yaml': '- hosts: all\n  tasks: []\n',
  'serial.yaml': '- hosts: all\n  strategy: raise\n  serial: [1, none]\n',
  'seriel.yaml': '- hosts: all\n  strategy: raise\n  seriel: 1\n',
  'canary.yaml': '- hosts: all\n  strategy: raise\n  canary: web-9\n',
}

let directory = ''

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'ctfix-input-'))
  mkdirSync(join(directory, 'group_vars'))
  for (const [name, content] of Object.entries(FILES)) writeFileSync(join(directory, name), content)
  chmodSync(join(directory, 'program.sh'), 0o755)
})

afterAll(() => rmSync(directory, { recursive: true, force: true }))

type Case = readonly [words: string, exitCode: number, says: RegExp]

const PLAN = 'plan -i good.yaml --strategy'
const SIZE = 'expected auto or a whole number from 1 to 2147483647 for raise'
const SECONDS = 'expected whole seconds from 1 to 2147483, or a duration such as 2h4m for timeouts\\.established'

const INVENTORIES: readonly Case[] = [
  ['facts', 64, /^ctfix: no inventory given$/],
  ['facts -i ,', 64, /^ctfix: expected hosts in the list after -i, got ","$/],
  ['facts -i nosuch.yaml', 65, /^ctfix: nosuch\.yaml: no such file$/],
  // The first of its files that cannot be read.
  ['facts -i .', 65, /^ctfix: bytes\.yaml:2: expected UTF-8 text, got other bytes$/],
  ['facts -i good.yaml/below', 65, /^ctfix: good\.yaml\/below: no such file: a part of its path is not a directory$/],
  ['facts -i tab.yaml', 65, /^ctfix: tab\.yaml:3:1: expected spaces for indentation, got a tab$/],
  [
    'facts -i twice.yaml',
    65,
    /^ctfix: twice\.yaml:5:7: expected each key once, got "ansible_port" again \(first at .*:4:7\)$/,
  ],
  ['facts -i port.yaml', 65, /^ctfix: port\.yaml:4:21: expected a port from 1 to 65535 for ansible_port, got "many"$/],
  ['facts -i become.yaml', 65, /^ctfix: become\.yaml:4:23: expected true or false for ansible_become, got "perhaps"$/],
  [
    'facts -i unknown.yaml',
    65,
    /^ctfix: unknown\.yaml:4:\d+: expected .*, got "ctfix_stratgy"; did you mean "ctfix_strategy"\?$/,
  ],
  [
    'facts -i jinja.yaml',
    65,
    /^ctfix: jinja\.yaml:4:21: expected a plain value for ansible_host, got a Jinja expression/,
  ],
  [
    'facts -i section.yaml',
    65,
    /^ctfix: section\.yaml:2:3: expected hosts, children or vars in all, got "hsots"; did you mean "hosts"\?$/,
  ],
  ['facts -i quote.yaml', 65, /^ctfix: quote\.yaml:2:18: expected a closing quote, got the end of the file$/],
  ['facts -i list.yaml', 65, /^ctfix: list\.yaml:1:1: expected a mapping of groups, got a list$/],
  ['facts -i bytes.yaml', 65, /^ctfix: bytes\.yaml:2: expected UTF-8 text, got other bytes$/],
  ['facts -i empty.yaml', 65, /^ctfix: empty\.yaml: expected YAML, got an empty file$/],
  ['facts -i comments.yaml', 65, /^ctfix: comments\.yaml: expected YAML, got only comments$/],
  ['facts -i hostless.yaml', 66, /^ctfix: no hosts in hostless\.yaml$/],
  ['facts -i hosts.ini', 65, /^ctfix: hosts\.ini:5: expected name=value, got a line without "="$/],
  [
    'facts -i child.ini',
    65,
    /^ctfix: child\.ini:2: expected a section for the child group "wbe", got none; did you mean "web"\?$/,
  ],
  ['facts -i hosts.toml', 65, /^ctfix: hosts\.toml: expected YAML, INI, JSON or a program, got TOML/],
  ['facts -i program.sh', 65, /^ctfix: program\.sh: expected exit code 0 of --list, got exit code 2: no luck$/],
  [
    'facts -i vaulted.yaml',
    65,
    /^ctfix: group_vars\/vaulted:1: expected a vault password for a vaulted value, got none$/,
  ],
  [
    'facts -i vaulted.yaml --vault-password-file password',
    65,
    /^ctfix: group_vars\/vaulted:1: expected the password of a vaulted value, got a wrong one \(tried: default\)$/,
  ],
  ['facts -i good.yaml --vault-password-file nosuch', 65, /^ctfix: nosuch: no such file$/],
  [
    'facts -i good.yaml --vault-id prod@empty.retry',
    65,
    /^ctfix: empty\.retry: expected a vault password, got nothing$/,
  ],
  ['facts -i good.yaml --vault-id prod@', 64, /^ctfix: --vault-id prod@: expected a file or prompt after the @$/],
  ['facts -i good.yaml --ask-vault-pass', 64, /^ctfix: cannot ask for a password without a terminal$/],
  ['inventory host web-3 -i good.yaml', 66, /^ctfix: no host is called "web-3"; did you mean web-1\?$/],
  ['facts -i good.yaml --playbook-dir good.yaml', 64, /^ctfix: --playbook-dir good\.yaml: expected a directory$/],
  ['inventory list -i port.yaml', 65, /^ctfix: port\.yaml:4:21: expected a port from 1 to 65535/],
  ['inventory host web-1 -i port.yaml', 65, /^ctfix: port\.yaml:4:21: expected a port from 1 to 65535/],
  ['inventory list -i good.yaml --limit nosuch', 66, /^ctfix: no host or group matches "nosuch"$/],
  ['inventory graph -i good.yaml --limit nosuch', 66, /^ctfix: no host or group matches "nosuch"$/],
  ['inventory host web-2 -i good.yaml --limit web-1', 66, /^ctfix: no host is called "web-2"; did you mean web-1\?$/],
  ['facts -i escapes.yaml', 65, /^ctfix: escapes\.yaml:4:21: expected a port .*, got "\\\\x1b\[2Jmany"$/],
]

const WANTED: readonly Case[] = [
  ['plan -i good.yaml', 64, /^ctfix: nothing to do for web-1: give --strategy, --playbook, or ctfix_strategy/],
  [
    'plan -i strategy.yaml',
    65,
    /^ctfix: strategy\.yaml:4:23: expected a strategy, got "rise"; did you mean "raise"\?$/,
  ],
  [
    'plan -i option.yaml',
    65,
    /^ctfix: option\.yaml:6:9: expected an option of raise, got "maxx"; did you mean "max"\?$/,
  ],
  ['plan -i value.yaml', 65, new RegExp(`^ctfix: value\\.yaml:6:18: ${SIZE}\\.buckets, got "many"$`)],
  [`${PLAN} rise`, 64, /^ctfix: expected a strategy, got "rise"; did you mean "raise"\?$/],
  [`${PLAN} raise,`, 64, /^ctfix: expected a strategy \(raise, timeouts, [a-z, ]+\), got ""$/],
  [`${PLAN} raise --set maxx=4`, 65, /^ctfix: --set: expected an option of raise, got "maxx"; did you mean "max"\?$/],
  [
    `${PLAN} raise,timeouts --set rise.max=5`,
    65,
    /^ctfix: --set: expected one of the strategies, got "rise"; did you mean "raise"\?$/,
  ],
  [`${PLAN} raise --set max=0`, 65, new RegExp(`^ctfix: --set: ${SIZE}\\.max, got 0$`)],
  [`${PLAN} raise --set max=-5`, 65, new RegExp(`^ctfix: --set: ${SIZE}\\.max, got -5$`)],
  [`${PLAN} raise --set max=`, 65, new RegExp(`^ctfix: --set: ${SIZE}\\.max, got ""$`)],
  [`${PLAN} raise --set buckets=many`, 65, new RegExp(`^ctfix: --set: ${SIZE}\\.buckets, got "many"$`)],
  [`${PLAN} timeouts --set established=-1`, 65, new RegExp(`^ctfix: --set: ${SECONDS}, got -1$`)],
  [`${PLAN} timeouts --set established=1.5`, 65, new RegExp(`^ctfix: --set: ${SECONDS}, got 1\\.5$`)],
  [`${PLAN} timeouts --set established=soon`, 65, new RegExp(`^ctfix: --set: ${SECONDS}, got "soon"$`)],
  [`${PLAN} raise --set max`, 64, /^ctfix: --set max: expected key=value or strategy\.key=value$/],
  [`${PLAN} raise --set =5`, 64, /^ctfix: --set =5: expected key=value or strategy\.key=value$/],
  ['plan -i good.yaml --set max=5', 64, /^ctfix: --set needs --strategy/],
  [
    'apply -i good.yaml --strategy raise',
    64,
    /^ctfix: nobody to ask: without a terminal, apply needs --yes \(or --dry-run\)$/,
  ],
  ['apply -i good.yaml --strategy raise --yes --ask-pass', 64, /^ctfix: cannot ask for a password without a terminal$/],
  ['plan -i good.yaml --playbook nosuch.yaml', 65, /^ctfix: nosuch\.yaml: no such file$/],
  ['plan -i good.yaml --playbook play.yaml', 65, new RegExp(`^ctfix: play\\.yaml:4:10: ${SIZE}\\.max, got "lots"$`)],
  ['plan -i good.yaml --playbook nobody.yaml', 66, /^ctfix: nobody\.yaml:1:10: no host or group matches "nosuch"$/],
  [
    'plan -i good.yaml --playbook tasks.yaml',
    65,
    /^ctfix: tasks\.yaml:2:3: expected a strategy, got "tasks": ctfix is no general runner$/,
  ],
  [
    'plan -i good.yaml --playbook serial.yaml',
    65,
    /^ctfix: serial\.yaml:3:15: expected a number of hosts from 1, .* got "none"/,
  ],
  ['plan -i good.yaml --playbook seriel.yaml', 65, /^ctfix: seriel\.yaml:3:3: .*did you mean "serial"\?/],
  ['plan -i good.yaml --playbook canary.yaml', 66, /^ctfix: canary\.yaml:3:11: no host or group matches "web-9"/],
  ['apply -i good.yaml --strategy raise --yes --serial 0', 64, /expected numbers of hosts from 1, .* got 0/],
  [`${PLAN} raise --playbook play.yaml`, 64, /^ctfix: --strategy and --playbook: give one of them$/],
  ['verify -i good.yaml --run NOSUCH --state-dir state', 65, /^ctfix: no run NOSUCH in state\/runs$/m],
]

const FLAGS: readonly Case[] = [
  ['facts -i good.yaml --limit nosuch', 66, /^ctfix: no host or group matches "nosuch"$/],
  ['facts -i good.yaml --limit wbe-1', 66, /^ctfix: no host or group matches "wbe-1"; did you mean web-1\?$/],
  ['facts -i good.yaml --limit @nosuch', 65, /^ctfix: nosuch: no such file$/],
  ['facts -i good.yaml --limit @empty.retry', 66, /^ctfix: no host matches "@empty\.retry": the file is empty$/],
  ['facts -i good.yaml --limit !all', 66, /^ctfix: no host matches "!all"$/],
  ['facts -i good.yaml --limit ~(', 64, /^ctfix: expected a pattern, got "~\("/],
  [
    'facts -i good.yaml --forks 0',
    64,
    /^error: option '-f, --forks <n>' .*expected a whole number from 1 to 1000, got 0$/,
  ],
  [
    'facts -i good.yaml --connect-timeout 1.5',
    64,
    /^error: .*expected seconds or a duration such as 90s or 2m, at least 1, got 1\.5$/,
  ],
  [
    'facts -i good.yaml --connect-timeout=-3',
    64,
    /^error: .*expected seconds or a duration such as 90s or 2m, at least 1, got -3$/,
  ],
  [`verify -i good.yaml --strategy raise --window 0`, 64, /^error: .*expected seconds .* at least 1, got 0$/],
  ['facts -i good.yaml --output xml', 64, /^error: .*Allowed choices are human, json, ndjson, markdown, junit\.$/],
  ['facts -i good.yaml --limit web-1 --limit web-2', 64, /^error: .*expected it once, got web-1 and web-2$/],
  [
    'plan -i good.yaml --playbook play.yaml --playbook b.yaml',
    64,
    /^error: .*expected it once, got play\.yaml and b\.yaml$/,
  ],
  ['facts -i good.yaml -J u@h:99999', 64, /^error: .*expected jump hosts such as user@host:22, .* got u@h:99999$/],
  ['facts -i good.yaml --private-key nosuch', 65, /^ctfix: nosuch: no such file$/],
  ['facts -i good.yaml -F nosuch', 65, /^ctfix: nosuch: no such file$/],
  ['facts -i good.yaml --private-key good.yaml/key', 65, /^ctfix: good\.yaml\/key: no such file: a part of its path /],
  ['facts -i good.yaml --known-hosts group_vars', 65, /^ctfix: group_vars: expected a file, got a directory$/],
  ['facts -i good.yaml --inventroy x', 64, /^error: unknown option '--inventroy'$/],
  ['fact -i good.yaml', 64, /^error: unknown command 'fact'$/],
]

function judge({ exitCode, stdout, stderr }: Result, code: number, says: RegExp): void {
  const [line = '', ...rest] = stderr.split('\n')
  expect(line).toMatch(says)
  // Beyond the line there may be what to try.
  expect(rest.filter(more => !/^( {2}try: .*|\(Did you mean .*\?\))?$/.test(more))).toEqual([])
  expect(stderr).not.toContain('    at ')
  expect(stderr).not.toContain('\u001b')
  expect(stdout).toBe('')
  expect(exitCode).toBe(code)
}

describe.concurrent.for([
  ['inventories', INVENTORIES],
  ['what is wanted', WANTED],
  ['flags', FLAGS],
] as const)('%s', ([, cases]) => {
  test.for(cases)('ctfix %s: exit %i', async ([words, code, says]) => {
    judge(await runProgram(words.split(' '), { cwd: directory }), code, says)
  })
})

describe.concurrent('words that are empty', () => {
  test.for<readonly [readonly string[], RegExp]>([
    [['facts', '-i', ''], /^ctfix: expected a file or a list of hosts after -i, got nothing$/],
    [['facts', '-i', 'good.yaml', '-u', ''], /^error: .*expected something, got nothing$/],
    [['facts', '-i', 'good.yaml', '-J', ''], /^error: .*expected jump hosts .*, got $/],
    [['plan', '-i', 'good.yaml', '--playbook', ''], /^error: .*expected something, got nothing$/],
    [['facts', '-i', 'good.yaml', '--limit', ''], /^ctfix: expected a host pattern, got ""; "all" selects every host$/],
    [
      ['plan', '-i', 'good.yaml', '--strategy', ''],
      /^ctfix: expected a strategy \(raise, timeouts, [a-z, ]+\), got ""$/,
    ],
  ])('%j', async ([words, says]) => {
    judge(await runProgram(words, { cwd: directory }), 64, says)
  })
})

/** Root reads what nobody may read, unless it gives that up. */
const UNDER = process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-dac_override,-dac_read_search'] : []

test('an inventory without permission to read it', async () => {
  writeFileSync(join(directory, 'closed.yaml'), 'all:\n')
  chmodSync(join(directory, 'closed.yaml'), 0o000)
  const result = await runProgram(['facts', '-i', 'closed.yaml'], { cwd: directory, under: UNDER })
  judge(result, 65, /^ctfix: closed\.yaml: the file cannot be read: permission denied$/)
})

test.for(['--private-key', '-F', '--known-hosts'])('%s in a directory that we may not look into', async flag => {
  const shut = mkdtempSync(join(directory, 'shut-'))
  chmodSync(shut, 0o000)
  const file = join(shut, 'file')
  const result = await runProgram(['facts', '-i', 'good.yaml', flag, file], { cwd: directory, under: UNDER })
  judge(result, 65, /\/file: the file cannot be read: permission denied$/)
})

test('without a word there is help, on stderr', async () => {
  const { exitCode, stdout, stderr } = await runProgram([])
  expect([exitCode, stdout]).toEqual([64, ''])
  expect(stderr).toContain('Usage: ctfix')
})
