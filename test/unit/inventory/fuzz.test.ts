/** Whatever stands in a file: an inventory comes of it, or one sentence that says where and what was expected. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { ConfigError, CtfixError } from '../../../src/errors.ts'
import { parseAnsibleJson } from '../../../src/inventory/ansible-yaml.ts'
import { Secret } from '../../../src/inventory/host.ts'
import { loadInventory, selectHosts } from '../../../src/inventory/index.ts'
import { InventoryModel } from '../../../src/inventory/model.ts'
import { readGroups } from '../../../src/inventory/program-json.ts'
import { NO_VAULT, Vault } from '../../../src/inventory/vault.ts'
import { graphText, inventoryDocument, inventoryHostText, inventoryText } from '../../../src/view/inventory.ts'
import { inventorySchema } from '../../../src/view/inventory-schema.ts'
import { mutated, sealed, texts } from './mutated.ts'

const folder = mkdtempSync(join(tmpdir(), 'ctfix-fuzz-'))
afterAll(() => rmSync(folder, { recursive: true }), 60_000)

const vault = new Vault([
  { label: 'default', password: new Secret('corpus one') },
  { label: 'prod', password: new Secret('corpus two') },
])

/** True where the text was read, false where it was refused as it must be. */
function judge(read: () => unknown, file: string): boolean {
  try {
    read()
    return true
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    expect(error.message.startsWith(file)).toBe(true)
    const rest = error.message.slice(file.length)
    // Where nothing is written there is no line.
    if (!/^: expected YAML, got (?:only comments|an empty file)$/.test(rest))
      expect(rest).toMatch(/^[^\n]*:\d+(?::\d+)?: (?:[^\n]*; )?expected [^\n]+, got [^\n]+$/)
    return false
  }
}

function writeFiles(files: Readonly<Record<string, string>>): string {
  const directory = mkdtempSync(join(folder, 'i-'))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true })
    writeFileSync(join(directory, name), text)
  }
  return directory
}

/** Reads it, and shows all of it, as `ctfix inventory` does. */
function load(file: string): void {
  const inventory = loadInventory([file], { user: 'me' }, { vault })
  const { hosts, names } = inventory
  const shown = [inventoryText(inventory, hosts), graphText(inventory, new Set(names))]
  for (const host of hosts) shown.push(inventoryHostText(inventory, host))
  inventorySchema.parse(inventoryDocument(inventory, hosts))
  // biome-ignore lint/suspicious/noControlCharactersInRegex: none may be left
  expect(shown.join('')).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/)
}

