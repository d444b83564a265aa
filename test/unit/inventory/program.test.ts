import { chmodSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { InterruptedError } from '../../../src/errors.ts'
import { parseAnsibleJson } from '../../../src/inventory/ansible-yaml.ts'
import { Secret } from '../../../src/inventory/host.ts'
import { loadInventory } from '../../../src/inventory/index.ts'
import { JsonFault, readJson } from '../../../src/inventory/json-text.ts'
import { hearProgram } from '../../../src/inventory/program.ts'
import { NO_VAULT, Vault } from '../../../src/inventory/vault.ts'
import { isThere } from '../../support/processes.ts'
import { loadHeard, refusal, refusalOf, write, writeTree } from './inventory.ts'

const program = (script: string, mode = 0o755): string => {
  const file = write(`#!/bin/sh\n${script}\n`, 'inv.sh')
  chmodSync(file, mode)
  return file
}
const refused = (script: string, mode?: number): Promise<string> => refusalOf([program(script, mode)])
const says = (text: string): string => `cat <<'END'\n${text}\nEND`

describe('an inventory program', () => {
  test('is asked once where it tells everything', async () => {
    const script = `[ "$1" = --list ] || exit 9\n${says('{"web": ["a"], "_meta": {"hostvars": {"a": {"ansible_port": 2}}}}')}`
    expect((await loadHeard([program(script)])).hosts).toMatchObject([{ name: 'a', port: 2, groups: ['all', 'web'] }])
  })

  test('is asked for each host where it does not', async () => {
    const script = `if [ "$1" = --host ]; then echo '{"ansible_user": "'$2'"}'; else echo '{"web": ["a", "b"]}'; fi`
    expect((await loadHeard([program(script)])).hosts.map(({ user }) => user)).toEqual(['a', 'b'])
  })

  test('may have vaults in what it prints', async () => {
    const file = join(import.meta.dirname, '../../inventory/corpus/vault-file/group_vars/web/vault.yml')
    const vault = new Vault([{ label: 'default', password: new Secret('corpus one') }])
    const vars = JSON.stringify({ ansible_password: { __ansible_vault: readFileSync(file, 'utf8') } })
    const whole = program(says(`{"web": ["a"], "_meta": {"hostvars": {"a": ${vars}}}}`))
    const asked = program(`if [ "$1" = --list ]; then echo '{"web": ["a"]}'; exit; fi\n${says(vars)}`)
    for (const source of [whole, asked]) {
      const [host] = (await loadHeard([source], { vault })).hosts
      expect(host?.password?.reveal()).toContain('vault_pw: s3cret')
    }
  })

  test('is found beside us, whatever PATH says', async () => {
    const directory = writeTree({
      'inv/sub/list': '#!/bin/sh\necho \'{"g": ["a"]}\'\n',
      'inv/x.yml': 'g: {hosts: {b: }}\n',
    })
    expect((await loadHeard([`${directory}/inv`])).groups.get('g')?.hosts).toEqual(['a', 'b'])
  })

  test.each<[string, RegExp]>([
    ['exit 3', /^inv\.sh: expected exit code 0 of --list, got exit code 3$/],
    ['echo oops >&2; exit 1', /got exit code 1: oops$/],
    ["printf 'a\\033[2Jb' >&2; exit 1", /got exit code 1: a\\x1b\[2Jb$/],
    ['kill -9 $$', /got signal SIGKILL$/],
    ['true', /inv\.sh --list:1:1: expected JSON, got nothing$/],
    [says('web:'), /--list:1:1: expected JSON, got something else$/],
    [says('{\n "web": [\n}'), /--list:3:1: expected JSON, got something else$/],
    [says('{"a": ["x"]'), /--list:\d+:\d+: expected JSON, got/],
    [says('[]'), /--list:1:1: expected a mapping of groups, got an empty list$/],
    [says('"web"'), /--list:1:1: expected a mapping of groups, got text$/],
    [says('{"web": {"hosts": "a"}}'), /--list:1:19: expected a list of names for "web"\."hosts", got text$/],
    [says('{"web": {"hosts": [1]}}'), /--list:1:20: expected a name for "web"\."hosts"\."0", got a number$/],
    [says('{"web": {"vars": "hunter2"}}'), /:1:18: expected a mapping of variables for "web"\."vars", got text$/],
    [says('{"web": "a"}'), /:1:9: expected a list of names for "web"\."hosts", got text$/],
    [says('{"_meta": "x"}'), /:1:11: expected a mapping for "_meta", got text$/],
    [says('{"_meta": {"hostvars": "x"}}'), /:1:24: expected a mapping of hosts for "_meta"\."hostvars", got text$/],
    [
      says('{"web": ["a"],\n "_meta": {"hostvars": {"a": "hunter2"}}}'),
      /--list:2:30: expected a mapping of variables for "a", got text$/,
    ],
    [says('{"web": ["a"], "web": ["b"]}'), /:1:16: expected each key once, got "web" again \(first at .*--list:1:2\)$/],
    [says('['.repeat(50_000)), /--list: expected JSON, got a file nested too deeply to read$/],
    [says('{"web": {"vars": []}}'), /expected a mapping of variables for "web"\."vars", got an empty list$/],
    [says('{"web": {"children": {}}}'), /expected a list of names for "web"\."children", got a mapping$/],
    [says('{"web": 5}'), /expected a list of names for "web"\."hosts", got a number$/],
    [says('{"_meta": 5}'), /expected a mapping for "_meta", got a number$/],
    [says('{"_meta": {"hostvars": []}}'), /expected a mapping of hosts for "_meta"\."hostvars", got an empty list$/],
    [says('{"web": ["a"], "_meta": {"hostvars": {"a": 5}}}'), /expected a mapping of variables for "a", got a number$/],
    [says('{"web": ["../a"]}'), /expected a name for a host, got "\.\.\/a"$/],
    [
      says('{"web": ["a"], "_meta": {"hostvars": {"a": {"ansible_port": "x"}}}}'),
      /--list:1:61: expected a port .*, got "x"$/,
    ],
    [
      says('{"web": ["a"], "_meta": {"hostvars": {"a": {"ansible_password": 1.0}}}}'),
      /--list:1:65: expected text in quotes for ansible_password, got something else$/,
    ],
    [`[ "$1" = --list ] || exit 4\n${says('{"web": ["a"]}')}`, /expected exit code 0 of --host a, got exit code 4$/],
    ["printf '\\377'", /expected UTF-8 text from --list, got other bytes$/],
  ])('%j is one sentence', async (script, expected) => {
    expect(await refused(script)).toMatch(expected)
  })

  test('that may not run, or cannot, is one sentence', async () => {
    expect(await refused('true', 0o644)).toMatch(
      /expected a program that runs with --list, got a file without the permission/,
    )
    const file = write('#!/no/such/interpreter\n', 'inv.sh')
    chmodSync(file, 0o755)
    expect(await refusalOf([file])).toMatch(/got one whose interpreter is not there$/)
  })
})

describe('one that takes its time', () => {
  const patience = (sayAfterMs = 20) => {
    const [stop, said] = [new AbortController(), [] as string[]]
    return { said, stop, patience: { say: (text: string) => said.push(text), signal: stop.signal, sayAfterMs } }
  }

  test('is named while it is waited for, once a call', async () => {
    const file = program(`sleep 0.3; echo '{"web": ["a"], "_meta": {"hostvars": {}}}'`)
    const { said, patience: slow } = patience()
    await hearProgram(file, NO_VAULT, slow)
    expect(said).toEqual([`waiting for the inventory program ${file} --list, 300 s at most; Ctrl-C ends it`])
    await hearProgram(program(`echo '{}'`), NO_VAULT, patience(60_000).patience)
  })

  test('is ended at once when nobody waits any longer, also one that hears no signal', async () => {
    const pidFile = write('', 'pid')
    const { said, stop, patience: slow } = patience()
    const heard = hearProgram(
      program(`trap '' INT TERM HUP; echo $$ >${pidFile}; while :; do sleep 1; done`),
      NO_VAULT,
      slow,
    )
    await expect.poll(() => said.length > 0 && readFileSync(pidFile, 'utf8')).toMatch(/^\d+\n$/)
    stop.abort()
    await expect(heard).rejects.toThrow(InterruptedError)
    const pid = Number(readFileSync(pidFile, 'utf8'))
    await expect.poll(() => isThere(pid)).toBe(false)
  })
})

/** Where a text is no JSON; null where it is. */
function faultOf(text: string): number | null {
  try {
    readJson(text, () => undefined)
    return null
  } catch (error) {
    if (error instanceof JsonFault) return error.offset
    throw error
  }
}

test('JSON is read as Node reads it, whatever is in it', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(undefined, 1, '\t', '\r\n'), (value, indent) => {
      const text = JSON.stringify(value, null, indent)
      expect(JSON.stringify(parseAnsibleJson(text, 'x.json', NO_VAULT).value)).toBe(JSON.stringify(JSON.parse(text)))
    }),
    { numRuns: 500 },
  )
})

