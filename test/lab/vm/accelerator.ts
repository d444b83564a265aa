/** Whether this machine can virtualise or must emulate: asked of a real kernel, because /dev/kvm alone proves nothing. */
import { spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { boundToUs, childEnvironment } from './host.ts'

export interface Accelerator {
  readonly kind: 'kvm' | 'tcg'
  readonly options: readonly string[]
}

const KVM: Accelerator = { kind: 'kvm', options: ['-accel', 'kvm', '-cpu', 'host'] }

/**
 * Without cx16: QEMU 7.2 now and then corrupts the flags of an emulated cmpxchg16b, which kills newer kernels. The others
 * are what an emulated processor is slow at: string instructions, a byte at a time (which AMD's kernel code prefers all the
 * same), a fifth level of page tables, and a guard to lift at each look into a program's memory.
 */
const PROCESSOR = 'max,cx16=off,vendor=GenuineIntel,erms=off,la57=off,smap=off,smep=off'
const TCG: Accelerator = { kind: 'tcg', options: ['-accel', 'tcg,thread=multi,tb-size=192', '-cpu', PROCESSOR] }

/** A working KVM brings a kernel to its first process in well under a second. */
const PROBE_MS = 4000

let chosen: Promise<Accelerator> | null = null

export function accelerator(image: string, initramfs: string): Promise<Accelerator> {
  chosen ??= kvmWorks(image, initramfs).then(works => (works ? KVM : TCG))
  return chosen
}

function kvmWorks(image: string, initramfs: string): Promise<boolean> {
  try {
    accessSync('/dev/kvm', constants.R_OK | constants.W_OK)
  } catch {
    return Promise.resolve(false)
  }
  const [command, ...args] = boundToUs([
    'qemu-system-x86_64',
    ...KVM.options,
    ...['-no-user-config', '-nodefaults', '-display', 'none', '-no-reboot', '-machine', 'pc,usb=off', '-m', '256'],
    ...['-kernel', image, '-initrd', initramfs, '-append', 'console=ttyS0 panic=-1 lab.probe', '-serial', 'stdio'],
  ])
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'], env: childEnvironment() })
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString('latin1')
  })
  const timer = setTimeout(() => child.kill('SIGKILL'), PROBE_MS)
  return new Promise(resolve => {
    child.once('error', () => resolve(false))
    child.once('close', () => {
      clearTimeout(timer)
      resolve(said.includes('lab-probe-passed'))
    })
  })
}
