/** Real Debian cloud kernels, fetched by apt from a private tree so that the machine's own apt stays as it is. */
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LabUnavailable } from '../lab.ts'
import { cached, sourceTexts } from './cache.ts'
import { run } from './host.ts'
import { KEYRING, type Mirrors, mirrors } from './mirrors.ts'

export const KERNELS = {
  '5.10': { archive: 'security', suite: 'bullseye-security' },
  '6.1': { archive: 'main', suite: 'bookworm' },
  '6.12': { archive: 'main', suite: 'trixie' },
  '7.x': { archive: 'main', suite: 'sid' },
} as const satisfies Record<string, { archive: keyof Mirrors; suite: string }>

export type KernelLabel = keyof typeof KERNELS

export interface Kernel {
  /** What `uname -r` will say. */
  readonly release: string
  readonly image: string
  /** The directory that belongs at /lib/modules/RELEASE. */
  readonly modules: string
}

/** Newer kernels come in several packages; image and modules may lie in any of them. */
const PARTS = /^linux-(image|binary|modules|base)-\d/

export async function provideKernel(label: KernelLabel): Promise<Kernel> {
  const directory = await cached({
    name: `kernel-${label}`,
    ingredients: await sourceTexts('kernel.ts', 'mirrors.ts'),
    build: part => buildKernel(label, part),
  })
  const [release] = await readdir(join(directory, 'modules'))
  if (release === undefined) throw new Error(`no modules in ${directory}`)
  return { release, image: join(directory, 'vmlinuz'), modules: join(directory, 'modules', release) }
}

async function buildKernel(label: KernelLabel, directory: string): Promise<void> {
  const apt = await privateApt(label, join(directory, 'apt'))
  await apt('apt-get', 'update').catch((error: unknown) => {
    throw new LabUnavailable(`the Debian mirror does not give the ${label} kernel's suite: ${String(error)}`)
  })
  const image = (await dependencies(apt, 'linux-image-cloud-amd64')).find(name => /^linux-image-\d/.test(name))
  if (image === undefined) throw new LabUnavailable(`Debian's ${KERNELS[label].suite} names no cloud kernel`)
  const packages = [image, ...(await dependencies(apt, image)).filter(name => PARTS.test(name))]
  const debs = join(directory, 'debs')
  const tree = join(directory, 'tree')
  await mkdir(debs)
  await apt('apt-get', 'download', ...packages)
  for (const deb of await readdir(debs)) await run(['dpkg-deb', '-x', join(debs, deb), tree])
  await keepWhatIsNeeded(tree, directory)
  for (const used of ['apt', 'debs', 'tree']) await rm(join(directory, used), { recursive: true })
}

/** The kernel image is in /boot or beside the modules, and the modules under /lib or /usr/lib. */
async function keepWhatIsNeeded(tree: string, directory: string): Promise<void> {
  const files = (await run(['find', tree, '-name', 'vmlinuz*', '-o', '-name', 'modules.order'])).trim().split('\n')
  const image = files.find(file => /\/vmlinuz[^/]*$/.test(file))
  const order = files.find(file => file.endsWith('/modules.order'))
  const release = order?.split('/').at(-2)
  if (image === undefined || order === undefined || release === undefined)
    throw new Error('kernel packages without kernel')
  await rename(image, join(directory, 'vmlinuz'))
  await mkdir(join(directory, 'modules'))
  await rename(join(order, '..'), join(directory, 'modules', release))
}

type Apt = (tool: 'apt-get' | 'apt-cache', ...args: string[]) => Promise<string>

async function privateApt(label: KernelLabel, directory: string): Promise<Apt> {
  const { archive, suite } = KERNELS[label]
  for (const part of ['lists/partial', 'cache/archives/partial'])
    await mkdir(join(directory, part), { recursive: true })
  await writeFile(join(directory, 'status'), '')
  const source = `deb [signed-by=${KEYRING}] ${(await mirrors())[archive]} ${suite} main\n`
  await writeFile(join(directory, 'sources.list'), source)
  const settings = [
    `Dir::Etc::SourceList=${join(directory, 'sources.list')}`,
    'Dir::Etc::SourceParts=-',
    `Dir::State=${directory}`,
    `Dir::State::Lists=${join(directory, 'lists')}`,
    `Dir::State::Status=${join(directory, 'status')}`,
    `Dir::Cache=${join(directory, 'cache')}`,
    'APT::Architecture=amd64',
    'APT::Architectures=amd64',
    // The unprivileged download user cannot enter a root-only cache directory.
    'APT::Sandbox::User=root',
    'APT::Update::Error-Mode=any',
    'Acquire::Languages=none',
  ].flatMap(setting => ['-o', setting])
  // Only `download` minds the directory it runs in.
  return (tool, ...args) =>
    run([tool, ...settings, ...args], args[0] === 'download' ? { cwd: join(directory, '../debs') } : {})
}

/** Names a package depends on now; versions are never written down, they leave the mirror too soon. */
async function dependencies(apt: Apt, name: string): Promise<string[]> {
  const listing = await apt('apt-cache', 'depends', name)
  return [...listing.matchAll(/^\s*\|?(?:Pre)?Depends: (\S+)$/gm)].map(match => match[1] ?? '')
}
