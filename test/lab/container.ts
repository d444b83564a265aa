/**
 * The container lab: real shells, real files, real SSH servers, but the kernel of this machine. What a Debian server,
 * a busybox appliance and a CentOS 5 host look like to a tool that reads and edits files.
 */

import { GenericContainer, type StartedTestContainer, Wait } from 'testcontainers'
import { keyPair, processId, self } from './container/cache.ts'
import { ensureEngine } from './container/engine.ts'
import { must, requireTools, run } from './container/exec.ts'
import { ensureImage, type ImageKind } from './container/images.ts'
import { type DirectoryFault, faultScripts, oldSshConfig, severScript } from './container/scripts.ts'
import { waitForBanner } from './container/ssh.ts'
import type { Inspection, Lab, LabHost, Power } from './lab.ts'

export const CONTAINER_POWERS: readonly Power[] = ['real-files']

export interface ContainerSpec {
  readonly kind: ImageKind
  /** Inventory name; the kind (with a number from the second on) when left out. */
  readonly name?: string
  /** `ops` has sudo without a password; busybox knows only root. */
  readonly user?: 'root' | 'ops'
  /** Offer only what OpenSSH 4.3 could do: SHA-1 key exchange, ssh-rsa host key, RSA user keys. Not for busybox. */
  readonly oldSsh?: boolean
}

export interface ContainerLab extends Lab {
  /** Makes a directory read-only, or puts a copy of it on a file system without a free byte. One fault at a time. */
  breakDirectory(host: string, directory: string, fault: DirectoryFault): Promise<void>
  healDirectory(host: string, directory: string): Promise<void>
}

const label = 'ctfix.lab'
const labels = { lab: 'ctfix.lab.id', owner: 'ctfix.lab.owner', start: 'ctfix.lab.owner-start' } as const

/** Containers of runs that are gone; those of a living process are its own business. */
async function removeLeftOvers(): Promise<void> {
  const format = `{{.ID}} {{.Label "${labels.owner}"}} {{.Label "${labels.start}"}}`
  const listed = await must('docker', ['ps', '--all', '--filter', `label=${label}`, '--format', format])
  const dead = listed
    .split('\n')
    .map(line => line.split(' '))
    .filter(([id, pid, start]) => id && processId(Number(pid))?.start !== start)
    .map(([id = '']) => id)
  if (dead.length > 0) await must('docker', ['rm', '--force', '--volumes', ...dead])
}

interface Running {
  readonly host: LabHost
  readonly container: StartedTestContainer
}

/** An engine that is not ours would publish the port to the machine's network; a lab host is nobody else's to reach. */
class LoopbackContainer extends GenericContainer {
  protected override async beforeContainerCreated(): Promise<void> {
    this.hostConfig.PortBindings = { '22/tcp': [{ HostIp: '127.0.0.1', HostPort: '0' }] }
  }
}

async function startOne(spec: ContainerSpec, name: string, lab: string): Promise<Running> {
  const old = spec.oldSsh === true
  const type = old ? 'rsa' : 'ed25519'
  const [image, hostKey, userKey] = [
    await ensureImage(spec.kind),
    await keyPair(`host-${name}`, type),
    await keyPair('user', type),
  ]
  const me = self()
  const container = await new LoopbackContainer(image)
    .withHostname(name)
    .withExposedPorts(22)
    .withLabels({ [label]: spec.kind, [labels.lab]: lab, [labels.owner]: String(me.pid), [labels.start]: me.start })
    // SYS_ADMIN for the mounts of centos5 and of the faults; a default AppArmor profile would forbid them again.
    .withAddedCapabilities('SYS_ADMIN', 'NET_ADMIN')
    .withSecurityOpt('apparmor=unconfined')
    .withCopyContentToContainer([
      { content: hostKey.privateText, target: '/lab/host_key', mode: 0o600 },
      { content: `${userKey.publicText}\n`, target: '/lab/authorized_keys', mode: 0o644 },
      ...(old ? [{ content: oldSshConfig, target: '/lab/sshd_config.d/old.conf', mode: 0o644 }] : []),
    ])
    .withWaitStrategy(Wait.forLogMessage(/Server listening on|Not backgrounding/))
    .withStartupTimeout(30_000)
    .start()
  const port = container.getMappedPort(22)
  await waitForBanner('127.0.0.1', port)
  const user = spec.user ?? 'root'
  return {
    container,
    host: {
      name,
      vars: {
        ansible_host: '127.0.0.1',
        ansible_port: port,
        ansible_user: user,
        ansible_ssh_private_key_file: userKey.privatePath,
        ...(user === 'root' ? {} : { ansible_become: true }),
      },
      knownHosts: `[127.0.0.1]:${port} ${hostKey.publicText}`,
    },
  }
}

