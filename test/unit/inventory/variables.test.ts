import { homedir, userInfo } from 'node:os'
import { dirname } from 'node:path'
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { type Host, Secret } from '../../../src/inventory/host.ts'
import { loadInventory } from '../../../src/inventory/index.ts'
import type { HostDefaults } from '../../../src/inventory/make-host.ts'
import { load, refusal, write } from './inventory.ts'

function hostWith(vars: string, defaults?: HostDefaults): Host {
  const [host] = load(`x:\n  hosts:\n    a:\n      ${vars.replaceAll('\n', '\n      ')}\n`, defaults).hosts
  if (!host) throw new Error('no host')
  return host
}
const refused = (vars: string): string => refusal(() => hostWith(vars)).replace(/^hosts\.yaml:/, '')

describe('variables of a host', () => {
  test('none: the defaults', () => {
    expect(hostWith('{}', {})).toMatchObject({
      name: 'a',
      connection: 'ssh',
      address: 'a',
      port: 22,
      user: userInfo().username,
      password: null,
      privateKeyFile: null,
      become: null,
      connectTimeoutMs: null,
      legacySsh: false,
      hostKeyPolicy: null,
      exclude: null,
      strategy: null,
      options: {},
      flows: null,
    })
  })

  test.each<[string, Partial<Host>]>([
    ['ansible_host: 192.0.2.1', { address: '192.0.2.1' }],
    ['ansible_host: "2001:db8::1"', { address: '2001:db8::1' }],
    ['ansible_port: "2222"', { port: 2222 }],
    ['ansible_port:', { port: 22 }],
    ['ansible_user: 1000', { user: '1000' }],
    ['ansible_user: DOM\\me@example.net', { user: 'DOM\\me@example.net' }],
    // The more special spelling wins, as in Ansible.
    ['ansible_port: 1\nansible_ssh_port: 2', { port: 2 }],
    ['ansible_host: b\nansible_ssh_host: c', { address: 'c' }],
    ['ansible_user: b\nansible_ssh_user: c', { user: 'c' }],
    ...['ssh', 'ssh2', 'paramiko', 'paramiko_ssh', 'smart', 'ansible.builtin.ssh'].map(
      (name): [string, Partial<Host>] => [`ansible_connection: ${name}`, { connection: 'ssh' }],
    ),
    ['ansible_connection: local', { connection: 'local' }],
    ['ansible_timeout: 10', { connectTimeoutMs: 10_000 }],
    ['ansible_ssh_private_key_file: ~/.ssh/id', { privateKeyFile: `${homedir()}/.ssh/id` }],
    ['ansible_private_key_file: /etc/key', { privateKeyFile: '/etc/key' }],
    ['ansible_become: "yes"', { become: { method: 'sudo', user: 'root', exe: null, password: null } }],
    [
      'ansible_become: 1\nansible_become_method: community.general.doas\nansible_become_user: adm',
      { become: { method: 'doas', user: 'adm', exe: null, password: null } },
    ],
    [
      'ansible_become: true\nansible_become_exe: /opt/sudo',
      { become: { method: 'sudo', user: 'root', exe: '/opt/sudo', password: null } },
    ],
    [
      'ansible_sudo: yes\nansible_sudo_user: adm',
      { become: { method: 'sudo', user: 'adm', exe: null, password: null } },
    ],
    ['ansible_su: yes', { become: { method: 'su', user: 'root', exe: null, password: null } }],
    ['ansible_become: false\nansible_sudo: true', { become: null }],
    ['ctfix_strategy: raise', { strategy: ['raise'] }],
    ['ctfix_strategy: raise, timeouts', { strategy: ['raise', 'timeouts'] }],
    ['ctfix_strategy: [raise, timeouts]', { strategy: ['raise', 'timeouts'] }],
    ['ctfix_options: {max: auto, established: 7440}', { options: { max: 'auto', established: 7440 } }],
    ['ctfix_exclude: kept for the storage team', { exclude: 'kept for the storage team' }],
    ['ctfix_exclude: false', { exclude: null }],
    ['ctfix_legacy_ssh: on', { legacySsh: true }],
    ['ctfix_flows: {tcp: [80, "60000:60100"]}', { flows: { tcp: [80, '60000:60100'], udp: [] } }],
    ['ansible_ssh_common_args: -o StrictHostKeyChecking=accept-new', { hostKeyPolicy: 'accept-new' }],
    [
      'ansible_ssh_extra_args: -ostricthostkeychecking=yes -p 2022 -lbob',
      // The tests' own user stands for -u, and wins.
      { hostKeyPolicy: 'strict', port: 2022, user: 'me' },
    ],
    ['ansible_ssh_common_args: -o "ConnectTimeout 7" -o \'Port = 23\'', { connectTimeoutMs: 7000, port: 23 }],
    ['ansible_ssh_common_args: -o Port=1 -o Port=2', { port: 1 }],
    [
      'ansible_ssh_common_args: -J u@b1,b2 -o "ProxyCommand ssh -W %h:%p b" -F /etc/ours -i ~/.ssh/k',
      {
        ssh: {
          said: ['user'],
          options: [
            ['proxyjump', 'u@b1,b2'],
            ['proxycommand', 'ssh -W %h:%p b'],
            ['identityfile', '~/.ssh/k'],
          ],
          configFile: '/etc/ours',
        },
      },
    ],
    [
      // Ansible's own default, and a jump host of the group beside it.
      'ansible_ssh_args: -C -o ControlMaster=auto -o ControlPersist=60s\nansible_ssh_extra_args: -J b\nansible_port: 22',
      { ssh: { said: ['port', 'user'], options: [['proxyjump', 'b']], configFile: null } },
    ],
    [
      'ansible_ssh_common_args: -l bob\nansible_user: eve',
      { user: 'eve', ssh: { said: ['user'], options: [], configFile: null } },
    ],
    ['ansible_ssh_common_args: -o Port=1\nansible_port: 2', { port: 2 }],
    [
      'ansible_ssh_common_args: -6 -b 2001:db8::9 -o PreferredAuthentications=publickey -c aes256-ctr -o GSSAPIAuthentication=no',
      {
        ssh: {
          said: ['user'],
          configFile: null,
          options: [
            ['addressfamily', 'inet6'],
            ['bindaddress', '2001:db8::9'],
            ['preferredauthentications', 'publickey'],
            ['ciphers', 'aes256-ctr'],
          ],
        },
      },
    ],
    // Not ours to judge.
    ['ansible_python_interpreter: "{{ nothing }}"\nansible_network_os: [x]\nanything: "{{ x }}"', { port: 22 }],
    ['secret: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  6162\nansible_port: 23', { port: 23 }],
    ['ansible_become_password: "{{ not needed }}"', { become: null }],
  ])('%s', (vars, expected) => {
    expect(hostWith(vars)).toMatchObject(expected)
  })

  test.each<[string, string]>([
    ['ansible_port: twenty-two', '4:21: expected a port from 1 to 65535 for ansible_port, got "twenty-two"'],
    ['ansible_port: 0', '4:21: expected a port from 1 to 65535 for ansible_port, got 0'],
    ['ansible_port: 70000', '4:21: expected a port from 1 to 65535 for ansible_port, got 70000'],
    ['ansible_port: 22.5', '4:21: expected a port from 1 to 65535 for ansible_port, got 22.5'],
    ['ansible_port: true', '4:21: expected a port from 1 to 65535 for ansible_port, got true'],
    ['ansible_host: [a, b]', '4:21: expected a name or an address for ansible_host, got a list'],
    ['ansible_host: 10', '4:21: expected a name or an address for ansible_host, got 10'],
    ['ansible_host: -oProxyCommand=x', '4:21: expected a name or an address for ansible_host, got "-oProxyCommand=x"'],
    ['ansible_host: "a b"', '4:21: expected a name or an address for ansible_host, got "a b"'],
    [
      'ansible_host: "{{ inventory_hostname }}"',
      '4:21: expected a plain value for ansible_host, got a Jinja expression, which ctfix does not evaluate',
    ],
    ['ansible_user: "{% x %}"', '4:21: expected a plain value for ansible_user, got a Jinja expression'],
    ['ansible_user: {}', '4:21: expected the name of a user for ansible_user, got a mapping'],
    ['ansible_user: -l', '4:21: expected the name of a user for ansible_user, got "-l"'],
    [
      'ansible_user: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  6162',
      '4:28: expected the digits of a vault after its first line, got something else: is it cut off?',
    ],
    ['ansible_password: [hunter2]', '4:25: expected text in quotes for ansible_password, got a list'],
    ...['1.0', '12.', '007', '1_0', '0x1F', '99999999999999999999'].map((written): [string, string] => [
      `ansible_password: ${written}`,
      '4:25: expected text in quotes for ansible_password, got something else',
    ]),
    ['ansible_password: 12.50', '4:25: expected text in quotes for ansible_password, got something else'],
    ['ansible_connection: winrm', '4:27: expected ssh, ssh2, openssh or local for ansible_connection, got "winrm"'],
    ['ansible_timeout: soon', '4:24: expected seconds from 1 to 86400 for ansible_timeout, got "soon"'],
    [
      'ansible_ssh_private_key_file: ~bob/key',
      '4:37: expected the path of a file for ansible_ssh_private_key_file, got "~bob/key"',
    ],
    ['ansible_become: maybe', '4:23: expected true or false for ansible_become, got "maybe"'],
    [
      'ansible_become: true\nansible_become_method: pbrun',
      '5:30: expected sudo or doas or su for ansible_become_method, got "pbrun"',
    ],
    [
      'ansible_become: true\nansible_become_password: "{{ vault_sudo }}"',
      '5:32: expected a plain value for ansible_become_password',
    ],
    ['ctfix_strategy: 5', '4:23: expected a strategy or a list of strategies for ctfix_strategy, got 5'],
    ['ctfix_strategy: [raise, 5]', '4:31: expected a strategy for ctfix_strategy[1], got 5'],
    ['ctfix_strategy: ""', '4:23: expected a strategy or a list of strategies for ctfix_strategy'],
    ['ctfix_options: [max]', '4:22: expected a mapping for ctfix_options, got a list'],
    ['ctfix_options: {max: "{{ x }}"}', '4:22: expected a plain value for ctfix_options, got a Jinja expression'],
    ['ctfix_exclude:', 'expected the reason, in words for ctfix_exclude, got nothing'],
    ['ctfix_exclude: true', '4:22: expected the reason, in words for ctfix_exclude, got true'],
    ['ctfix_legacy_ssh: old', '4:25: expected true or false for ctfix_legacy_ssh, got "old"'],
    ['ctfix_flows: {tpc: [80]}', '4:21: expected a known key, got "tpc"; did you mean "tcp"?'],
    [
      'ctfix_flows: {tcp: [80, 99999]}',
      '4:31: expected a port, or a range such as "60000:60100" for ctfix_flows.tcp[1], got 99999',
    ],
    [
      'ansible_ssh_common_args: -o StrictHostKeyChecking=no',
      '4:32: expected StrictHostKeyChecking to be yes or accept-new in ansible_ssh_common_args, got no: host keys are always checked',
    ],
    [
      'ctfix_flows: {udp: ["90:80"]}',
      '4:27: expected a port, or a range such as "60000:60100" for ctfix_flows.udp[0], got "90:80"',
    ],
    ['ansible_ssh_common_args: -o StrictHostKeyChecking=ask', 'got ask'],
    [
      'ansible_ssh_common_args: -o RevokedHostKeys=b',
      '4:32: expected only StrictHostKeyChecking, Proxy*, Identity*, *Authentication, *KnownHostsFile, Bind*, the algorithms, ServerAlive*, ConnectTimeout, Port and User in ansible_ssh_common_args, got RevokedHostKeys',
    ],
    ['ansible_ssh_extra_args: -R bastion', 'in ansible_ssh_extra_args, got -R'],
    ['ansible_ssh_args: -Rhunter2', 'in ansible_ssh_args, got -R'],
    ['ansible_ssh_args: -o ProxyCommand=sshpass hunter2', 'got a word that is none; quote values with spaces'],
    ['ansible_ssh_args: -o ProxyCommand=sshpass -p hunter2 ssh', 'got a word that is none; quote values with spaces'],
    [
      'ansible_ssh_args: -o ProxyCommand=sshpass -p hunter2',
      '4:25: expected a port from 1 to 65535 for Port in ansible_ssh_args, got something else; quote values',
    ],
    ['ansible_ssh_args: \'-o "ProxyCommand: sshpass -p hunter2"\'', 'got -o without the name of an option'],
    ['ansible_ssh_args: -o "LocalForward 1 b:2"', 'in ansible_ssh_args, got LocalForward'],
    ['ansible_ssh_common_args: -o', 'expected a value after -o in ansible_ssh_common_args, got nothing'],
    [
      'ansible_ssh_common_args: -o "Port=1',
      'expected a closing quote in ansible_ssh_common_args, got the end of the value',
    ],
    [
      'ansible_ssh_common_args: -o Port=x',
      '4:32: expected a port from 1 to 65535 for Port in ansible_ssh_common_args, got something else; quote values with spaces',
    ],
    ['ansible_ssh_common_args: [x]', '4:32: expected text for ansible_ssh_common_args, got a list'],
    [
      'ansible_ssh_common_args: "{{ proxy }}"',
      '4:32: expected a plain value for ansible_ssh_common_args, got a Jinja expression',
    ],
  ])('%s is refused', (vars, expected) => {
    const said = refused(vars)
    expect(said).toContain(expected)
    expect(said).not.toContain('hunter2')
  })

  test('a path starts where the file is', () => {
    const file = write('x: {hosts: {a: {ansible_ssh_private_key_file: keys/id}}}')
    expect(loadInventory([file]).hosts[0]?.privateKeyFile).toBe(`${dirname(file)}/keys/id`)
  })

  test.each(['ansible_password', 'ansible_ssh_pass', 'ansible_ssh_password'])('%s is never shown', name => {
    const host = hostWith(`${name}: hunter2\nansible_become: true\nansible_become_pass: hunter2`)
    expect(host.password?.reveal()).toBe('hunter2')
    expect(host.become?.password?.reveal()).toBe('hunter2')
    expect(`${JSON.stringify(host)} ${inspect(host, { depth: 9 })} ${host.password}`).not.toContain('hunter2')
  })

  test.each(['1.0', '12.', '1e5', '0x10', '5 # c'])('%s of an INI file is no password', written => {
    const file = write(`[x]\na\n[x:vars]\nansible_password=${written}\n`, 'hosts.ini')
    expect(refusal(() => loadInventory([file]))).toBe(
      'hosts.ini:4: expected text in quotes for ansible_password, got something else',
    )
  })

  test('-u wins over a user in ssh arguments that Ansible puts behind it', () => {
    const userIn = (name: string, user?: string): string | undefined =>
      load(`x: {hosts: {a: {${name}: -o User=args}}}`, { user }).hosts[0]?.user
    expect(userIn('ansible_ssh_args', 'flag')).toBe('args')
    expect(userIn('ansible_ssh_common_args', 'flag')).toBe('flag')
    expect(userIn('ansible_ssh_extra_args', 'flag')).toBe('flag')
    expect(userIn('ansible_ssh_extra_args')).toBe('args')
  })

  test('a password of digits, as Ansible takes it', () => {
    expect(hostWith('ansible_password: 1234').password?.reveal()).toBe('1234')
    expect(hostWith('ansible_password: 12.5').password?.reveal()).toBe('12.5')
    expect(hostWith('ansible_password: 1e5').password?.reveal()).toBe('1e5')
  })
})

