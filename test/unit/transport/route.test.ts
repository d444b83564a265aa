/** The way to a host: variables before flags before ssh_config before defaults. */
import { writeFileSync } from 'node:fs'
import { homedir, userInfo } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ConfigError } from '../../../src/errors.ts'
import type { Host, HostKeyPolicy, SshSettings } from '../../../src/inventory/host.ts'
import { createRoutes, type Route, type RouteOptions } from '../../../src/transport/route.ts'
import { hostOf, temporary } from './hosts.ts'

const CONFIG = `
Host web
  HostName 10.0.0.1
  Port 2201
  User deploy
  ConnectTimeout 9
  ProxyJump gate
  HashKnownHosts yes
  HostKeyAlias Web.Example
  IdentityFile ~/.ssh/%n-%r
  IdentitiesOnly yes
  IdentityAgent none
  ServerAliveInterval 20
  ServerAliveCountMax 2
  StrictHostKeyChecking accept-new
Host gate
  HostName gate.example.com
  User jumper
  ProxyJump outer:2222
Host through
  ProxyCommand exec nc -X 5 %h %p %%
Host round
  ProxyJump about
Host about
  ProxyJump round
`

async function routeOf(overrides: Partial<Host>, ssh: Partial<SshSettings> = {}, options: RouteOptions = {}) {
  using directory = temporary()
  const file = join(directory.path, 'config')
  writeFileSync(file, CONFIG)
  const host = hostOf({ ...overrides, ssh: { said: [], options: [], configFile: file, ...ssh } })
  return await createRoutes(options)(host)
}

function hopsOf(route: Route): string[] {
  const hops: string[] = []
  for (let at = route; at.via && 'jump' in at.via; at = at.via.jump) {
    const { user, address, port } = at.via.jump.host
    hops.push(`${user}@${address}:${port}`)
  }
  return hops
}

test('ssh_config fills in what nobody said', async () => {
  const route = await routeOf({ address: 'web', user: 'me' })
  expect(route.host).toMatchObject({
    name: 'web-1',
    address: '10.0.0.1',
    port: 2201,
    user: 'deploy',
    connectTimeoutMs: 9000,
  })
  expect(route).toMatchObject({
    hostKeyAlias: 'web.example',
    hashNames: true,
    policy: 'accept-new',
    identitiesOnly: true,
  })
  expect(route).toMatchObject({ keepaliveMs: 20_000, keepaliveMost: 2, agentSocket: undefined })
  expect(route.identityFiles).toEqual([join(homedir(), '.ssh', 'web-deploy')])
  expect(hopsOf(route)).toEqual(['jumper@gate.example.com:22', `${userInfo().username}@outer:2222`])
})

test('what is said of the host wins', async () => {
  const said = await routeOf(
    { address: 'web', user: 'me', port: 22, connectTimeoutMs: 1, hostKeyPolicy: 'strict' },
    {
      said: ['port', 'user'],
      options: [
        ['proxyjump', 'none'],
        ['hashknownhosts', 'no'],
      ],
    },
  )
  expect(said.host).toMatchObject({ address: '10.0.0.1', port: 22, user: 'me', connectTimeoutMs: 1 })
  expect(said).toMatchObject({ via: null, hashNames: false, policy: 'strict' })
})

test('a flag stands between the inventory and ssh_config', async () => {
  expect(hopsOf(await routeOf({ address: 'web' }, {}, { jump: 'u@flag' }))).toEqual(['u@flag:22'])
  const own = await routeOf({ address: 'web' }, { options: [['proxyjump', 'a,ssh://b:23']] }, { jump: 'flag' })
  expect(hopsOf(own).map(hop => hop.replace(/.*@/, ''))).toEqual(['b:23', 'a:22'])
  expect((await routeOf({ address: 'web' }, {}, { policy: 'strict' })).policy).toBe('strict')
})

test('a proxy command has its words filled in', async () => {
  expect((await routeOf({ address: 'through', port: 24 })).via).toEqual({
    command: 'nc -X 5 through 24 %',
    template: 'exec nc -X 5 %h %p %%',
  })
})

test.each(['a;reboot', 'a(b)', '-oX', 'a b', 'a\\nb'])('a proxy command is not run for the host %j', async address => {
  await expect(routeOf({ address }, { options: [['proxycommand', 'nc %h %p']] })).rejects.toThrow('is not run with')
})

