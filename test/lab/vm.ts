/** The lab of virtual machines: a real kernel of its own under a real Debian userland, one host each. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Inspection, Lab, LabHost, Power } from './lab.ts'
import { removeTree } from './vm/cache.ts'
import { rebootGuest, severSessions, waitForBoot, wakeUp } from './vm/guest.ts'
import { requireHost } from './vm/host.ts'
import type { KernelLabel } from './vm/kernel.ts'
import { createOverlay, Machine } from './vm/machine.ts'
import type { Flavour } from './vm/root.ts'
import { createRunDirectory } from './vm/rundir.ts'
import { type Bootable, copySnapshot, provideSnapshot } from './vm/snapshot.ts'

export { KERNELS, type KernelLabel } from './vm/kernel.ts'

export interface VmOptions {
  readonly kernel: KernelLabel
  /** What manages rules in it: `plain` (the default) has netfilter-persistent at work, `managers` ufw and firewalld at rest. */
  readonly flavour?: Flavour
  /** Whom the product logs in as: `ops` needs sudo (no password), `root` nothing. */
  readonly user?: 'ops' | 'root'
  /** A real boot instead of the saved machine, for tests of boot itself. */
  readonly cold?: boolean
}

/** Builds everything a start needs; the first time takes about a minute. */
export async function buildVm(kernel: KernelLabel, flavour: Flavour = 'plain'): Promise<Bootable> {
  requireHost()
  return provideSnapshot(kernel, flavour)
}

export async function startVm(options: VmOptions): Promise<VmLab> {
  const bootable = await buildVm(options.kernel, options.flavour)
  const directory = await createRunDirectory()
  let machine: Machine | null = null
  try {
    machine = await startMachine(bootable, directory, options.cold ?? false)
    const port = await machine.forward(22)
    const { root } = bootable.disk
    const knownHosts = `[127.0.0.1]:${port} ${(await readFile(root.hostKey, 'utf8')).split(' ').slice(0, 2).join(' ')}`
    await writeFile(join(directory, 'known_hosts'), `${knownHosts}\n`)
    const user = options.user ?? 'ops'
    const host: LabHost = {
      name: `vm-${options.kernel}`,
      vars: {
        ansible_host: '127.0.0.1',
        ansible_port: port,
        ansible_user: user,
        ansible_ssh_private_key_file: root.privateKey,
        ...(user === 'root' ? {} : { ansible_become: true }),
      },
      knownHosts,
    }
    return new VmLab(host, machine, directory)
  } catch (error) {
    await machine?.stop()
    await removeTree(directory)
    throw error
  }
}

async function startMachine(bootable: Bootable, directory: string, cold: boolean): Promise<Machine> {
  const { disk, accelerator } = bootable
  if (cold) await createOverlay(disk, directory)
  else await copySnapshot(bootable.saved, directory)
  const machine = await Machine.start({ directory, disk, accelerator, resume: !cold })
  try {
    if (cold) await waitForBoot(machine)
    await wakeUp(machine.door)
  } catch (error) {
    await machine.stop()
    throw error
  }
  return machine
}

export class VmLab implements Lab {
  readonly name: string
  readonly powers: ReadonlySet<Power> = new Set<Power>(['own-kernel', 'modules', 'reboot', 'real-files'])
  readonly knownHostsFile: string
  readonly #host: LabHost
  readonly #machine: Machine
  readonly #directory: string

  constructor(host: LabHost, machine: Machine, directory: string) {
    this.name = host.name
    this.knownHostsFile = join(directory, 'known_hosts')
    this.#host = host
    this.#machine = machine
    this.#directory = directory
  }

  get host(): LabHost {
    return this.#host
  }

  hosts(): readonly LabHost[] {
    return [this.#host]
  }

  inspect(host: string, script: string, options: { readonly timeoutMs?: number } = {}): Promise<Inspection> {
    this.#check(host)
    return this.#machine.door.run(script, options)
  }

  /** For the lab's own use: a script on the one host that must succeed; its stdout. */
  script(text: string, timeoutMs?: number): Promise<string> {
    return this.#machine.door.mustRun(text, timeoutMs)
  }

  async sever(host: string): Promise<void> {
    this.#check(host)
    await severSessions(this.#machine.door)
  }

  /** Also waits for sshd, so that the next login meets a host that is really up. */
  async reboot(host: string): Promise<void> {
    this.#check(host)
    await rebootGuest(this.#machine)
  }

  /** As when the power goes and comes back. */
  async cutPower(host: string): Promise<void> {
    this.#check(host)
    await rebootGuest(this.#machine, 'power-cut')
  }

  /** A loopback port that leads to a port of the guest. */
  forward(guestPort: number): Promise<number> {
    return this.#machine.forward(guestPort)
  }

  async close(): Promise<void> {
    await this.#machine.stop()
    await removeTree(this.#directory)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #check(host: string): void {
    if (host !== this.#host.name) throw new Error(`${this.name} has no host ${host}`)
  }
}
