import { inspect } from 'node:util'
import { describe, expect, test, vi } from 'vitest'
import { ConfigError } from '../../../src/errors.ts'
import { openSecrets, Secret } from '../../../src/inventory/host.ts'
import { type Inventory, loadInventory } from '../../../src/inventory/index.ts'
import { Vault } from '../../../src/inventory/vault.ts'
import { parseVaultId, readVaultPassword } from '../../../src/inventory/vault-password.ts'
import { hushed } from '../../../src/inventory/vaulted-file.ts'
import { refusal, write, writeTree } from './inventory.ts'

// Written by ansible-vault 2.14: "hunter2" with the password "one", and with "two" under the id prod.
const ONE = `\
$ANSIBLE_VAULT;1.1;AES256
65623734333334303163663139343032333863653561613234653266346339636436303639616537
3432356466326163333566626465343938616431366436300a656132626262646662353934336336
37626139316566313565636132373831313836343838646666396562653035383638663266313731
6139316566373164360a353538303562373864323434643063346161643530326262306264643662
6536`
const TWO = `\
$ANSIBLE_VAULT;1.2;AES256;prod
38386631343861323464303934666236613666373837633937353635616236643132376262323530
6337623233353937633965663632643532363931313130370a386535343362653239643535323962
30396332333363373162633732383362616337363361333731373735646139616461346531373139
6639306637613963370a636136383939643235373463363536313231646631653236313736366238
6164`
/** `ansible_password: hunter2` and `ansible_port: many`, a whole file, with "one". */
const FILE = `\
$ANSIBLE_VAULT;1.1;AES256
30616533306562326634393866336265323565623731633066663837636638636435393237306563
6639323030363464616134326661316565613563376638330a383533393036373366643531396632
64323536666331396632386236636564366563663134623635636661356631333638366434373964
3434383434366335350a346137346636623433643931333362373334326136663464363966613066
62373534393764656562646630323938333239373130666230363238613130383038386338306436
3366326563313730663934633965386433313232366338633434`
/** Without the mistake. */
const FILE_OK = `\
$ANSIBLE_VAULT;1.1;AES256
36333361636336343633336261303939333733623766373730343832313734383962346431636234
3435616333353263623136333965646130613066353637640a353334356466666438393964346338
38616666663161636466306464343935313738633336373037393539646463313632373636326137
6539616431316636610a643238366135376236356539313162316630343237663638643437373363
63306239643437666431343261383331386438356161376433316461666565323732`
/** With a tab before `hunter2`. */
const FILE_BROKEN = `\
$ANSIBLE_VAULT;1.1;AES256
66363936323139336536653061333462633633376333356630323364373636643565663463303765
6639653031333565613534363937306562363264333737330a383533373339633635316236353666
30383262393136303231336438393564656336393636353031303561663461633630643161653463
6363613166383262340a353839393062326163336139373161333932393338386430613863323563
6138`

const vault = (...passwords: readonly [label: string, password: string][]): Vault =>
  new Vault(passwords.map(([label, password]) => ({ label, password: new Secret(password) })))
const place = { file: 'hosts.yaml', line: 3 }
const indented = (text: string): string => text.replaceAll('\n', '\n        ')
const hosts = (variable: string, text: string): string =>
  write(`x:\n  hosts:\n    a:\n      ${variable}: !vault |\n        ${indented(text)}\n`)
const load = (file: string, with_: Vault): Inventory => loadInventory([file], { user: 'me' }, { vault: with_ })

