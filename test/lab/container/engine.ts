/**
 * The Docker engine of the container lab: the one that is there, or our own for as long as somebody needs it.
 * Our own one stays out of the machine's way: own state, own socket, own bridge, no firewall rules, no forwarding,
 * published ports on loopback only (through docker's user-space proxy).
 */

import { spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { LabUnavailable } from '../lab.ts'
import { cacheDir, endProcess, isAlive, processId, self, withLock } from './cache.ts'
import { findTool, must, run, toolPath } from './exec.ts'

export interface Engine {
  /** DOCKER_HOST of the engine. */
  readonly host: string
  /** Ends the engine when a lab started it and no other lab uses it any more; otherwise leaves it running. */
  stop(): Promise<void>
}

const bridge = 'ctfix-ct0'
const bridgeNet = ['10.97.0.1/24', '10.96.0.1/24', '10.95.0.1/24']

async function answers(host: string): Promise<boolean> {
  const probe = run('docker', ['version', '--format', '{{.Server.Version}}'], {
    env: { DOCKER_HOST: host },
    timeoutMs: 10_000,
  })
  return (await probe.catch(() => undefined))?.exitCode === 0
}

function useEngine(host: string): void {
  process.env.DOCKER_HOST = host
  // Ryuk's image would have to be pulled; what a crash leaves behind is found by its label instead.
  process.env.TESTCONTAINERS_RYUK_DISABLED = 'true'
}

/** A machine's own daemon has the first word: whoever set DOCKER_HOST means it. */
function machineHosts(): string[] {
  if (process.env.DOCKER_HOST) return [process.env.DOCKER_HOST]
  const runtimeDir = process.env.XDG_RUNTIME_DIR
  return ['/var/run/docker.sock', ...(runtimeDir ? [join(runtimeDir, 'docker.sock')] : [])]
    .filter(path => existsSync(path))
    .map(path => `unix://${path}`)
}

export async function ensureEngine(): Promise<Engine> {
  if (findTool('docker') === undefined)
    throw new LabUnavailable('The container lab needs docker (package docker.io) on this machine.')
  const dir = cacheDir('engine')
  const own = `unix://${join(dir, 'docker.sock')}`
  for (const host of machineHosts()) {
    if (host === own || !(await answers(host))) continue
    useEngine(host)
    return { host, stop: async () => {} }
  }
  if (process.env.DOCKER_HOST && process.env.DOCKER_HOST !== own)
    throw new LabUnavailable(`No Docker engine answers at DOCKER_HOST ${process.env.DOCKER_HOST}.`)
  if (process.getuid?.() !== 0)
    throw new LabUnavailable('No Docker engine answers, and only root could start one for the container lab.')
  if (findTool('dockerd') === undefined)
    throw new LabUnavailable('No Docker engine answers and there is no dockerd to start (package docker.io).')
  if (Buffer.byteLength(own) > 100)
    throw new LabUnavailable(
      `The lab cache ${dir} has too long a path for a socket; set XDG_CACHE_HOME to a shorter one.`,
    )

  const lease = join(cacheDir('engine', 'leases'), `${process.pid}.${crypto.randomUUID()}`)
  await withLock('engine', async () => {
    const me = self()
    writeFileSync(lease, `${me.pid} ${me.start}`)
    try {
      if (!(await answers(own))) await startOwn(dir, own)
    } catch (error) {
      rmSync(lease, { force: true })
      throw error
    }
  })
  useEngine(own)
  return {
    host: own,
    stop: () =>
      withLock('engine', async () => {
        rmSync(lease, { force: true })
        // Other processes, or another lab of this one, may be at work in it; the last one out ends it.
        if (!leasesLeft(dir)) await stopOwn(dir)
      }),
  }
}

function leasesLeft(dir: string): boolean {
  const leases = join(dir, 'leases')
  return readdirSync(leases).some(name => {
    const [pid = '', start = ''] = readFileSync(join(leases, name), 'utf8').split(' ')
    if (isAlive({ pid: Number(pid), start })) return true
    rmSync(join(leases, name), { force: true })
    return false
  })
}

async function startOwn(dir: string, own: string): Promise<void> {
  // A daemon that was killed leaves its pid file, its containerd and its mounts.
  await stopOwn(dir)
  const routes = await must('ip', ['-4', 'route', 'show', 'table', 'all'])
  const address = bridgeNet.find(net => !routes.includes(net.replace(/\d+\.\d+\/\d+$/, '')))
  if (address === undefined) throw new LabUnavailable('No free network is left for the bridge of the container lab.')
  await must('ip', ['link', 'add', bridge, 'type', 'bridge'])
  await must('ip', ['address', 'add', address, 'dev', bridge])
  await must('ip', ['link', 'set', bridge, 'up'])

  const config = {
    'data-root': join(dir, 'data'),
    'exec-root': join(dir, 'run'),
    pidfile: join(dir, 'dockerd.pid'),
    hosts: [own],
    bridge,
    iptables: false,
    ip6tables: false,
    'ip-forward': false,
    'ip-masq': false,
    ip: '127.0.0.1',
    'log-level': 'warn',
  }
  writeFileSync(join(dir, 'daemon.json'), JSON.stringify(config, null, 2))
  const log = openSync(join(dir, 'dockerd.log'), 'w')
  const child = spawn('dockerd', ['--config-file', join(dir, 'daemon.json')], {
    detached: true,
    env: { ...process.env, PATH: toolPath },
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  const dead = new Promise<true>(resolve => {
    child.once('exit', () => resolve(true))
    child.once('error', () => resolve(true))
  })
  child.unref()
  for (const deadline = Date.now() + 60_000; !(await answers(own)); ) {
    const ended = await Promise.race([dead, sleep(100, false)])
    if (!ended && Date.now() < deadline) continue
    const words = readFileSync(join(dir, 'dockerd.log'), 'utf8').trim().split('\n').at(-1) ?? ''
    await stopOwn(dir)
    throw new LabUnavailable(`The Docker engine of the container lab did not come up: ${words.slice(0, 400)}`)
  }
}

async function endByPidFile(path: string, name: string): Promise<void> {
  if (!existsSync(path)) return
  const id = processId(Number(readFileSync(path, 'utf8')))
  const isOurs = id !== undefined && readFileSync(`/proc/${id.pid}/comm`, 'utf8').trim() === name
  if (isOurs && !(await endProcess(id, 'SIGTERM', 20_000))) await endProcess(id, 'SIGKILL', 5_000)
  rmSync(path, { force: true })
}

async function stopOwn(dir: string): Promise<void> {
  await endByPidFile(join(dir, 'dockerd.pid'), 'dockerd')
  await endByPidFile(join(dir, 'run', 'containerd', 'containerd.pid'), 'containerd')
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n')
  for (const mount of mounts.reverse()) {
    const point = mount.split(' ')[1] ?? ''
    if (point.startsWith(`${dir}/`)) await run('umount', ['--lazy', point])
  }
  rmSync(join(dir, 'docker.sock'), { force: true })
  rmSync(join(dir, 'run'), { recursive: true, force: true })
  if (existsSync(`/sys/class/net/${bridge}`)) await run('ip', ['link', 'delete', bridge])
}
