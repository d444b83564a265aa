/** ssh_config worked out here says what ssh says of the same files; where ssh is installed it is the judge. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { askSsh, parseAnswer } from '../../../src/transport/ssh-asked.ts'
import { configFiles, firstOf, NeedsSsh, positive, SshConfig } from '../../../src/transport/ssh-config.ts'
import { isKnownKeyword } from '../../../src/transport/ssh-keywords.ts'
import { splitWords } from '../../../src/transport/ssh-words.ts'
import { temporary } from './hosts.ts'

const hasSsh = spawnSync('ssh', ['-V']).error === undefined

function settingsOf(text: string, name: string, given: [string, string][] = []): Map<string, readonly string[]> {
  using directory = temporary()
  const file = join(directory.path, 'config')
  writeFileSync(file, text)
  return new SshConfig().settingsFor(name, given, configFiles(file))
}

const TEXT = `# a comment
Port=2222
host web-* !web-9 "db 1"
  HostName = %h.example.com
  User deploy   # who
  IdentityFile "~/.ssh/a key"
  UserKnownHostsFile ~/.ssh/one "/two"
  ServerAliveInterval 15
\tproxycommand   /usr/bin/nc -x "a b" %h %p
  ProxyJump never
Host web-1
  IdentityFile /keys/%r@%n
  User second
  ConnectTimeout 7
Host bastion
  ProxyJump first@b1:2222,b2
  ProxyCommand never
  HashKnownHosts yes
  IdentitiesOnly yes
  HostKeyAlias Gate
Match all
  StrictHostKeyChecking accept-new
  Port 9
Host 10.0.0.? *.example.com
  User addressed
  UserKnownHostsFile none
`

test('the first value counts, key files add up, rivals keep each other out', () => {
  const web = settingsOf(TEXT, 'web-1')
  expect(Object.fromEntries(web)).toEqual({
    port: ['2222'],
    hostname: ['%h.example.com'],
    user: ['deploy'],
    identityfile: ['~/.ssh/a key', '/keys/%r@%n'],
    userknownhostsfile: ['~/.ssh/one', '/two'],
    serveraliveinterval: ['15'],
    proxycommand: ['/usr/bin/nc -x "a b" %h %p'],
    connecttimeout: ['7'],
    stricthostkeychecking: ['accept-new'],
  })
  expect(settingsOf(TEXT, 'bastion').get('proxyjump')).toEqual(['first@b1:2222,b2'])
  expect(settingsOf(TEXT, 'bastion').has('proxycommand')).toBe(false)
  expect(settingsOf(TEXT, 'web-9').has('user')).toBe(false)
})

test('what is given wins over every file', () => {
  const given: [string, string][] = [
    ['proxyjump', 'mine'],
    ['identityfile', '/first'],
  ]
  const web = settingsOf(TEXT, 'web-1', given)
  expect(web.get('proxyjump')).toEqual(['mine'])
  expect(web.has('proxycommand')).toBe(false)
  expect(web.get('identityfile')?.[0]).toBe('/first')
})

test('included files, by name and by pattern, only where they are asked for', () => {
  using directory = temporary()
  mkdirSync(join(directory.path, 'd'))
  writeFileSync(join(directory.path, 'd', '2.conf'), 'Host a\n User two\n Port 22\n')
  writeFileSync(join(directory.path, 'd', '1.conf'), 'Host a\n User one\n')
  writeFileSync(join(directory.path, 'd', '.hidden.conf'), 'User hidden\n')
  const file = join(directory.path, 'config')
  writeFileSync(file, `Host a\n Include ${directory.path}/d/*.conf none\n HostName after\nHost b\n User b\n`)
  const config = new SshConfig()
  expect(Object.fromEntries(config.settingsFor('a', [], configFiles(file)))).toEqual({
    user: ['one'],
    port: ['22'],
    hostname: ['after'],
  })
  expect(config.settingsFor('b', [], configFiles(file)).get('user')).toEqual(['b'])
  writeFileSync(join(directory.path, 'circle'), `Include ${directory.path}/circle\n`)
  expect(() => config.settingsFor('a', [], configFiles(join(directory.path, 'circle')))).toThrow('circle')
})

test.each(['Match host a\n User x', 'CanonicalizeHostname yes', 'Include ~/%d/x', 'Include /a*/b'])(
  '%j is for ssh itself to say',
  text => {
    expect(() => settingsOf(`${text}\n`, 'a')).toThrow(NeedsSsh)
  },
)