describe('a vaulted value', () => {
  test('is opened, 1.1 and 1.2', () => {
    expect(vault(['default', 'one']).open(ONE, place)).toBe('hunter2')
    expect(vault(['prod', 'two']).open(TWO, place)).toBe('hunter2')
  })

  test('is opened by any of the passwords, whatever their labels, as in Ansible', () => {
    expect(vault(['other', 'wrong'], ['dev', 'two']).open(TWO, place)).toBe('hunter2')
    expect(vault(['a', 'two'], ['b', 'one']).open(ONE.replaceAll('\n', '\r\n'), place)).toBe('hunter2')
  })

  test('and a file that is vaulted are opened where their lines end as on Windows', () => {
    const windows = (text: string): string => text.replaceAll('\n', '\r\n')
    const value = windows(`x:\n  hosts:\n    a:\n      ansible_password: !vault |\n        ${indented(ONE)}\n`)
    const [host] = load(write(value), vault(['default', 'one'])).hosts
    expect(host?.password?.reveal()).toBe('hunter2')
    const directory = writeTree({
      hosts: windows('[web]\na\n'),
      'group_vars/web/vault.yml': windows(FILE_OK),
      'group_vars/web/vars.yml': windows('---\nansible_port: 2222\nctfix_exclude: |-\n  two\n  lines\n'),
      password: 'one\r\n',
    })
    const password = readVaultPassword({ label: 'default', source: `${directory}/password` })
    const inventory = load(`${directory}/hosts`, new Vault([password]))
    expect(inventory.hosts).toMatchObject([{ name: 'a', port: 2222, exclude: 'two\nlines' }])
    expect(inventory.hosts[0]?.password?.reveal()).toBe('hunter2')
  })

  test('is a password of a host, and shown nowhere', () => {
    const inventory = load(hosts('ansible_password', ONE), vault(['default', 'one']))
    expect(inventory.hosts[0]?.password?.reveal()).toBe('hunter2')
    const variables = [...inventory.variables('a').values()].map(({ value }) => value)
    const shown = [inventory.hosts, variables].map(what => `${JSON.stringify(what)} ${inspect(what, { depth: 9 })}`)
    expect(shown.join(' ')).not.toContain('hunter2')
    expect(`${variables[0]}`).toBe('***')
  })

  test('is not needed where nobody reads it', () => {
    expect(load(hosts('other', ONE), vault()).hosts).toHaveLength(1)
  })

  test.each<[string, Vault, string, RegExp]>([
    ['no password', vault(), ONE, /^hosts\.yaml:3: expected a vault password for a vaulted value, got none$/],
    [
      'a wrong one',
      vault(['default', 'no']),
      ONE,
      /^hosts\.yaml:3: expected the password of a vaulted value, got a wrong one \(tried: default\)$/,
    ],
    ['wrong ones', vault(['a', 'x'], ['b', 'y']), TWO, /of vault id "prod", got a wrong one \(tried: a, b\)$/],
    [
      'an old format',
      vault(['default', 'one']),
      '$ANSIBLE_VAULT;1.0;AES\n61',
      /expected a vault that begins with \$ANSIBLE_VAULT;1\.1;AES256/,
    ],
    ['no vault', vault(['default', 'one']), 'hunter2', /, got another beginning$/],
    [
      'a vault cut off',
      vault(['default', 'one']),
      ONE.slice(0, -10),
      /got (?:a wrong one|something else: is it cut off\?)/,
    ],
    ['a vault with a letter in it', vault(['default', 'one']), `${ONE}xy`, /got something else: is it cut off\?$/],
    [
      'a vault changed',
      vault(['default', 'one']),
      ONE.replace(/\d(\d*)$/, '3$1'),
      /got (?:a wrong one|something else)/,
    ],
  ])('%s is one sentence', (_, opener, text, expected) => {
    const refused = refusal(() => opener.open(text, place))
    expect(refused).toMatch(expected)
    expect(refused).not.toContain('hunter2')
  })

  test('that is not what it must be is refused without being shown', () => {
    const open = vault(['default', 'one'])
    for (const variable of ['ansible_port', 'ansible_become', 'ansible_connection', 'ansible_ssh_common_args']) {
      const refused = refusal(() => load(hosts(variable, ONE), open))
      expect(refused).toMatch(/^hosts\.yaml:4:\d+: expected .*, got something else \(it is vaulted, so not shown\)$/)
      expect(refused).not.toContain('hunter2')
    }
  })

  test('of a host that nobody chose stays closed, and a wrong password shows with the host', () => {
    const { hosts: all } = load(hosts('ansible_password', ONE), vault(['default', 'wrong']))
    const [host] = all
    expect(refusal(() => host && openSecrets(host))).toMatch(/^hosts\.yaml:4:\d+: .* got a wrong one/)
    const [other] = load(hosts('ansible_become_password', '{{ x }}'), vault()).hosts
    expect(other && openSecrets(other)).toBeUndefined()
  })

  test('is no error that carries it along', () => {
    try {
      void load(hosts('ansible_port', ONE), vault(['default', 'one'])).hosts
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError)
      expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('hunter2')
    }
    expect.assertions(2)
  })

  test('has no place in what plans show', () => {
    expect(refusal(() => load(hosts('ctfix_exclude', ONE), vault(['default', 'one'])))).toMatch(
      /^hosts\.yaml:4:\d+: expected a plain value for ctfix_exclude, got a vaulted one/,
    )
  })
})

