/** The words ssh is called with: ours first, for ssh takes the first value it meets; then the host's, then ssh_config. */
import { userInfo } from 'node:os'
import type { Host, HostKeyPolicy } from '../inventory/host.ts'
import { quote } from '../lang/sh.ts'
import { offerTo } from './algorithms.ts'
import { stricter } from './host-key-policy.ts'
import { hopHost, parseJump } from './jump.ts'

/** What holds for every host of a run. */
export interface OpensshSettings {
  /** Instead of what ssh_config names; a new key is written to the first. */
  readonly knownHostsFiles?: readonly string[] | undefined
  /** For hosts that name none; undefined: strict. */
  readonly policy?: HostKeyPolicy | undefined
  /** `-J` and `-F`, for hosts that name none. */
  readonly jump?: string | undefined
  readonly configFile?: string | undefined
}

const option = (keyword: string, value: string): string[] => ['-o', `${keyword}=${value}`]

/** One connection of its own, held for later commands. */
export function masterArgs(host: Host, settings: OpensshSettings, { socket, timeoutMs }: Master): string[] {
  return [
    // Its progress and its errors in ssh's own words, which are the same in every language.
    ...['-v', '-N', '-T', '-M', '-S', socket],
    ...option('ControlPersist', 'no'),
    // Ports that the configuration forwards are for people; of fifty connections only one could have them.
    ...option('ClearAllForwardings', 'yes'),
    ...wayTo(host, settings, timeoutMs),
    '--',
    host.address,
  ]
}

interface Master {
  readonly socket: string
  readonly timeoutMs: number
}

/** `no` and `ask` of ssh_config are no policy here. */
export function policyFor(host: Host, { policy }: OpensshSettings): HostKeyPolicy {
  return stricter(host, policy) ?? 'strict'
}

/** Into the host, or the jump host: asking nobody, and checking its key. */
function wayTo(host: Host, settings: OpensshSettings, timeoutMs: number): string[] {
  const { ssh } = host
  const configFile = ssh?.configFile ?? settings.configFile
  return [
    ...(configFile === undefined ? [] : ['-F', configFile]),
    ...option('BatchMode', 'yes'),
    ...option('StrictHostKeyChecking', policyFor(host, settings) === 'strict' ? 'yes' : 'accept-new'),
    // A forwarded port on this machine is a host like any other.
    ...option('NoHostAuthenticationForLocalhost', 'no'),
    ...option('NumberOfPasswordPrompts', '0'),
    ...option('ConnectTimeout', String(Math.max(1, Math.ceil(timeoutMs / 1000)))),
    ...option('ServerAliveInterval', '10'),
    ...option('ServerAliveCountMax', '3'),
    ...knownHostsArgs(settings.knownHostsFiles),
    ...(host.legacySsh ? legacyArgs() : []),
    ...(host.privateKeyFile === null
      ? []
      : ['-i', host.privateKeyFile.replaceAll('%', '%%'), ...option('IdentitiesOnly', 'yes')]),
    ...jumpArgs(host, settings, timeoutMs),
    ...(ssh?.options ?? []).flatMap(([keyword, value]) => (keyword === 'proxyjump' ? [] : option(keyword, value))),
    ...(isSaid(host, 'port', host.port !== 22) ? ['-p', String(host.port)] : []),
    ...(isSaid(host, 'user', host.user !== userInfo().username) ? ['-l', host.user] : []),
  ]
}

/**
 * ssh's own -J would reach the jump host with nothing of what was said here: with other known hosts, and with questions to
 * somebody. Each hop is a connection of its own: a master of the user's that stands proves nothing.
 */
function jumpArgs(host: Host, settings: OpensshSettings, timeoutMs: number): string[] {
  const own = host.ssh?.options.find(([keyword]) => keyword === 'proxyjump' || keyword === 'proxycommand')
  const jump = own === undefined ? settings.jump : own[0] === 'proxyjump' ? own[1] : undefined
  if (jump === undefined) return []
  if (jump.trim().toLowerCase() === 'none') return option('ProxyJump', 'none')
  const hop = hopHost(parseJump(jump, host), host)
  const alone = [...option('ControlMaster', 'no'), ...option('ControlPath', 'none')]
  const words = ['ssh', '-T', ...alone, ...wayTo(hop, { ...settings, jump: undefined }, timeoutMs)]
  const literal = (text: string): string => quote(text).replaceAll('%', '%%')
  return option('ProxyCommand', `${words.map(literal).join(' ')} -W '[%h]:%p' -- ${literal(hop.address)}`)
}

/** Where nobody said it, ssh_config may; a value that is not ssh's default was said by somebody. */
function isSaid({ ssh }: Host, what: 'port' | 'user', unusual: boolean): boolean {
  return unusual || ssh?.said.includes(what) === true
}

/** As for the library: files that are named take the place of all of ssh's own. */
function knownHostsArgs(files: readonly string[] | undefined): string[] {
  if (files === undefined) return []
  const words = files.map(file => `"${file.replaceAll('%', '%%')}"`)
  return [...option('UserKnownHostsFile', words.join(' ')), ...option('GlobalKnownHostsFile', '/dev/null')]
}

/** ssh knows more than the library and refuses names that it does not know: only what it has is added to its own. */
function legacyArgs(): string[] {
  const modern = offerTo({ legacySsh: false }, [])
  const { kex, serverHostKey, cipher, hmac } = offerTo({ legacySsh: true }, [])
  const added = (all: readonly string[], known: readonly string[]): string =>
    `+${all.filter(name => !known.includes(name) && name !== 'ssh-dss').join(',')}`
  return [
    ...option('KexAlgorithms', added(kex, modern.kex)),
    ...option('HostKeyAlgorithms', added(serverHostKey, modern.serverHostKey)),
    ...option('Ciphers', added(cipher, modern.cipher)),
    ...option('MACs', added(hmac, modern.hmac)),
    // The older name of PubkeyAcceptedAlgorithms: every ssh still knows it.
    ...option('PubkeyAcceptedKeyTypes', '+ssh-rsa'),
  ]
}

/**
 * A command over a connection that stands. Without its socket ssh would open another connection, perhaps to another
 * machine, and run the command there: the proxy command makes that impossible.
 */
export function sessionArgs(socket: string, command: string, terminal: boolean): string[] {
  return [
    ...['-F', '/dev/null', '-S', socket, '-e', 'none', terminal ? '-tt' : '-T'],
    ...option('ControlMaster', 'no'),
    ...option('ProxyCommand', 'false'),
    ...option('BatchMode', 'yes'),
    ...option('LogLevel', 'ERROR'),
    '--',
    'ctfix',
    command,
  ]
}
