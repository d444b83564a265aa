/**
 * Images without a registry: each is a root made by mmdebstrap from the machine's own Debian mirror and imported as a
 * single layer. A tar in the cache outlives the engine's store; its name carries the hash of the recipe.
 */

import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { LabUnavailable } from '../lab.ts'
import { cacheDir, withLock } from './cache.ts'
import { must, requireTools, run } from './exec.ts'

export type ImageKind = 'debian' | 'busybox' | 'alpine' | 'centos5'

/** The lab's Debian is fixed: its tools (iptables 1.8.9, nft 1.0.6) are part of what the scenarios expect. */
const suite = 'bookworm'
const recipes = join(import.meta.dirname, 'recipes')

interface Recipe {
  readonly variant: 'minbase' | 'extract'
  readonly packages: readonly string[]
  /** Hook script, and everything else whose change makes another image. */
  readonly files: readonly string[]
}

const el5Files = readdirSync(join(recipes, 'el5'), { recursive: true, withFileTypes: true })
  .filter(entry => entry.isFile())
  .map(entry => join(entry.parentPath, entry.name).slice(recipes.length + 1))
  .sort()

const images: Readonly<Record<ImageKind, Recipe>> = {
  debian: {
    variant: 'minbase',
    packages: 'openssh-server,sudo,iptables,nftables,conntrack,kmod,procps,iproute2'.split(','),
    files: ['debian.sh', 'start-sshd.sh'],
  },
  // Unpacked only: no package manager, no shell but busybox ash, no coreutils.
  busybox: { variant: 'extract', packages: ['busybox-static', 'dropbear-bin'], files: ['busybox.sh'] },
  alpine: {
    variant: 'extract',
    packages: ['busybox-static', 'dropbear-bin', 'iptables', 'nftables', 'openrc'],
    files: ['alpine.sh', 'busybox.sh', 'alpine/init-iptables', 'alpine/rules-save'],
  },
  centos5: {
    variant: 'minbase',
    packages: 'openssh-server,sudo,procps,iproute2,net-tools'.split(','),
    files: ['centos5.sh', 'debian.sh', 'start-sshd.sh', ...el5Files],
  },
}

function tagOf(kind: ImageKind): string {
  const recipe = images[kind]
  const hash = createHash('sha256').update(JSON.stringify([suite, process.arch, recipe.variant, recipe.packages]))
  for (const file of recipe.files) hash.update(`\0${file}\0`).update(readFileSync(join(recipes, file)))
  return hash.digest('hex').slice(0, 16)
}

/** The machine's sources for the suite, so that no mirror is named here and a private one is honoured. */
async function sources(): Promise<string> {
  const format = 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)'
  const listed = await run('apt-get', ['indextargets', '--format', format, 'Created-By: Packages'])
  const lines = [...new Set(listed.stdout.split('\n'))].filter(line => line.split(' ')[2]?.startsWith(suite))
  if (lines.length === 0)
    throw new LabUnavailable(
      `The container lab builds its images from Debian ${suite}, which is not among the apt sources.`,
    )
  return `${lines.join('\n')}\n`
}

async function buildTar(kind: ImageKind, tar: string): Promise<void> {
  requireTools('container', { mmdebstrap: 'mmdebstrap', 'apt-get': 'apt' })
  const recipe = images[kind]
  const hook = join(recipes, recipe.files[0] ?? '')
  const temporary = `${tar}.${process.pid}.tar`
  const quoted = `'${hook.replaceAll("'", "'\\''")}'`
  const args = [`--variant=${recipe.variant}`, `--include=${recipe.packages.join(',')}`, '--quiet', '--format=tar']
  // The later hook never runs for a root that is unpacked only.
  const when = recipe.variant === 'extract' ? 'extract' : 'customize'
  // The machine's own word on how old an archive may be goes for the image too.
  const validUntil = await run('apt-config', ['dump', '--format', '%v', 'Acquire::Check-Valid-Until'])
  if (validUntil.stdout.trim() === 'false') args.push('--aptopt=Acquire::Check-Valid-Until "false"')
  try {
    await must('mmdebstrap', [...args, `--${when}-hook=sh ${quoted} "$1"`, suite, temporary, '-'], {
      input: await sources(),
      timeoutMs: 10 * 60_000,
      env: { LC_ALL: 'C.UTF-8' },
    })
    renameSync(temporary, tar)
  } finally {
    rmSync(temporary, { force: true })
  }
}

/** Gives the name of an image that is in the engine, after building and importing whatever is missing. */
export async function ensureImage(kind: ImageKind): Promise<string> {
  const tag = tagOf(kind)
  const name = `ctfix-lab/${kind}:${tag}`
  const present = async (): Promise<boolean> => (await run('docker', ['image', 'inspect', name])).exitCode === 0
  if (await present()) return name
  return withLock(`image-${kind}`, async () => {
    if (await present()) return name
    const dir = cacheDir('images')
    const tar = join(dir, `${kind}-${tag}.tar`)
    if (!existsSync(tar)) await buildTar(kind, tar)
    const change = [
      '--change',
      'ENTRYPOINT ["/lab/start"]',
      '--change',
      'EXPOSE 22',
      '--change',
      'LABEL ctfix.lab.image=1',
    ]
    await must('docker', ['import', ...change, tar, name], { timeoutMs: 5 * 60_000 })
    // Older recipes will not be asked for again.
    for (const file of readdirSync(dir)) {
      if (file.startsWith(`${kind}-`) && file !== `${kind}-${tag}.tar`) rmSync(join(dir, file), { force: true })
    }
    const all = await must('docker', ['image', 'ls', '--format', '{{.Repository}}:{{.Tag}}', `ctfix-lab/${kind}`])
    const old = all.split('\n').filter(line => line !== '' && line !== name)
    if (old.length > 0) await run('docker', ['image', 'rm', ...old])
    return name
  })
}
