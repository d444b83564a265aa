/** A real sshd of this machine, on a loopback port of its own, with its own keys and configuration; ended by its pid. */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { endProcess, processId } from '../container/cache.ts'
import { findTool, must, requireTools } from '../container/exec.ts'
import { waitForBanner } from '../container/ssh.ts'
import { LabUnavailable } from '../lab.ts'

export interface SshdOptions {
  /** Lines of sshd_config beside those every sshd here has. */
  readonly config?: readonly string[]
  readonly hostKeyType?: 'ed25519' | 'ecdsa' | 'rsa' | 'dsa'
  /** A line of /etc/shadow for root, seen by this sshd alone. */
  readonly shadow?: string
  /** Lines at the head of PAM's rules, seen by this sshd alone. */
  readonly pam?: string
  /** resolv.conf, seen by this sshd alone. */
  readonly resolvConf?: string
}

export interface Sshd {
  readonly address: string
  readonly port: number
  /** `ssh-ed25519 AAAA…` */
  readonly hostKey: string
  /** `[127.0.0.1]:2201 ssh-ed25519 AAAA…` */
  readonly knownHosts: string
  /** Lets root in. */
  readonly keyFile: string
  readonly directory: string
  /** Lines of the log so far that match. */
  logged(pattern: RegExp): string[]
  /** Ends the listener; connections that stand go on. */
  stop(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

export async function startSshd(options: SshdOptions = {}): Promise<Sshd> {
  if (process.getuid?.() !== 0) throw new LabUnavailable('The sshd lab logs in as root, which takes root.')
  requireTools('sshd', {
    sshd: 'openssh-server',
    'ssh-keygen': 'openssh-client',
    unshare: 'util-linux',
    setpriv: 'util-linux',
  })
  const { config = [], hostKeyType = 'ed25519', shadow, pam, resolvConf } = options
  const address = '127.0.0.1'
  const directory = mkdtempSync(join(tmpdir(), 'ctfix-sshd-'))
  const at = (name: string): string => join(directory, name)
  await must('ssh-keygen', ['-q', '-t', hostKeyType, '-N', '', '-C', '', '-f', at('host')])
  await must('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', at('user')])
  writeFileSync(at('authorized'), readFileSync(at('user.pub')))
  const port = await freePort(address)
  writeFileSync(
    at('config'),
    [
      ...config,
      `Port ${port}`,
      `ListenAddress ${address}`,
      `HostKey ${at('host')}`,
      `AuthorizedKeysFile ${at('authorized')}`,
      `PidFile none`,
      'PermitRootLogin yes',
      'StrictModes no',
      'UseDNS no',
      'LogLevel VERBOSE',
      '',
    ].join('\n'),
  )
  // Debian's sshd wants it, and only its unit file makes it.
  mkdirSync('/run/sshd', { recursive: true })
  // pdeathsig: a crashed test run takes its servers with it.
  const command = ['--pdeathsig', 'KILL', 'unshare', '--mount', '/bin/sh', '-c', START, 'sh']
  const child = spawn('setpriv', [...command, findTool('sshd') ?? 'sshd', directory], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, SHADOW: shadow ?? '', PAM: pam ?? '', RESOLV_CONF: resolvConf ?? '' },
  })
  const id = child.pid === undefined ? undefined : processId(child.pid)
  const stop = async (): Promise<void> => {
    if (id) await endProcess(id, 'SIGTERM', 5_000)
  }
  await waitForBanner(address, port)
  const hostKey = readFileSync(at('host.pub'), 'utf8').split(' ').slice(0, 2).join(' ').trim()
  return {
    address,
    port,
    hostKey,
    knownHosts: `[${address}]:${port} ${hostKey}`,
    keyFile: at('user'),
    directory,
    logged: pattern =>
      (existsSync(at('log')) ? readFileSync(at('log'), 'utf8') : '').split('\n').filter(line => pattern.test(line)),
    stop,
    [Symbol.asyncDispose]: async () => {
      await stop()
      // A session that is about to end may write its log once more.
      rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
    },
  }
}

/** What it mounts is seen by nobody else. */
const START = `
if [ -n "$SHADOW" ]; then
  grep -v '^root:' /etc/shadow >"$2/shadow"
  printf '%s\\n' "$SHADOW" >>"$2/shadow"
  mount --bind "$2/shadow" /etc/shadow
fi
if [ -n "$PAM" ]; then
  { printf '%s\\n' "$PAM"; cat /etc/pam.d/sshd; } >"$2/pam"
  mount --bind "$2/pam" /etc/pam.d/sshd
fi
if [ -n "$RESOLV_CONF" ]; then
  printf '%s\\n' "$RESOLV_CONF" >"$2/resolv.conf"
  mount --bind "$2/resolv.conf" "$(readlink -f /etc/resolv.conf)"
fi
exec "$1" -D -f "$2/config" -E "$2/log"
`

function freePort(address: string): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const server = createServer()
  server.once('error', reject)
  server.listen(0, address, () => {
    const bound = server.address()
    const port = typeof bound === 'object' && bound ? bound.port : 0
    server.close(() => resolve(port))
  })
  return promise
}