test('a keyword nobody knows may be a misspelt one that decides: ssh says, unless it is to be ignored', () => {
  expect(() => settingsOf('Host b\n ProxyJmp gate\n', 'a')).toThrow(NeedsSsh)
  expect(() => settingsOf('IgnoreUnknown Other,Proxy*\nProxyJmp gate\nUseKeychain yes\n', 'a')).toThrow('usekeychain')
  expect(
    settingsOf('IgnoreUnknown UseKey*,ProxyJmp\nproxyjmp gate\nUseKeychain yes\nPort 3\n', 'a').get('port'),
  ).toEqual(['3'])
})

test.runIf(hasSsh)('what ssh has against a line is said, with the line', async () => {
  using directory = temporary()
  const file = join(directory.path, 'config')
  writeFileSync(file, 'Host b\n ProxyJmp gate\n')
  const asked = askSsh({ name: 'a', port: null, user: null, options: [], configFile: file }, { file, line: 2 })
  await expect(asked).rejects.toThrow(/for a: .*config: line 2: Bad configuration option: proxyjmp$/)
})

test.each([
  ['"a b" c\\ d', ['a b', 'c d']],
  ['"x y"z a"b c"d', ['x yz', 'ab cd']],
  ['"a\\"b" \'c"d\' e\\nf "g\\\\h"', ['a"b', 'c"d', 'e\\nf', 'g\\h']],
  ['e#f g #h i', ['e#f', 'g']],
  ['  ', []],
  ['"open', null],
  ["o'brien", null],
])('the words of %j', (text, words) => {
  expect(splitWords(text)).toEqual(words)
  if (!hasSsh) return
  using directory = temporary()
  const file = join(directory.path, 'config')
  writeFileSync(file, `UserKnownHostsFile ${text}\n`)
  const { status, stdout } = spawnSync('ssh', ['-G', '-F', file, 'a'], { encoding: 'utf8' })
  expect(status === 0).toBe(words !== null && words.length > 0)
  if (status === 0) expect(stdout).toContain(`\nuserknownhostsfile ${words?.join(' ')}\n`)
})

test.each(['User bob eve', 'Port ssh', 'ProxyJump', 'HostName "a'])('%j: ssh has the words for it', line => {
  expect(() => settingsOf(`Host b\n ${line}\n`, 'a')).toThrow(NeedsSsh)
})

test.runIf(hasSsh).each([
  ['ProxyJump none\nProxyCommand nc %h', 'nc %h', null],
  ['ProxyCommand none\nProxyJump gate', null, null],
  ['ProxyJump none\nProxyJump gate', null, null],
  ['ProxyJump gate\nProxyCommand none', null, 'gate'],
])('rivals: %j', (text, command, jump) => {
  using directory = temporary()
  const file = join(directory.path, 'config')
  writeFileSync(file, `${text}\n`)
  const judge = parseAnswer(execFileSync('ssh', ['-F', file, '-G', '--', 'a'], { encoding: 'utf8' }))
  for (const settings of [judge, settingsOf(text, 'a')]) {
    expect([firstOf(settings, 'proxycommand'), firstOf(settings, 'proxyjump')]).toEqual([command, jump])
  }
})

test('older names are read under today’s', () => {
  const settings = settingsOf(
    'ChallengeResponseAuthentication no\nKbdInteractiveAuthentication yes\nDSAAuthentication no\n',
    'a',
  )
  expect(settings.get('kbdinteractiveauthentication')).toEqual(['no'])
  expect(settings.get('pubkeyauthentication')).toEqual(['no'])
})

test.runIf(hasSsh)('every keyword that ssh itself prints is known', () => {
  const printed = execFileSync('ssh', ['-F', 'none', '-G', '--', 'a'], { encoding: 'utf8' })
  const keywords = [...printed.matchAll(/^(\w+) /gm)].map(([, word = '']) => word.toLowerCase())
  expect(keywords.length).toBeGreaterThan(60)
  expect(keywords.filter(word => !isKnownKeyword(word))).toEqual([])
})

test('no line is passed over in silence', () => {
  expect(() => settingsOf('Host a\n = 7\n', 'a')).toThrow(/config:2: expected a keyword/)
})