test('the place of what is wrong in JSON is where Node says it is, where it says it', () => {
  const parts = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"a"',
    '"\\u00',
    '1',
    '-',
    '01',
    '1.5e3',
    'null',
    'x',
    ' ',
    '\n',
  )
  let said = 0
  fc.assert(
    fc.property(fc.array(parts, { maxLength: 8 }), words => {
      // Node shows no place for short texts.
      const text = `[${'"0123456789", '.repeat(8)}${words.join('')}`
      const fault = faultOf(text)
      try {
        JSON.parse(text)
        expect(fault).toBeNull()
      } catch (error) {
        expect(fault).not.toBeNull()
        const at = /at position (\d+)/.exec(String(error))?.[1]
        if (at === undefined || fault === null) return
        said += 1
        // Inside a number or a string Node points at its end, ctfix at its beginning.
        expect(fault).toBeLessThanOrEqual(Number(at))
        expect(text.slice(fault, Number(at))).toMatch(/^(?:"[\s\S]*|-?\S*|\s*)$/)
      }
    }),
    { numRuns: 2000 },
  )
  expect(said).toBeGreaterThan(100)
})

describe('what ansible-inventory --list --export writes', () => {
  test('is read, vaults left closed', () => {
    const text = JSON.stringify({
      _meta: { hostvars: { a: { ansible_port: 2, x: { __ansible_vault: '$ANSIBLE_VAULT;1.1;AES256\n61' } } } },
      all: { children: ['ungrouped', 'web'], vars: { ansible_user: 'ops' } },
      web: { hosts: ['a'] },
    })
    for (const name of ['inventory.json', 'inventory']) {
      expect(loadInventory([write(text, name)]).hosts).toMatchObject([{ name: 'a', port: 2, user: 'ops' }])
    }
  })

  test('keeps the order of hosts whose names are numbers, and knows the line of each variable', () => {
    const text = `{"_meta": {"hostvars": {\n "b": {\n  "ansible_port": 22\n}}},\n "web": {"hosts": ["b", "7", "1"]}}`
    const inventory = loadInventory([write(text, 'inventory.json')])
    expect(inventory.names).toEqual(['b', '7', '1'])
    expect(inventory.variables('b').get('ansible_port')?.place).toMatchObject({ line: 3, column: 19 })
  })

  test('with text where a mapping belongs is one sentence with its place', () => {
    const text = '{"_meta": {"hostvars": {\n "a": "hunter2"}},\n "web": {"hosts": ["a"]}}'
    expect(refusal(() => loadInventory([write(text, 'inventory.json')]))).toBe(
      'inventory.json:2:7: expected a mapping of variables for "a", got text',
    )
  })

  test('cut off is one sentence with its place', () => {
    const text = '{\n  "_meta": {\n    "hostvars": {\n'
    expect(refusal(() => loadInventory([write(text, 'inventory.json')]))).toMatch(
      /^inventory\.json:\d:\d+: expected JSON/,
    )
  })
})
