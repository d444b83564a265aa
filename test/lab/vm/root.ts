/** The Debian 12 userland that all lab guests share, as a tar; each kernel gets its own disk from it. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LabUnavailable } from '../lab.ts'
import { cached, sourceTexts } from './cache.ts'
import { run } from './host.ts'
import { KEYRING, mirrors, proxySettings } from './mirrors.ts'

const GUEST = fileURLToPath(new URL('guest/', import.meta.url))

const PACKAGES = [
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
  'netfilter-persistent',
  'iptables-persistent',
  'busybox-static',
  'curl',
]

export interface Root {
  readonly tar: string
  /** Opens root and ops of every guest. */
  readonly privateKey: string
  /** `ssh-ed25519 AAAA…`: baked in, so that a host's identity is known before it runs. */
  readonly hostKey: string
}

export async function provideRoot(): Promise<Root> {
  const guestFiles = (await readdir(GUEST)).toSorted().map(name => `guest/${name}`)
  const directory = await cached({
    name: 'root',
    ingredients: await sourceTexts('root.ts', ...guestFiles),
    build: buildRoot,
  })
  return {
    tar: join(directory, 'root.tar'),
    privateKey: join(directory, 'id_ed25519'),
    hostKey: join(directory, 'host.pub'),
  }
}

async function buildRoot(directory: string): Promise<void> {
  const { main, security } = await mirrors()
  const argv = [
    'mmdebstrap',
    '--mode=root',
    '--variant=minbase',
    `--keyring=${KEYRING}`,
    `--include=${PACKAGES.join(',')}`,
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
