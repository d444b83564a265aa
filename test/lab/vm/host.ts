/** Commands of the machine that runs the lab: finding them, running them, and not leaving them behind. */
import { spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { LabUnavailable } from '../lab.ts'

/** What must be there, and the Debian package that brings it. */
const TOOLS = {
  'qemu-system-x86_64': 'qemu-system-x86',
  'qemu-img': 'qemu-utils',
  mmdebstrap: 'mmdebstrap',
  mke2fs: 'e2fsprogs',
  'apt-get': 'apt',
  'dpkg-deb': 'dpkg',
  tar: 'tar',
  xz: 'xz-utils',
  setpriv: 'util-linux',
  flock: 'util-linux',
  unshare: 'util-linux',
} as const

/** A cron job or an IDE may start us without the sbin directories, where half of these tools live. */
export const SEARCH_PATH = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin', '/usr/bin', '/bin']

export function requireHost(): void {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new LabUnavailable('the VM lab needs Linux on x86-64')
  if (process.getuid?.() !== 0) throw new LabUnavailable('the VM lab must run as root: it builds a root file system')
  const missing = Object.entries(TOOLS).filter(([tool]) => !isInstalled(tool))
  if (missing.length === 0) return
  const packages = [...new Set(missing.map(([, name]) => name))].join(' ')
  throw new LabUnavailable(`the VM lab needs packages that are not installed: apt-get install ${packages}`)
}

function isInstalled(tool: string): boolean {
  return SEARCH_PATH.some(directory => {
    try {
      accessSync(join(directory, tool), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/** Environment for children: no locale of ours in their output, no question asked by a package. */
export function childEnvironment(extra: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  return { ...process.env, PATH: SEARCH_PATH.join(delimiter), LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive', ...extra }
}

/**
 * Argv that ends with us whatever way we end: the kernel itself sends the signal when this process is gone,
 * also after a kill -9, where no handler of ours would run.
 */
export function boundToUs(argv: readonly string[]): [string, ...string[]] {
  return ['setpriv', '--pdeathsig', 'KILL', ...argv]
}

export class CommandFailed extends Error {
  override readonly name = 'CommandFailed' as const
}

/** Runs a build step to its end and returns its stdout; anything but exit code 0 is an error with the last lines said. */
export async function run(
  argv: readonly string[],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<string> {
  const [command, ...args] = boundToUs(argv)
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: childEnvironment(options.env),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  })
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve(code ?? (signal === null ? 1 : 128)))
  })
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended])
  if (code === 0) return stdout
  const said = (stderr.trim() || stdout.trim()).split('\n').slice(-3).join(' / ')
  throw new CommandFailed(`${argv.slice(0, 2).join(' ')} ended with ${code}: ${said}`)
}