test('hops of all hosts are the same object: what they share is one connection', async () => {
  using directory = temporary()
  const file = join(directory.path, 'config')
  writeFileSync(file, 'Host n*\n ProxyJump gate\n')
  const resolve = createRoutes({ configFile: file })
  const [a, b] = await Promise.all(['n1', 'n2'].map(address => resolve(hostOf({ address }))))
  if (!a?.via || !b?.via || !('jump' in a.via) || !('jump' in b.via)) throw new Error('no jump')
  expect(a.via.jump).toBe(b.via.jump)
  expect(a.via.jump.via).toBeNull()
  // One that needs the old algorithms gets a connection that offers them.
  const old = await resolve(hostOf({ address: 'n3', legacySsh: true }))
  expect(old.via && 'jump' in old.via ? old.via.jump : null).toMatchObject({ host: { legacySsh: true } })
  expect(a.via.jump.host.legacySsh).toBe(false)
})

/** Of a config of its own. */
async function throughConfig(
  text: string,
  overrides: Partial<Host>,
  ssh: Partial<SshSettings> = {},
): Promise<string[]> {
  using directory = temporary()
  const file = join(directory.path, 'config')
  writeFileSync(file, text)
  const host = hostOf({ ...overrides, ssh: { said: [], options: [], configFile: file, ...ssh } })
  return hopsOf(await createRoutes({})(host)).map(hop => hop.replace(/.*@/, ''))
}

test('a jump host among the hosts behind it is reached straight; another port or user of its machine is a jump', async () => {
  const options = [['proxyjump', 'gate:2222']] as const
  const at = (port: number, user = 'root') =>
    throughConfig('', { address: 'Gate', port, user }, { said: ['port'], options })
  expect(await at(2222)).toEqual([])
  expect(await at(2201)).toEqual(['gate:2222'])
  const asUser = [['proxyjump', 'jumper@gate']] as const
  expect(await throughConfig('', { address: 'gate' }, { said: ['user'], options: asUser })).toEqual(['gate:22'])
})

test('the words of ProxyJump stand for the host behind, as in ssh', async () => {
  const config = 'Host web\n HostName 10.1.2.3\n Port 2022\n User deploy\n ProxyJump first-%n,%r@gw-%h:%p\n'
  expect(await throughConfig(config, { address: 'web' })).toEqual(['gw-10.1.2.3:2022', 'first-web:22'])
  await expect(throughConfig('ProxyJump gw-%z\n', {})).rejects.toThrow('%z in ssh_config means nothing to ctfix')
  // Each hop would need another one.
  await expect(throughConfig('ProxyJump gw-%n\n', { address: 'a' })).rejects.toThrow(
    'the jumps of ssh_config do not end: gw-a > gw-gw-a > gw-gw-gw-a',
  )
})

test.each([
  ['Host gate\n ProxyJump gate\n', 'gate', 'gate > gate'],
  ['Host *\n ProxyJump gate\n', 'web', 'gate > gate'],
  ['Host a\n ProxyJump b\nHost b\n ProxyJump a\n', 'a', 'b > a > b'],
  ['Host a\n ProxyJump b\nHost b\n ProxyJump c\nHost c\n ProxyJump a\n', 'a', 'b > c > a > b'],
])('%j at %s is a circle', async (text, address, circle) => {
  const error = await throughConfig(text, { address }).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(ConfigError)
  expect(error).toMatchObject({
    message: `inventory.yaml:1: the jumps of ssh_config go in a circle: ${circle}`,
    hint: 'a jump host that is reached straight: Host NAME with ProxyJump none, before the others',
  })
})

test('a circle of jumps ends whoever asks first, and so does what is no jump host', async () => {
  // Also when two hosts come upon it from both sides at once.
  using directory = temporary()
  const file = join(directory.path, 'config')
  writeFileSync(file, `${CONFIG}Host left\n ProxyJump round\nHost right\n ProxyJump about\n`)
  const resolve = createRoutes({ configFile: file })
  const both = await Promise.allSettled(['left', 'right'].map(address => resolve(hostOf({ address }))))
  expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  for (const jump of ['-oX', 'a:0', 'a:70000', '@', 'a,']) {
    await expect(routeOf({}, { options: [['proxyjump', jump]] }), jump).rejects.toThrow('expected a jump host')
  }
  const six = await routeOf({}, { options: [['proxyjump', 'u@[2001:db8::1]:23']] })
  expect(hopsOf(six)).toEqual(['u@2001:db8::1:23'])
})

