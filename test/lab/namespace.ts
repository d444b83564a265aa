/**
 * Namespace hosts: many cheap SSH hosts on one machine, for fan-out and speed. Each has its own network, mounts, pids
 * and host name, its own sshd on a private bridge, and memory over all files, so nothing of the machine is written. The
 * kernel is the machine's, its conntrack limits read-only from in there: a "not your kernel" case.
 */

import { type ChildProcess, spawn } from 'node:child_process'
import { cacheDir, endProcess, keyPair, type ProcessId, processId } from './container/cache.ts'
import { requireTools, run, toolPath } from './container/exec.ts'
import { severScript } from './container/scripts.ts'
import { waitForBanner } from './container/ssh.ts'
import { type Lab, type LabHost, LabUnavailable } from './lab.ts'
import { claimBridge, type LabBridge } from './namespace/bridge.ts'
import { hostScript } from './namespace/host-script.ts'

interface Spec {
  readonly name: string
  readonly address: string
  readonly port: number
  /** False: it has the machine's, and with it the kernel's limits. */
  readonly ownNetwork: boolean
}

interface Running {
  readonly host: LabHost
  readonly spec: Spec
  /** `unshare`, whose death takes the whole pid namespace with it. */
  readonly keeper: ProcessId
  /** PID 1 of the host as this machine counts: the way in for the side door. */
  readonly init: number
  readonly child: ChildProcess
}

const userKey = () => keyPair('user')

/** Every host has a key of its own, so that mixed-up known_hosts lines are found out. */
async function hostKeys(count: number): Promise<string[]> {
  const texts: string[] = []
  // A few at a time: each is a process, and there may be only two cores for them.
  for (let first = 1; first <= count; first += 4) {
    const some = Array.from({ length: Math.min(4, count - first + 1) }, (_, at) => keyPair(`host-ns${first + at}`))
    for (const key of await Promise.all(some)) texts.push(key.publicText)
  }
  return texts
}

/** Starts the namespaces of one host; its sshd waits for a word on stdin, until the network is there. */
async function unshareHost(
  { name, address, port, ownNetwork }: Spec,
  bridge: LabBridge,
  authorized: string,
): Promise<Omit<Running, 'host' | 'spec'>> {
  const keys = cacheDir('keys')
  // pdeathsig and kill-child: a crashed test run takes its hosts with it, without anybody to reap them.
  const child = spawn(
    'setpriv',
    [
      ...['--pdeathsig', 'KILL', 'unshare', ...(ownNetwork ? ['--net'] : [])],
      ...['--mount', '--pid', '--uts', '--fork', '--kill-child'],
      ...[
        '/bin/sh',
        '-c',
        hostScript,
        'sh',
        name,
        ownNetwork ? `${address}/16` : '',
        bridge.gateway,
        `${keys}/host-${name}_ed25519`,
        authorized,
        `${address}:${port}`,
      ],
    ],
    { env: { PATH: toolPath }, stdio: ['pipe', 'pipe', 'pipe'] },
  )
  const errors: Buffer[] = []
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk))
  child.stdin.on('error', () => {})
  const init = await new Promise<number>((resolve, reject) => {
    child.stdout.once('data', (chunk: Buffer) => resolve(Number(chunk.toString())))
    child.once('error', reject)
    child.once('exit', () => reject(new Error(`${name} did not start: ${Buffer.concat(errors).toString().trim()}`)))
  })
  const keeper = child.pid === undefined ? undefined : processId(child.pid)
  if (keeper === undefined || !Number.isInteger(init)) throw new Error(`${name} ended while it started`)
  return { keeper, init, child }
}

function specs({ prefix, gateway }: LabBridge, count: number, machineNetwork: boolean): Spec[] {
  const own = Array.from({ length: count }, (_, at) => ({
    name: `ns${at + 1}`,
    address: `${prefix}.${1 + Math.floor(at / 250)}.${1 + (at % 250)}`,
    port: 22,
    ownNetwork: true,
  }))
  // The machine may have an sshd of its own.
  const last = { name: `ns${count + 1}`, address: gateway, port: 2022, ownNetwork: false }
  return machineNetwork ? [...own, last] : own
}

/** `machineNetwork`: with one more host, the last one, whose network is the machine's: it owns the kernel. */
export async function startNamespaceHosts(count: number, { machineNetwork = false } = {}): Promise<Lab> {
  if (process.getuid?.() !== 0)
    throw new LabUnavailable('The namespace lab makes namespaces and a bridge, which takes root.')
  requireTools('namespace', {
    sshd: 'openssh-server',
    'ssh-keygen': 'openssh-client',
    ip: 'iproute2',
    unshare: 'util-linux',
    nsenter: 'util-linux',
    setpriv: 'util-linux',
  })
  const bridge = await claimBridge()
  const running = new Map<string, Running>()
  const close = async (): Promise<void> => {
    const all = [...running.values()]
    running.clear()
    // Both ends of a pair go with its namespace, but at the kernel's leisure; taking the bridge's end away is at once.
    await bridge.detach(all.length)
    await Promise.all(all.map(({ keeper }) => endProcess(keeper, 'SIGKILL', 10_000)))
    await bridge.release()
  }
  try {
    const wanted = specs(bridge, count, machineNetwork)
    const [user, publicKeys] = [await userKey(), await hostKeys(wanted.length)]
    const started = await Promise.allSettled(
      wanted.map(async (spec, at) => {
        const { name, address, port } = spec
        const vars = {
          ansible_host: address,
          ansible_port: port,
          ansible_user: 'root',
          ansible_ssh_private_key_file: user.privatePath,
        }
        const made = await unshareHost(spec, bridge, user.publicText)
        const knownHosts = `${port === 22 ? address : `[${address}]:${port}`} ${publicKeys[at]}`
        running.set(name, { ...made, spec, host: { name, vars, knownHosts } })
      }),
    )
    const failed = started.find(result => result.status === 'rejected')
    if (failed !== undefined) throw failed.reason
    const inOrder = wanted.map(({ name }) => running.get(name)).filter(host => host !== undefined)
    await bridge.attach(inOrder.filter(({ spec }) => spec.ownNetwork).map(({ keeper }) => keeper.pid))
    for (const { child } of inOrder) child.stdin?.end('go\n')
    await Promise.all(inOrder.map(({ spec }) => waitForBanner(spec.address, spec.port)))
    running.clear()
    for (const host of inOrder) running.set(host.host.name, host)
  } catch (error) {
    await close().catch(() => {})
    throw error
  }
  const inspect: Lab['inspect'] = (name, script, options) => {
    const host = running.get(name)
    if (host === undefined) return Promise.reject(new Error(`the namespace lab has no host ${name}`))
    const into = ['--target', `${host.init}`, '--mount', '--uts', '--net', '--pid']
    return run('nsenter', [...into, 'sh', '-s'], { input: script, timeoutMs: options?.timeoutMs ?? 60_000 })
  }
  return {
    name: 'namespace',
    // Its files are real, but on memory over a machine that is in use: scenarios about files have the containers.
    powers: new Set(),
    hosts: () => [...running.values()].map(({ host }) => host),
    inspect,
    sever: async name => {
      const { exitCode, stderr } = await inspect(name, severScript)
      if (exitCode !== 0) throw new Error(`sever of ${name} failed: ${stderr.trim()}`)
    },
    [Symbol.asyncDispose]: close,
  }
}