export async function startContainers(kinds: readonly (ImageKind | ContainerSpec)[]): Promise<ContainerLab> {
  requireTools('container', { docker: 'docker.io', 'ssh-keygen': 'openssh-client' })
  const engine = await ensureEngine()
  const id = crypto.randomUUID()
  const running = new Map<string, Running>()
  // As asked for: which of them is up first is chance.
  let order: readonly string[] = []
  const close = async (): Promise<void> => {
    running.clear()
    // By label: a container that started but never answered is in no list of ours.
    const listed = await must('docker', ['ps', '--all', '--quiet', '--filter', `label=${labels.lab}=${id}`])
    const ids = listed.split('\n').filter(line => line !== '')
    if (ids.length > 0) await must('docker', ['rm', '--force', '--volumes', ...ids])
    await engine.stop()
  }
  try {
    await removeLeftOvers()
    const specs = kinds.map(kind => (typeof kind === 'string' ? { kind } : kind))
    // Built one after the other: two mmdebstrap at once only get in each other's way.
    for (const kind of new Set(specs.map(spec => spec.kind))) await ensureImage(kind)
    const seen = new Map<ImageKind, number>()
    const named = specs.map((spec: ContainerSpec) => {
      const count = (seen.get(spec.kind) ?? 0) + 1
      seen.set(spec.kind, count)
      return { spec, name: spec.name ?? (count === 1 ? spec.kind : `${spec.kind}-${count}`) }
    })
    if (new Set(named.map(({ name }) => name)).size < named.length) throw new Error('two container hosts with one name')
    order = named.map(({ name }) => name)
    const started = await Promise.allSettled(
      named.map(async ({ spec, name }) => running.set(name, await startOne(spec, name, id))),
    )
    const failed = started.find(result => result.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  } catch (error) {
    await close().catch(() => {})
    throw error
  }

  const idOf = (host: string): string => {
    const found = running.get(host)
    if (found === undefined) throw new Error(`the container lab has no host ${host}`)
    return found.container.getId()
  }
  const inspect: Lab['inspect'] = (host, script, options) =>
    run('docker', ['exec', '--interactive', '--user', '0', idOf(host), 'sh', '-s'], {
      input: script,
      timeoutMs: options?.timeoutMs ?? 60_000,
    })
  const mustInspect = async (host: string, what: string, script: string): Promise<Inspection> => {
    const seen = await inspect(host, script)
    if (seen.exitCode !== 0) throw new Error(`${what} of ${host} failed: ${seen.stderr.trim()}`)
    return seen
  }
  const words = (directory: string): string => `set -- '${directory.replaceAll("'", "'\\''")}'\n`
  return {
    name: 'container',
    powers: new Set(CONTAINER_POWERS),
    hosts: () => order.flatMap(name => running.get(name)?.host ?? []),
    inspect,
    sever: async host => void (await mustInspect(host, 'sever', severScript)),
    breakDirectory: async (host, directory, fault) =>
      void (await mustInspect(host, `${fault} ${directory}`, words(directory) + faultScripts[fault])),
    healDirectory: async (host, directory) =>
      void (await mustInspect(host, `umount ${directory}`, `${words(directory)}umount "$1"`)),
    [Symbol.asyncDispose]: close,
  }
}
