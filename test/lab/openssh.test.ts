/** The system's ssh as a transport: the same promises as the library's and the local one, on real hosts. */
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { Host } from '../../src/inventory/host.ts'
import { quote } from '../../src/lang/sh.ts'
import { createConnect } from '../../src/transport/connect.ts'
import type { Connection } from '../../src/transport/connection.ts'
import {
  connectError,
  fromLab,
  hostOf as hostLike,
  never,
  temporary,
  writeKnownHosts,
} from '../unit/transport/hosts.ts'
import { type HostKind, hostOf, SCENARIOS } from './contract.ts'
import type { Lab, LabHost } from './lab.ts'
import { startNamespaceHosts } from './namespace.ts'
import { PROGRAM, type Product, productFor, runProgram } from './product.ts'
import { labSuite } from './suite.ts'
import { PROMISES } from './transport-contract.ts'

const TRANSPORTS = ['local', 'ssh2', 'openssh'] as const

/** Opens connections to the first host of the lab, or to this machine. */
async function withTransport(
  lab: Lab,
  transport: (typeof TRANSPORTS)[number],
  work: (open: (change?: Partial<Host>) => Promise<Connection>) => Promise<void>,
): Promise<void> {
  using directory = temporary()
  using _sockets = socketsIn(directory.path)
  const file = writeKnownHosts(directory.path, lab.hosts())
  const connect = createConnect({ knownHostsFiles: [file], agentSocket: null })
  const host =
    transport === 'local' ? hostLike({ connection: 'local' }) : fromLab(hostOf(lab, 'ns1'), { transport, ssh: null })
  await work(change => connect({ ...host, ...change }, never))
}

/** Others on this machine may have sockets where they are by default. */
function socketsIn(directory: string): Disposable {
  const { TMPDIR } = process.env
  process.env.TMPDIR = directory
  return {
    [Symbol.dispose]: () => {
      if (TMPDIR === undefined) delete process.env.TMPDIR
      else process.env.TMPDIR = TMPDIR
    },
  }
}

const socketDirectories = (): string[] => readdirSync(tmpdir()).filter(name => /^ctfix-\w{6}$/.test(name))

/**
 * Their root is this machine's under memory, with whatever its login shell does, of which a session that is cut may leave a
 * lock behind, and with what others of its labs did to it as a host.
 */
async function start(): Promise<Lab> {
  const lab = await startNamespaceHosts(2)
  for (const { name } of lab.hosts())
    await lab.inspect(name, 'rm -rf /root/.bashrc /root/.profile /root/.bash_profile /var/lib/ctfix')
  return lab
}

/** Its hosts under `--transport openssh`. */
function through(product: Product, transport: string): Product {
  return {
    ...product,
    json: (args, options) => product.json([...args, '--transport', transport], options),
    [Symbol.dispose]: () => product[Symbol.dispose](),
  }
}

/** The program on the host itself, where nothing is logged in to: its files are there, too. */
function onItself(lab: Lab, host: string): Product {
  const { vars, ...known } = hostOf(lab, host)
  const inside = productFor(lab, [{ ...known, vars: { ...vars, ansible_connection: 'local' } }])
  const run: Product['run'] = async (args, { timeoutMs = 120_000 } = {}) => {
    const fixed = ['-i', inside.inventory, '--state-dir', join(inside.directory, 'state')]
    const words = [process.execPath, PROGRAM, ...args, ...fixed].map(quote)
    return await lab.inspect(host, `SSH_AUTH_SOCK= NO_COLOR=1 exec ${words.join(' ')}`, { timeoutMs })
  }
  return {
    ...inside,
    run,
    json: async (args, options) => {
      const result = await run([...args, '--output', 'json'], options)
      expect(result.stdout, result.stderr).not.toBe('')
      return { result, document: JSON.parse(result.stdout) }
    },
    [Symbol.dispose]: () => inside[Symbol.dispose](),
  }
}

