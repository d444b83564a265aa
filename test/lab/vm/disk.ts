/** One bootable disk per kernel and flavour: the shared userland, that kernel's modules, and the initramfs to get there. */
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import { cached, sourceTexts } from './cache.ts'
import { run } from './host.ts'
import { type Kernel, type KernelLabel, provideKernel } from './kernel.ts'
import { type Flavour, flavoured, provideRoot, type Root } from './root.ts'

export interface Disk {
  readonly kernel: Kernel
  readonly root: Root
  readonly image: string
  readonly initramfs: string
}

/** A lab of conntrack needs the network code and next to nothing else; fewer files make a faster build and boot. */
const KEPT_MODULES = [
  'net',
  'lib',
  'crypto',
  'arch/x86/crypto',
  'fs/overlayfs',
  'fs/autofs',
  'fs/configfs',
  'fs/binfmt_misc.ko',
  'drivers/virtio',
  'drivers/block/virtio_blk.ko',
  'drivers/block/loop.ko',
  'drivers/net/virtio_net.ko',
  'drivers/net/net_failover.ko',
  'drivers/net/veth.ko',
  'drivers/net/dummy.ko',
  'drivers/net/ifb.ko',
  'drivers/net/tun.ko',
  'drivers/net/macvlan.ko',
  'drivers/net/vrf.ko',
  'drivers/net/wireguard',
]

/** In the order of loading; what a kernel has built in or calls otherwise is passed over. */
const EARLY_MODULES = [
  'virtio',
  'virtio_ring',
  'virtio_pci_legacy_dev',
  'virtio_pci_modern_dev',
  'virtio_pci',
  'virtio_blk',
  'failover',
  'net_failover',
  'virtio_net',
]

export async function provideDisk(label: KernelLabel, flavour: Flavour): Promise<Disk> {
  const [kernel, root] = await Promise.all([provideKernel(label), provideRoot(flavour)])
  const directory = await cached({
    name: flavoured(`disk-${label}`, flavour),
    ingredients: [kernel.image, root.tar, ...(await sourceTexts('disk.ts', 'guest/init.sh'))],
    build: part => buildDisk(kernel, root, part),
  })
  return { kernel, root, image: join(directory, 'disk.qcow2'), initramfs: join(directory, 'initramfs') }
}

async function buildDisk(kernel: Kernel, root: Root, directory: string): Promise<void> {
  const tree = join(directory, 'tree')
  await mkdir(tree)
  await run(['tar', '-xpf', root.tar, '-C', tree, '--numeric-owner', '--xattrs', '--xattrs-include=*'])
  await copyModules(kernel, tree)
  await run(['chroot', tree, 'depmod', kernel.release])
  await buildInitramfs(kernel, tree, directory)
  const raw = join(directory, 'disk.raw')
  await run(['mke2fs', '-q', '-t', 'ext4', '-L', 'lab', '-E', 'lazy_itable_init=1', '-d', tree, raw, '2G'])
  await run(['qemu-img', 'convert', '-f', 'raw', '-O', 'qcow2', raw, join(directory, 'disk.qcow2')])
  await rm(raw)
  await run(['rm', '-rf', '--one-file-system', '--', tree])
}

async function copyModules(kernel: Kernel, tree: string): Promise<void> {
  const target = join(tree, 'lib/modules', kernel.release)
  await mkdir(join(target, 'kernel'), { recursive: true })
  const sources = await readdir(kernel.modules)
  const lists = sources.filter(name => name.startsWith('modules.')).map(name => join(kernel.modules, name))
  await run(['cp', ...lists, target])
  const files = (await run(['find', join(kernel.modules, 'kernel'), '-name', '*.ko*', '-printf', '%P\\n'])).split('\n')
  const kept = files.filter(file =>
    KEPT_MODULES.some(path => file.startsWith(path.endsWith('.ko') ? path : `${path}/`)),
  )
  await run(['cp', '--parents', ...kept, join(target, 'kernel')], { cwd: join(kernel.modules, 'kernel') })
}

async function buildInitramfs(kernel: Kernel, tree: string, directory: string): Promise<void> {
  const stage = join(directory, 'initramfs.tree')
  for (const name of ['bin', 'dev', 'proc', 'root', 'modules']) await mkdir(join(stage, name), { recursive: true })
  await run(['cp', join(tree, 'bin/busybox'), join(stage, 'bin/busybox')])
  await run(['install', '-m', '755', new URL('guest/init.sh', import.meta.url).pathname, join(stage, 'init')])
  // Without it the kernel finds no console for the first process, and nothing that it says is heard.
  await run(['mknod', join(stage, 'dev/console'), 'c', '5', '1'])
  const files = (await run(['find', kernel.modules, '-name', '*.ko*'])).trim().split('\n')
  const order: string[] = []
  for (const name of EARLY_MODULES) {
    const file = files.find(path => basename(path).replace(/\.ko(\.\w+)?$/, '') === name)
    if (file === undefined) continue
    await writeFile(join(stage, 'modules', `${name}.ko`), await plainModule(file))
    order.push(`${name}.ko`)
  }
  await writeFile(join(stage, 'modules/order'), `${order.join('\n')}\n`)
  // The guest's own busybox is static and has cpio: one package less to ask of this machine.
  const pack = `find . | ${join(tree, 'bin/busybox')} cpio -o -H newc | gzip -1`
  await run(['sh', '-c', `${pack} >${join(directory, 'initramfs.part')}`], { cwd: stage })
  await rename(join(directory, 'initramfs.part'), join(directory, 'initramfs'))
  await rm(stage, { recursive: true })
}

async function plainModule(file: string): Promise<Uint8Array> {
  if (file.endsWith('.zst')) return zstdDecompressSync(await readFile(file))
  if (!file.endsWith('.xz')) return readFile(file)
  return Buffer.from(await run(['sh', '-c', 'xz -dc "$1" | base64 -w0', 'sh', file]), 'base64')
}