describe('a vaulted file', () => {
  const tree = (file: string, text = FILE): string => `${writeTree({ hosts: '[web]\na\n', [file]: text })}/hosts`

  test('holds secrets only', () => {
    const inventory = load(tree('host_vars/a.yml', FILE_OK), vault(['default', 'one']))
    expect(inventory.hosts[0]?.password?.reveal()).toBe('hunter2')
    expect(JSON.stringify([...inventory.variables('a')])).not.toContain('hunter2')
  })

  test('tells the place of a mistake, and not what stands there', () => {
    const refused = refusal(() => load(tree('group_vars/web/vault.yml'), vault(['default', 'one'])))
    expect(refused).toMatch(/vault\.yml:2:15: expected a port .* for ansible_port, got something else \(it is vaulted/)
  })

  test('that is no YAML inside does not show it either', () => {
    const refused = refusal(() => load(tree('host_vars/a', FILE_BROKEN), vault(['default', 'one'])))
    expect(refused).toMatch(/host_vars\/a:2:1: expected .*, got something else \(it is vaulted, so not shown\)$/)
    expect(refused).not.toContain('hunter2')
  })

  test('says nothing of itself, whatever stands before what was met', () => {
    const secretive = (read: () => unknown): string => refusal(() => hushed(read))
    const fail = (message: string) => (): never => {
      throw new ConfigError(message, { place, hint: 'hunter2' })
    }
    for (const message of ['not supported yet: hunter2', 'expected hosts in hunter2, got none', 'hunter2, got x']) {
      expect(secretive(fail(message))).toBe(
        'hosts.yaml:3: expected what ctfix can read here, got something else (it is vaulted, so not shown)',
      )
    }
  })

  test('needs its password even for a listing', () => {
    expect(refusal(() => load(tree('host_vars/a'), vault()))).toMatch(/host_vars\/a:1: expected a vault password/)
  })
})

describe('where passwords come from', () => {
  test.each([
    ['prod@/x', 'prod', '/x'],
    ['prod@a@b', 'prod', 'a@b'],
    ['/x', 'default', '/x'],
    ['@/x', 'default', '/x'],
    ['prompt', 'default', 'prompt'],
  ])('%s', (text, label, source) => {
    expect(parseVaultId(text)).toEqual({ label, source })
  })

  const read = (content: string, name = 'password'): string =>
    readVaultPassword({ label: 'prod', source: `${writeTree({ [name]: content })}/${name}` }).password.reveal()

  test('a file, without the space around', () => {
    expect(read('  two words \n')).toBe('two words')
  })

  test('below ~ of whoever runs ctfix', () => {
    vi.stubEnv('HOME', writeTree({ '.vault_pass': 'from home\n' }))
    expect(readVaultPassword(parseVaultId('prod@~/.vault_pass')).password.reveal()).toBe('from home')
    vi.unstubAllEnvs()
  })

  test('a program prints it', () => {
    expect(read('#!/bin/sh\necho " x "\n')).toBe(' x ')
    expect(read('#!/bin/sh\necho "$*"\n', 'get-client.sh')).toBe('--vault-id prod')
  })

  test.each<[string, string, RegExp]>([
    ['an empty file', '\n', /expected a vault password, got nothing$/],
    ['a vaulted file', '$ANSIBLE_VAULT;1.1;AES256\n61\n', /got a vaulted file$/],
    [
      'a program that fails',
      '#!/bin/sh\necho hunter2\nexit 3\n',
      /expected exit code 0 of the vault password program, got 3$/,
    ],
    ['a program that is none', '#!/no/such/thing\n', /expected a program that prints the vault password, got ENOENT$/],
  ])('%s is one sentence', (_, content, expected) => {
    const refused = refusal(() => read(content))
    expect(refused).toMatch(expected)
    expect(refused).not.toContain('hunter2')
  })
})