test('a file somebody names has to be there; ssh’s own need not', () => {
  const config = new SshConfig()
  expect(() => config.settingsFor('a', [], configFiles('/nonexistent/config'))).toThrow(
    '/nonexistent/config: there is no such ssh configuration',
  )
  expect(config.settingsFor('a', [], configFiles('none')).size).toBe(0)
  expect(config.settingsFor('a', [], [{ file: '/nonexistent/config', includesFrom: '/' }]).size).toBe(0)
})

test.runIf(hasSsh)('ssh says the same of the same file', () => {
  using directory = temporary()
  const file = join(directory.path, 'config')
  writeFileSync(file, TEXT)
  const config = new SshConfig()
  for (const name of ['web-1', 'web-2', 'web-9', 'bastion', 'other', '10.0.0.7', 'a.example.com']) {
    const judge = parseAnswer(execFileSync('ssh', ['-F', file, '-G', '--', name], { encoding: 'utf8' }))
    const ours = config.settingsFor(name, [], configFiles(file))
    for (const keyword of ['port', 'user', 'identityfile', 'proxycommand', 'proxyjump', 'connecttimeout']) {
      // ssh prints its defaults too: only what the file says can be compared.
      if (ours.has(keyword)) expect([keyword, judge.get(keyword)]).toEqual([keyword, ours.get(keyword)])
      else if (keyword.startsWith('proxy') || keyword === 'identityfile') expect(judge.has(keyword)).toBe(false)
    }
  }
})

test.runIf(hasSsh)('a Match is asked of ssh, with what is already said', async () => {
  using directory = temporary()
  const file = join(directory.path, 'config')
  writeFileSync(file, 'Match user admin host a\n ProxyJump gate\n UserKnownHostsFile /one /two\nHost *\n Port 77\n')
  const ask = (user: string | null) =>
    askSsh({ name: 'a', port: null, user, options: [['connecttimeout', '4']], configFile: file }, { file, line: 1 })
  const settings = await ask('admin')
  expect(settings.get('proxyjump')).toEqual(['gate'])
  expect(settings.get('userknownhostsfile')).toEqual(['/one', '/two'])
  expect([settings.get('port'), settings.get('connecttimeout')]).toEqual([['77'], ['4']])
  expect(settings.has('identityfile')).toBe(false)
  expect((await ask(null)).has('proxyjump')).toBe(false)
  writeFileSync(file, 'Match exec "exec sleep 5"\n')
  const question = { name: 'a', port: null, user: null, options: [], configFile: file }
  await expect(askSsh(question, { file, line: 1 }, 300)).rejects.toMatchObject({
    message: `${file}:1: ssh cannot say what its configuration means for a: no answer within 0.3s`,
    hint: 'a Match exec may hang: ssh -G shows it',
  })
  writeFileSync(file, 'Match nonsense x\n')
  await expect(ask(null)).rejects.toThrow(
    /config:1: ssh cannot say what its configuration means for a: .*config line 1: Bad Match condition/,
  )
})

test.each([
  ['90', 90],
  ['2m', 120],
  ['1m30s', 90],
  ['1H', 3600],
  ['1d12h', 129_600],
  ['0', null],
  ['none', null],
  ['soon', null],
])('a time of %s', (text, seconds) => {
  const settings = settingsOf(`ConnectTimeout ${text}\n`, 'web-1')
  expect(positive(settings, 'connecttimeout', 1000)).toBe(seconds === null ? null : seconds * 1000)
  if (!hasSsh || seconds === null || text === 'none') return
  using directory = temporary()
  const file = join(directory.path, 'config')
  writeFileSync(file, `ConnectTimeout ${text}\n`)
  expect(execFileSync('ssh', ['-G', '-F', file, 'web-1'], { encoding: 'utf8' })).toContain(
    `connecttimeout ${seconds}\n`,
  )
})

test.each(['0', '65536', '99999', '22x'])('a port that is none, %s, is for ssh to refuse', port => {
  using directory = temporary()
  const file = join(directory.path, 'config')
  writeFileSync(file, `Host a\n  Port ${port}\n`)
  expect(() => new SshConfig().settingsFor('b', [], [{ file, includesFrom: directory.path }])).toThrow(NeedsSsh)
})
