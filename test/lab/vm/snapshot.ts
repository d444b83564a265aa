/** A booted machine, saved: the next ones go on from there in a few seconds instead of booting. */
import { constants } from 'node:fs'
import { copyFile } from 'node:fs/promises'
import { type Accelerator, accelerator } from './accelerator.ts'
import { cached, sourceTexts } from './cache.ts'
import { type Disk, provideDisk } from './disk.ts'
import { checkUnits, waitForBoot } from './guest.ts'
import { run } from './host.ts'
import type { KernelLabel } from './kernel.ts'
import { createOverlay, Machine, machineArguments, overlay } from './machine.ts'
import { type Flavour, flavoured } from './root.ts'

export interface Bootable {
  readonly disk: Disk
  readonly accelerator: Accelerator
  /** Directory whose overlay holds the saved machine. */
  readonly saved: string
}

export async function provideSnapshot(label: KernelLabel, flavour: Flavour): Promise<Bootable> {
  const disk = await provideDisk(label, flavour)
  const chosen = await accelerator(disk.kernel.image, disk.initramfs)
  const saved = await cached({
    name: flavoured(`snapshot-${label}`, flavour),
    ingredients: [
      disk.image,
      // The state of devices and processor is only good for the same QEMU, and with KVM for the same processor.
      await run(['qemu-system-x86_64', '--version']),
      ...machineArguments(disk, chosen),
      chosen.kind === 'kvm' ? await run(['sh', '-c', 'grep -m1 "model name" /proc/cpuinfo']) : '',
      ...(await sourceTexts('snapshot.ts', 'machine.ts', 'guest.ts')),
    ],
    build: part => bootAndSave(disk, flavour, chosen, part),
  })
  return { disk, accelerator: chosen, saved }
}

async function bootAndSave(disk: Disk, flavour: Flavour, chosen: Accelerator, directory: string): Promise<void> {
  await createOverlay(disk, directory)
  const machine = await Machine.start({ directory, disk, accelerator: chosen, resume: false })
  try {
    await waitForBoot(machine)
    await checkUnits(machine.door, flavour)
    await machine.saveAndStop()
  } finally {
    await machine.stop()
  }
}

export async function copySnapshot(from: string, to: string): Promise<void> {
  await copyFile(overlay(from), overlay(to), constants.COPYFILE_FICLONE)
}
