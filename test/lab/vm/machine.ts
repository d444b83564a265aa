/** One running QEMU: its command line, its disk overlay, its lines to us, and its end. */
import { type ChildProcess, spawn } from 'node:child_process'
import { openSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import type { Accelerator } from './accelerator.ts'
import type { Disk } from './disk.ts'
import { Door } from './door.ts'
import { boundToUs, childEnvironment, run } from './host.ts'
import { Monitor } from './monitor.ts'

export const SNAPSHOT = 'booted'

const MEMORY_MB = 320

const KERNEL_ARGUMENTS = [
  ...['root=/dev/vda', 'rw', 'console=ttyS0', 'loglevel=4', 'panic=5', 'net.ifnames=0', 'mitigations=off'],
  // With audit=0 every sudo and login would look for the module that it means, in vain and in a process of its own.
  ...['apparmor=0', 'selinux=0', 'systemd.show_status=0'],
  // Emulated code is translated anew at each address at which it runs: where all is always at the same one, a program
  // starts five times as fast, and a kernel that boots again finds its code translated.
  ...['norandmaps', 'nokaslr'],
  // What a kernel does for each page that a program takes.
  ...['init_on_alloc=0', 'cgroup_disable=memory'],
]

/** Everything that a saved machine state depends on besides its disk. */
export function machineArguments(disk: Disk, accelerator: Accelerator): string[] {
  // An emulated time stamp counter is steady, which the kernel would only find out slowly.
  const clock = accelerator.kind === 'tcg' ? ['tsc=reliable'] : []
  return [
    ...['-no-user-config', '-nodefaults', '-display', 'none', '-machine', 'pc,usb=off', '-m', String(MEMORY_MB)],
    ...accelerator.options,
    ...['-kernel', disk.kernel.image, '-initrd', disk.initramfs, '-append', [...KERNEL_ARGUMENTS, ...clock].join(' ')],
    ...['-device', 'virtio-blk-pci,drive=disk', '-device', 'virtio-net-pci,netdev=net,romfile='],
    // Forwarded ports still work, but the guest reaches nothing of this machine or beyond.
    ...['-netdev', 'user,id=net,restrict=on'],
  ]
}

export interface MachineOptions {
  readonly directory: string
  readonly disk: Disk
  readonly accelerator: Accelerator
  /** Goes on from the state saved in the overlay instead of booting. */
  readonly resume: boolean
}

export class Machine {
  readonly door: Door
  readonly #process: ChildProcess
  readonly #monitor: Monitor
  readonly #ended: Promise<void>
  readonly #directory: string

  private constructor(child: ChildProcess, directory: string) {
    this.#process = child
    this.#directory = directory
    this.#ended = new Promise(resolve => child.once('close', () => resolve()))
    this.door = new Door(child.stdio[3] as Duplex)
    this.#monitor = new Monitor(child.stdio[4] as Duplex)
  }

  static async start({ directory, disk, accelerator, resume }: MachineOptions): Promise<Machine> {
    const log = openSync(join(directory, 'qemu.log'), 'a')
    const argv = boundToUs([
      'qemu-system-x86_64',
      ...machineArguments(disk, accelerator),
      // No fsync reaches the real disk: what must survive is the guest's reboot, not this machine's.
      ...['-drive', `if=none,id=disk,format=qcow2,cache=unsafe,file=${overlay(directory)}`],
      ...['-serial', `file:${join(directory, 'console.log')}`],
      // Both lines are socket pairs inherited by QEMU: no path, no port, and nobody else can come in.
      ...['-chardev', 'socket,id=door,fd=3', '-serial', 'chardev:door'],
      ...['-chardev', 'socket,id=qmp,fd=4', '-mon', 'chardev=qmp,mode=control'],
      ...(resume ? ['-loadvm', SNAPSHOT] : []),
    ])
    const stdio = ['ignore' as const, log, log, 'pipe' as const, 'pipe' as const]
    const child = spawn(argv[0], argv.slice(1), { stdio, env: childEnvironment() })
    const machine = new Machine(child, directory)
    if (child.pid !== undefined) await writeFile(join(directory, 'qemu.pid'), String(child.pid))
    try {
      await machine.#monitor.open()
    } catch {
      await machine.stop()
      throw new Error(`QEMU did not start: ${(await readFile(join(directory, 'qemu.log'), 'utf8')).trim()}`)
    }
    return machine
  }

  /** Opens a free loopback port to a port of the guest: QEMU binds it, so that no other process can snatch it. */
  async forward(guestPort: number): Promise<number> {
    const answer = await this.#monitor.human(`hostfwd_add tcp:127.0.0.1:0-:${guestPort}`)
    const table = await this.#monitor.human('info usernet')
    const row = new RegExp(`HOST_FORWARD\\]\\s+\\d+\\s+127\\.0\\.0\\.1\\s+(\\d+)\\s+\\S+\\s+${guestPort}\\s`)
    const port = Number(row.exec(`${table}\n`)?.[1])
    if (!port) throw new Error(`QEMU does not forward port ${guestPort}: ${answer}`)
    return port
  }

  /** Saves the running state into the overlay and ends the machine, after which the overlay may be copied. */
  async saveAndStop(): Promise<void> {
    const said = await this.#monitor.human(`savevm ${SNAPSHOT}`)
    await this.#monitor.human('quit').catch(() => undefined)
    await this.#ended
    if (said !== '') throw new Error(`QEMU did not save the machine: ${said}`)
  }

  async stop(): Promise<void> {
    this.#process.kill('SIGKILL')
    await this.#ended
  }

  /** The last the guest said on its console, for errors. */
  async consoleTail(): Promise<string> {
    const console = await readFile(join(this.#directory, 'console.log'), 'latin1').catch(() => '')
    return console.split('\n').slice(-15).join('\n')
  }
}

export function overlay(directory: string): string {
  return join(directory, 'overlay.qcow2')
}

export async function createOverlay(disk: Disk, directory: string): Promise<void> {
  await run(['qemu-img', 'create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', disk.image, overlay(directory)])
}
