import { userInfo } from 'node:os'
import { expect, test } from 'vitest'
import type { Host } from '../../../src/inventory/host.ts'
import { masterArgs, type OpensshSettings, sessionArgs } from '../../../src/transport/openssh-args.ts'
import { hostOf } from './hosts.ts'

const me = userInfo().username
const argsOf = (host: Partial<Host>, settings: OpensshSettings = {}): string[] =>
  masterArgs(hostOf({ address: 'web.example', user: me, ...host }), settings, { socket: '/t/s', timeoutMs: 2_400 })
const ssh = { said: [], options: [], configFile: null } as const

test('always checked, never asking, held in its own place', () => {
  const args = argsOf({})
  for (const option of ['BatchMode=yes', 'StrictHostKeyChecking=yes', 'ControlPersist=no', 'ConnectTimeout=3']) {
    expect(args).toContain(option)
  }
  expect(args).toContain('NoHostAuthenticationForLocalhost=no')
  expect(args.slice(-2)).toEqual(['--', 'web.example'])
  expect(args).not.toContain('-p')
  expect(args).not.toContain('-l')
  expect(args).not.toContain('-F')
  expect(argsOf({ hostKeyPolicy: 'accept-new' })).toContain('StrictHostKeyChecking=accept-new')
  expect(argsOf({ hostKeyPolicy: 'strict' }, { policy: 'accept-new' })).toContain('StrictHostKeyChecking=yes')
  expect(argsOf({ hostKeyPolicy: 'accept-new' }, { policy: 'strict' })).toContain('StrictHostKeyChecking=yes')
})

test('what was said wins over ssh_config, what was not is left to it', () => {
  expect(argsOf({ port: 2222, user: 'ops' }).join(' ')).toContain('-p 2222 -l ops --')
  expect(argsOf({ ssh: { ...ssh, said: ['port', 'user'] } }).join(' ')).toContain(`-p 22 -l ${me} --`)
  expect(argsOf({ ssh: { ...ssh, configFile: '/own' } }, { configFile: '/all' }).join(' ')).toContain('-F /own')
})

test('options of the inventory come after ours, for ssh takes the first; its own jump goes before the run’s', () => {
  const options = [
    ['stricthostkeychecking', 'no'],
    ['proxycommand', 'nc %h %p'],
  ] as const
  const args = argsOf({ ssh: { ...ssh, options } }, { jump: 'bastion' })
  expect(args.indexOf('StrictHostKeyChecking=yes')).toBeLessThan(args.indexOf('stricthostkeychecking=no'))
  expect(args).toContain('proxycommand=nc %h %p')
  expect(args.join(' ')).not.toContain('bastion')
})

test('a jump is reached with the same checks, its own user and port, and through the hops before it', () => {
  const args = argsOf({}, { jump: 'a,ops@b:2200', knownHostsFiles: ['/50%'] })
  const command = args.find(word => word.startsWith('ProxyCommand=')) ?? ''
  expect(command).toMatch(
    /^ProxyCommand=ssh -T -o 'ControlMaster=no' -o 'ControlPath=none' .*'?StrictHostKeyChecking=yes'? .* -p 2200 -l ops -W '\[%h\]:%p' -- b$/,
  )
  // ssh takes one half of the per cent signs away for each command.
  expect(command).toContain('UserKnownHostsFile="/50%%%%"')
  expect(command).toContain("-W '\\''[%%h]:%%p'\\'' -- a")
  expect(argsOf({ ssh: { ...ssh, options: [['proxyjump', 'none']] } }, { jump: 'a' })).toContain('ProxyJump=none')
})

test('files with blanks and per cent signs, and a key that is the only one', () => {
  const args = argsOf({ privateKeyFile: '/k/100%' }, { knownHostsFiles: ['/a b', '/50%'] })
  expect(args).toContain('UserKnownHostsFile="/a b" "/50%%"')
  expect(args).toContain('GlobalKnownHostsFile=/dev/null')
  expect(args.join(' ')).toContain('-i /k/100%% -o IdentitiesOnly=yes')
})

test('old servers: added to what ssh offers by itself, and only for them', () => {
  expect(argsOf({ legacySsh: true })).toContain('KexAlgorithms=+diffie-hellman-group14-sha1,diffie-hellman-group1-sha1')
  expect(argsOf({}).join(' ')).not.toContain('KexAlgorithms')
})

test('a session goes over its own connection or nowhere', () => {
  const args = sessionArgs('/t/s', 'id -un', false)
  expect(args).toContain('ProxyCommand=false')
  expect(args.join(' ')).toMatch(/^-F \/dev\/null -S \/t\/s /)
  expect(args.slice(-3)).toEqual(['--', 'ctfix', 'id -un'])
  expect(sessionArgs('/t/s', 'x', true)).toContain('-tt')
})