labSuite('transports', start, ({ it }) => {
  for (const transport of TRANSPORTS) {
    for (const promised of PROMISES) {
      it(`${transport}: ${promised.name}`, lab => withTransport(lab, transport, open => promised.run(open)))
    }
  }

  const kind: HostKind = { family: 'nf_conntrack', firewall: 'none', init: 'unknown', ownsKernel: false }
  for (const transport of TRANSPORTS) {
    for (const scenario of SCENARIOS.filter(({ on }) => on !== 'own kernel')) {
      it(`${transport}: ${scenario.name}`, async lab => {
        using product =
          transport === 'local' ? onItself(lab, 'ns1') : through(productFor(lab, [hostOf(lab, 'ns1')]), transport)
        const { document } = await product.json(['facts'])
        const { init, firewall } = (document.hosts[0]?.facts ?? {}) as {
          init: HostKind['init']
          firewall: { owner: HostKind['firewall'] }
        }
        const is = { ...kind, init, firewall: firewall.owner }
        await scenario.run({ lab, host: 'ns1', is, product, handshakes: transport === 'local' ? 0 : 1 })
      })
    }
  }

  it('a connection cut from outside', lab =>
    withTransport(lab, 'openssh', async open => {
      await using connection = await open()
      const running = connectError(connection.exec('sleep 60'), 'lost')
      await connection.exec('true')
      await lab.sever('ns1')
      expect((await running).message).toContain('the connection was lost while a command ran')
      await expect.poll(() => connection.alive).toBe(false)
    }))

  it('each connection is one of its own, and nothing of it stays', lab =>
    withTransport(lab, 'openssh', async open => {
      const first = await open()
      const second = await open()
      const ports = await Promise.all([first, second].map(each => each.exec('echo "$SSH_CONNECTION"')))
      expect(new Set(ports.map(({ stdout }) => stdout)).size).toBe(2)
      expect(socketDirectories()).toHaveLength(2)
      await Promise.all([first, second].map(each => each[Symbol.asyncDispose]()))
      expect(socketDirectories()).toEqual([])
    }))

  it('a command is never run over another connection than its own', lab =>
    withTransport(lab, 'openssh', async open => {
      using directory = temporary()
      const mark = join(directory.path, 'mark')
      await using connection = await open()
      const [socket] = socketDirectories()
        .map(name => join(tmpdir(), name, 's'))
        .filter(existsSync)
      if (!socket) throw new Error('no socket')
      writeFileSync(mark, '')
      unlinkSync(socket)
      await expect(connection.exec(`echo done >${mark}`)).rejects.toThrow()
      expect(readFileSync(mark, 'utf8')).toBe('')
    }))

  it('ssh_config counts: a name of its own, its port, user, key and known hosts; -F takes its place', async lab => {
    using product = productFor(lab, [])
    const [first] = lab.hosts()
    if (!first) throw new Error('no host')
    const config = join(product.directory, 'config')
    const { ansible_host: address, ansible_ssh_private_key_file: key } = first.vars
    writeFileSync(join(product.directory, 'known'), `renamed ${first.knownHosts.split(' ').slice(1).join(' ')}\n`)
    const lines = [
      'Host by-name',
      `HostName ${address}`,
      'User root',
      `IdentityFile ${key}`,
      'HostKeyAlias renamed',
      `UserKnownHostsFile ${join(product.directory, 'known')}`,
    ]
    writeFileSync(config, `${lines.join('\n  ')}\n`)
    const common = ['facts', '-i', 'by-name,', '--output', 'json', '--state-dir', product.directory]
    const result = await runProgram([...common, '--transport', 'openssh', '-F', config])
    expect(result.exitCode, result.stdout + result.stderr).toBe(0)
  })

  for (const transport of ['ssh2', 'openssh'] as const) {
    it(`${transport}: through a jump host, both keys checked against the files that were named`, async lab => {
      const [one, two] = lab.hosts()
      if (!one || !two) throw new Error('two hosts are needed')
      const key = one.vars.ansible_ssh_private_key_file ?? ''
      using agent = await startAgent(key)
      const jumping = async (hosts: readonly LabHost[]) => {
        using product = productFor(lab, hosts)
        const env = { SSH_AUTH_SOCK: agent.socket }
        const words = ['facts', '--limit', 'ns1', '--output', 'json', '--transport', transport, '-F', '/dev/null']
        return await product.run([...words, '-J', `root@${two.vars.ansible_host}`], { env })
      }
      const good = await jumping([one, two])
      expect(good.exitCode, good.stdout + good.stderr).toBe(0)
      const [address = ''] = two.knownHosts.split(' ')
      const wrong = { ...two, knownHosts: `${address} ${one.knownHosts.split(' ').slice(1).join(' ')}` }
      const bad = await jumping([one, wrong])
      expect(bad.exitCode).toBe(3)
      expect(bad.stdout).toContain(`host key of ${address}`)
    })
  }

  it('openssh: a certificate logs in, which the library cannot use and says so', async lab => {
    using directory = temporary()
    const [ca, mine] = ['ca', 'mine'].map(name => join(directory.path, name)) as [string, string]
    for (const file of [ca, mine]) execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file])
    execFileSync('ssh-keygen', ['-q', '-s', ca, '-I', 'lab', '-n', 'root', `${mine}.pub`])
    const { exitCode, stderr } = await lab.inspect(
      'ns1',
      `/usr/sbin/sshd -f /dev/null -p 2222 -h /run/lab/host_key -o TrustedUserCAKeys=${ca}.pub -o AuthorizedKeysFile=none \
          -o UsePAM=no -o StrictModes=no -o PidFile=none -o PasswordAuthentication=no`,
    )
    expect(exitCode, stderr).toBe(0)
    const { vars, knownHosts } = hostOf(lab, 'ns1')
    const [address = '', ...key] = knownHosts.split(' ')
    const host: LabHost = {
      name: 'ns1',
      vars: { ...vars, ansible_port: 2222, ansible_ssh_private_key_file: mine },
      knownHosts: `[${address}]:2222 ${key.join(' ')}`,
    }
    using product = productFor(lab, [host])
    const byOpenssh = await through(product, 'openssh').json(['facts'])
    expect(byOpenssh.result.exitCode, byOpenssh.result.stdout).toBe(0)
    const byLibrary = await through(product, 'ssh2').json(['facts'])
    expect(byLibrary.result.exitCode).toBe(3)
    expect(byLibrary.document.hosts[0]?.error?.message).toMatch(/login denied/)
  })

  for (const transport of ['ssh2', 'openssh'] as const) {
    it(`${transport}: what keeps it out has the same reasons and words over both`, async lab => {
      const [one, two] = lab.hosts()
      if (!one || !two) throw new Error('two hosts are needed')
      await withTransport(lab, transport, async open => {
        const refused = await connectError(open({ port: 1 }), 'refused')
        expect(refused.message).toMatch(/^ns1: cannot connect to [\d.]+:1: connection refused/)
        const unresolved = await connectError(open({ address: 'no-such-host.invalid' }), 'dns')
        expect(unresolved.message).toMatch(/name not known|name servers do not answer/)
        const denied = await connectError(open({ user: 'no-such-user' }), 'auth')
        expect(denied.message).toMatch(/login denied \(tried publickey.*\) as user no-such-user/)
      })
      const keyOfTwo = two.knownHosts.split(' ').slice(1).join(' ')
      const swapped = [{ ...one, knownHosts: `${one.vars.ansible_host} ${keyOfTwo}` }]
      await withTransport({ ...lab, hosts: () => swapped }, transport, async open => {
        const changed = await connectError(open(), 'host-key')
        expect(changed.message).toMatch(/is not the known one: it shows ssh-ed25519 SHA256:\S+, \S+known_hosts:1 has /)
        expect(changed.hint).toContain(`ssh-keygen -R ${one.vars.ansible_host}`)
      })
      await withTransport({ ...lab, hosts: () => [{ ...one, knownHosts: '' }] }, transport, async open => {
        const unknown = await connectError(open(), 'host-key')
        expect(unknown.message).toMatch(/ is not known \(ssh-ed25519 SHA256:\S+\)$/)
        {
          await using _accepted = await open({ hostKeyPolicy: 'accept-new' })
        }
        await using _known = await open()
      })
    })
  }

  it('killed while it works, it leaves neither a connection nor a socket behind', async lab => {
    using product = productFor(lab, [hostOf(lab, 'ns1')])
    using _sockets = socketsIn(product.directory)
    const fixed = ['-i', product.inventory, '--known-hosts', join(product.directory, 'known_hosts')]
    const words = ['verify', '--strategy', 'raise', '--window', '30s', '--transport', 'openssh', ...fixed]
    const child = spawn(process.execPath, ['bin/ctfix.js', ...words], { stdio: 'ignore' })
    await expect.poll(socketDirectories, { timeout: 10_000 }).toHaveLength(1)
    const [name = ''] = socketDirectories()
    await expect.poll(() => existsSync(join(product.directory, name, 's')), { timeout: 10_000 }).toBe(true)
    const sessions = async (): Promise<string> =>
      (await lab.inspect('ns1', "ps -eo args | grep -c '^sshd: root' || :")).stdout.trim()
    expect(await sessions()).not.toBe('0')
    child.kill('SIGKILL')
    await expect.poll(socketDirectories, { timeout: 10_000 }).toEqual([])
    await expect.poll(sessions, { timeout: 10_000 }).toBe('0')
  })
})

/** An agent of our own with one key in it: a jump host is not given the key file of the host behind it. */
async function startAgent(key: string): Promise<{ readonly socket: string } & Disposable> {
  const directory = temporary()
  const socket = join(directory.path, 'agent')
  const child = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' })
  await expect.poll(() => existsSync(socket)).toBe(true)
  execFileSync('ssh-add', ['-q', key], { env: { ...process.env, SSH_AUTH_SOCK: socket }, stdio: 'ignore' })
  return {
    socket,
    [Symbol.dispose]: () => {
      child.kill()
      directory[Symbol.dispose]()
    },
  }
}