const FORMATS: readonly (readonly [string, string, readonly string[]])[] = [
  ['INI', 'hosts.ini', texts(/hosts(?:\.ini)?$|\.cfg$/, /^\[/m)],
  ['YAML', 'hosts.yaml', texts(/hosts\.ya?ml$/)],
  ['JSON', 'hosts.json', texts(/hosts\.json$/)],
  ['a text without an ending', 'hosts', texts(/(?:^|\/)hosts[^/]*$/)],
]

// Others may be at work on the machine.
describe('mutated inventories', { timeout: 60_000 }, () => {
  test.each(FORMATS)('%s', (_, name, originals) => {
    let read = 0
    fc.assert(
      fc.property(mutated(originals), text => {
        // A program is not run for a test.
        fc.pre(!text.startsWith('#!') && text.trim() !== '')
        const file = join(writeFiles({ [name]: text }), name)
        read += judge(() => load(file), file) ? 1 : 0
      }),
      { numRuns: 400 },
    )
    // It is not all refused.
    expect(read).toBeGreaterThan(3)
  })

  test('files in group_vars and host_vars', () => {
    const originals = texts(/_vars\//)
    let read = 0
    fc.assert(
      fc.property(
        mutated(originals),
        fc.constantFrom('group_vars/web.yml', 'host_vars/a', 'group_vars/all/x.json'),
        (text, name) => {
          const directory = writeFiles({ hosts: '[web]\na\n', [name]: text })
          read += judge(() => load(join(directory, 'hosts')), join(directory, name)) ? 1 : 0
        },
      ),
      { numRuns: 300 },
    )
    expect(read).toBeGreaterThan(3)
  })

  test('vaulted values and files', () => {
    const originals = texts(/vault-.*(?:ya?ml)$/)
    let read = 0
    fc.assert(
      fc.property(mutated(originals), text => {
        const file = join(writeFiles({ 'hosts.yaml': text }), 'hosts.yaml')
        fc.pre(text.trim() !== '')
        read += judge(() => load(file), file) ? 1 : 0
      }),
      { numRuns: 150 },
    )
    expect(read).toBeGreaterThan(3)
  })

  test('files with the mistake inside the vault, of which nothing is said', () => {
    const secret = 'ansible_password: kanarien\nansible_port: 22\nx: {kanarien: [kanarien, "kanarien"]}\n'
    const places = ['group_vars/web.yml', 'host_vars/a', 'hosts']
    let read = 0
    fc.assert(
      fc.property(
        mutated([secret, `web:\n  hosts:\n    a:\n      ${secret.replaceAll('\n', '\n      ')}`]),
        fc.constantFrom(...places),
        (text, name) => {
          const directory = writeFiles({ hosts: '[web]\na\n', [name]: sealed(text) })
          const ok = judge(
            () => {
              try {
                load(join(directory, 'hosts'))
              } catch (error) {
                expect(String(error)).not.toContain('kanarien')
                throw error
              }
            },
            join(directory, name),
          )
          read += ok ? 1 : 0
        },
      ),
      { numRuns: 100 },
    )
    expect(read).toBeGreaterThan(3)
  })

  test('arguments of ssh in a variable', () => {
    const originals = [
      '-o ProxyCommand="ssh -W %h:%p b" -p 22',
      '-J a,b@c:22 -o User=x -i ~/k',
      '-F cfg -oPort=22 -l me -C',
    ]
    let read = 0
    fc.assert(
      fc.property(mutated(originals), text => {
        const file = join(
          writeFiles({ 'h.json': JSON.stringify({ x: { hosts: { a: { ansible_ssh_common_args: text } } } }) }),
          'h.json',
        )
        read += judge(() => load(file), file) ? 1 : 0
      }),
      { numRuns: 400 },
    )
    expect(read).toBeGreaterThan(3)
  })

  test('patterns over groups', () => {
    const file = join(writeFiles({ hosts: '[web]\nweb[01:20].x\n[db]\na\nfe80::1\n[all:vars]\nx=1\n' }), 'hosts')
    const inventory = loadInventory([file], { user: 'me' })
    const originals = [
      'web*:!web01.x',
      '*',
      'all',
      '~.*',
      '~^web0[1-3]',
      'web[0:5]:db[-1]',
      'all:!~x$',
      'a,fe80::1',
      '@nosuch',
    ]
    let chosen = 0
    fc.assert(
      fc.property(mutated(originals), pattern => {
        try {
          chosen += selectHosts(inventory, pattern).length > 0 ? 1 : 0
        } catch (error) {
          if (!(error instanceof CtfixError)) throw error
          expect(error.message).toMatch(/^[^\n]+$/)
        }
      }),
      { numRuns: 1000 },
    )
    expect(chosen).toBeGreaterThan(3)
  })

  test('what programs print', () => {
    const originals = texts(/\.sh$/).map(text => /\{[\s\S]*\}/.exec(text)?.[0] ?? '{}')
    let read = 0
    fc.assert(
      fc.property(mutated(originals), text => {
        try {
          readGroups(parseAnsibleJson(text, 'program --list', NO_VAULT), new InventoryModel(), said => said)
          read += 1
        } catch (error) {
          if (!(error instanceof ConfigError)) throw error
          expect(error.message).toMatch(/^program --list:\d+:\d+: expected [^\n]+, got [^\n]+$/)
        }
      }),
      { numRuns: 400 },
    )
    expect(read).toBeGreaterThan(3)
  })
})