describe('the command line', () => {
  const become = { method: 'su', user: 'adm', password: new Secret('x') } as const
  const defaults: HostDefaults = {
    user: 'cli',
    privateKeyFile: '/cli',
    password: new Secret('cli'),
    connectTimeoutMs: 5,
    become,
  }

  test('speaks where the inventory is silent', () => {
    expect(hostWith('{}', defaults)).toMatchObject({
      user: 'cli',
      privateKeyFile: '/cli',
      connectTimeoutMs: 5,
      become: { method: 'su', user: 'adm', exe: null },
    })
  })

  test('gives way to the inventory', () => {
    const vars =
      'ansible_user: inv\nansible_private_key_file: /inv\nansible_timeout: 9\nansible_password: inv\nansible_become: false'
    const host = hostWith(vars, defaults)
    expect(host).toMatchObject({ user: 'inv', privateKeyFile: '/inv', connectTimeoutMs: 9000, become: null })
    expect(host.password?.reveal()).toBe('inv')
  })

  test('settings for become do not turn it on by themselves', () => {
    const settings = { become: { ...become, enabled: false } }
    expect(hostWith('{}', settings).become).toBeNull()
    expect(hostWith('ansible_become: true', settings).become).toMatchObject({ method: 'su', user: 'adm' })
  })

  test('a play can ask for become once the inventory is read', () => {
    const inventory = load('x: {hosts: {a: , b: {ansible_become: false}}}')
    const hosts = inventory.withDefaults({ user: 'me', become: {} }).hosts
    expect(hosts.map(host => host.become?.method ?? null)).toEqual(['sudo', null])
  })
})

test('an expression where a password belongs comes with what to write instead', () => {
  const read = (name: string) => () => load(`x: {hosts: {a: {${name}: "{{ vault_x }}"}}}`).hosts
  const secret = expect.objectContaining({
    hint: 'write the value itself, for secrets by ansible-vault encrypt_string',
  })
  expect(read('ansible_password')).toThrow(secret)
  expect(read('ansible_host')).toThrow(expect.objectContaining({ hint: 'write the value itself' }))
})