test.each([
  ['RevokedHostKeys /etc/ssh/revoked', 'RevokedHostKeys'],
  ['KnownHostsCommand /usr/bin/keys %H', 'KnownHostsCommand'],
])('%s is not passed over: the line, and the way on', async (line, name) => {
  using directory = temporary()
  const file = join(directory.path, 'config')
  writeFileSync(file, `Host web\n  ${line}\nHost free\n  ${name} none\nHost *\n  ${line}\n`)
  const at = (address: string) => hostOf({ address, ssh: { said: [], options: [], configFile: file } })
  await expect(createRoutes({})(at('web'))).rejects.toThrow(
    `${file}:2: web-1: ${name} needs the system’s ssh: --transport openssh`,
  )
  await expect(createRoutes({})(at('free'))).resolves.toBeDefined()
})

const BARE = { said: [], options: [], configFile: 'none' } as const
const routeBy = (...options: SshSettings['options'][number][]): Promise<Route> =>
  createRoutes({})(hostOf({ ssh: { ...BARE, options } }))

test('where a connection comes from, how it is let in, and what is negotiated', async () => {
  const plain = await routeBy()
  expect(plain).toMatchObject({ from: { family: 0, address: null, interface: null }, algorithms: {}, problems: [] })
  expect([plain.methods, plain.untried]).toEqual([['publickey', 'password', 'keyboard-interactive'], []])
  const bound = await routeBy(['addressfamily', 'inet6'], ['bindaddress', '::1'], ['bindinterface', 'eth0'])
  expect(bound.from).toEqual({ family: 6, address: '::1', interface: 'eth0' })
  expect((await routeBy(['ciphers', 'aes256-ctr'], ['macs', '-*sha1*'])).algorithms).toEqual({
    cipher: 'aes256-ctr',
    hmac: '-*sha1*',
  })
  await expect(routeBy(['kexalgorithms', 'mlkem768x25519-sha256'])).rejects.toThrow(
    'inventory.yaml:1: web-1: of KexAlgorithms mlkem768x25519-sha256 there is nothing that ctfix knows',
  )
})

test.each([
  [
    ['preferredauthentications', 'keyboard-interactive,gssapi-with-mic,publickey'],
    ['keyboard-interactive', 'publickey'],
  ],
  [
    ['pubkeyauthentication', 'no'],
    ['password', 'keyboard-interactive'],
  ],
  [
    ['pubkeyauthentication', 'false'],
    ['password', 'keyboard-interactive'],
  ],
  [
    ['passwordauthentication', 'no'],
    ['publickey', 'keyboard-interactive'],
  ],
  [
    ['challengeresponseauthentication', 'no'],
    ['publickey', 'password'],
  ],
  [['numberofpasswordprompts', '0'], ['publickey']],
] as const)('%j', async (option, methods) => {
  const route = await routeBy(option)
  expect(route.methods).toEqual(methods)
  expect(route.untried.length + methods.length).toBe(3)
})

test('what only the system’s ssh can show is told, should nobody be let in', async () => {
  const { problems } = await routeBy(['certificatefile', '/k/%n-cert.pub'], ['pkcs11provider', '/lib/token.so'])
  expect(problems.map(({ problem }) => problem)).toEqual([
    'the certificate /k/127.0.0.1-cert.pub was not shown: ctfix cannot',
    'the keys of /lib/token.so were not tried: ctfix cannot',
  ])
  for (const { hint } of problems) expect(hint).toContain('--transport openssh')
})

test('the agent may be named by a variable', async () => {
  process.env.CTFIX_AGENT = '/run/agent'
  expect((await routeBy(['identityagent', '$CTFIX_AGENT'])).agentSocket).toBe('/run/agent')
  delete process.env.CTFIX_AGENT
  expect((await routeBy(['identityagent', '$CTFIX_AGENT'])).agentSocket).toBeUndefined()
})

test('RefuseConnection', async () => {
  await expect(throughConfig('Host web\n RefuseConnection "it is gone"\n', { address: 'web' })).rejects.toThrow(
    /config:2: web-1: ssh_config refuses to connect there: it is gone/,
  )
})

test('a flag that asks for more care than the inventory wins', async () => {
  const policyOf = async (said: HostKeyPolicy | null, policy?: HostKeyPolicy) =>
    (await routeOf({ address: 'web', hostKeyPolicy: said }, {}, { policy })).policy
  expect(await policyOf('accept-new', 'strict')).toBe('strict')
  expect(await policyOf('accept-new')).toBe('accept-new')
  expect(await policyOf('strict', 'accept-new')).toBe('strict')
  expect(await policyOf(null, 'accept-new')).toBe('accept-new')
})
