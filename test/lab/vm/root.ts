/** The Debian 12 userland that lab guests share, as a tar; each kernel gets its own disk from it. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LabUnavailable } from '../lab.ts'
import { cached, sourceTexts } from './cache.ts'
import { run } from './host.ts'
import { KEYRING, mirrors, proxySettings } from './mirrors.ts'

const GUEST = fileURLToPath(new URL('guest/', import.meta.url))

const COMMON = [
  'systemd',
  'systemd-sysv',
  'udev',
  'dbus',
  'libpam-systemd',
  'openssh-server',
  'sudo',
  'iptables',
  'nftables',
  'conntrack',
  'iproute2',
  'procps',
  'kmod',
  'busybox-static',
  'curl',
]

/** Debian does not let ufw lie beside netfilter-persistent, and Python is much to carry for a guest that needs none. */
const FLAVOURS = {
  plain: ['netfilter-persistent', 'iptables-persistent'],
  managers: ['ufw', 'firewalld'],
} as const

/** Which managers of rules a guest has; none of those in `managers` is switched on. */
export type Flavour = keyof typeof FLAVOURS

export interface Root {
  readonly tar: string
  /** Opens root and ops of every guest. */
  readonly privateKey: string
  /** `ssh-ed25519 AAAA…`: baked in, so that a host's identity is known before it runs. */
  readonly hostKey: string
}

export async function provideRoot(flavour: Flavour): Promise<Root> {
  const guestFiles = (await readdir(GUEST)).toSorted().map(name => `guest/${name}`)
  const directory = await cached({
    name: flavoured('root', flavour),
    ingredients: await sourceTexts('root.ts', ...guestFiles),
    build: part => buildRoot(flavour, part),
  })
  return {
    tar: join(directory, 'root.tar'),
    privateKey: join(directory, 'id_ed25519'),
    hostKey: join(directory, 'host.pub'),
  }
}

/** The name of a cache entry. */
export function flavoured(name: string, flavour: Flavour): string {
  return flavour === 'plain' ? name : `${name}-${flavour}`
}

async function buildRoot(flavour: Flavour, directory: string): Promise<void> {
  const { main, security } = await mirrors()
  const argv = [
    'mmdebstrap',
    '--mode=root',
    '--variant=minbase',
    `--keyring=${KEYRING}`,
    `--include=${[...COMMON, ...FLAVOURS[flavour]].join(',')}`,
    // Documentation is a third of the files, and files are what making the disk takes its time for.
    '--dpkgopt=path-exclude=/usr/share/doc/*',
    '--dpkgopt=path-exclude=/usr/share/man/*',
    '--dpkgopt=path-exclude=/usr/share/locale/*',
    ...(await proxySettings()).map(setting => `--aptopt=${setting}`),
    `--customize-hook=sh "$LAB_GUEST/customize.sh" "$1"`,
    'bookworm',
    join(directory, 'root.tar'),
    `deb ${main} bookworm main`,
    `deb ${security} bookworm-security main`,
  ]
  // In namespaces of its own, so that a build killed half-way leaves no mount and no process behind; its files go
  // with the unfinished entry.
  const alone = ['unshare', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc']
  const env = { LAB_GUEST: GUEST, LAB_KEYS: directory, TMPDIR: directory }
  await run([...alone, ...argv], { env }).catch((error: unknown) => {
    throw new LabUnavailable(`no Debian root file system can be built here: ${String(error)}`)
  })
}
