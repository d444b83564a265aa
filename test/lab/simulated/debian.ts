/** A simulated Debian 12 whose table is full: the platform the probe is tested on, as a root our scripts may change. */
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { probeProgram } from '../../../src/facts/probe.ts'
import { PLATFORMS } from '../../facts/platforms.ts'
import { startClock } from './clock.ts'
import type { Answer, SimFile, SimRequest } from './host.ts'
import { createSandbox, type Sandbox } from './sandbox.ts'
import { withWorkingTools } from './tools.ts'

export const MAX = '/proc/sys/net/netfilter/nf_conntrack_max'
export const HASHSIZE = '/sys/module/nf_conntrack/parameters/hashsize'
const STAT = '/proc/net/stat/nf_conntrack'

export interface FakeHost extends Sandbox {
  /** Text of a file of the host. */
  read(path: string): string
  /** Mode, owner and content of everything ctfix could change: equal trees are equal to the byte. */
  tree(): Readonly<Record<string, string>>
  /** The counter `drop` rises, as when the table is full again. */
  drop(): void
}

export function createDebian(): FakeHost {
  const recorded = PLATFORMS['debian12-full']
  if (!recorded) throw new Error('the platform debian12-full is gone')
  const platform = withWorkingTools(recorded)
  const files = Object.entries(platform.files).map(([path, file]): [string, SimFile] => {
    const [content, mode] = typeof file === 'string' ? [file, 0o644] : file
    return [path, { content, mode }]
  })
  // The platform's own line is one that ctfix refuses to build on.
  const healed = { '/etc/modprobe.d/lab.conf': 'options nf_conntrack hashsize=2560\n' }
  const sandbox = createSandbox({
    files: { ...Object.fromEntries(files), ...healed },
    tools: platform.tools ?? {},
  })
  const at = (path: string): string => join(sandbox.root, path)
  for (const directory of platform.directories ?? []) mkdirSync(at(directory), { recursive: true })
  for (const [path, target] of Object.entries(platform.links ?? {})) {
    mkdirSync(dirname(at(path)), { recursive: true })
    symlinkSync(target, at(path))
  }
  const read = (path: string): string => readFileSync(at(path), 'utf8')
  startClock(at('/proc/uptime'))
  return {
    ...sandbox,
    read,
    tree: () => Object.fromEntries(describeAll(sandbox.root)),
    drop() {
      const [header = '', row = '', ...rest] = read(STAT).split('\n')
      const cells = row.split(' ')
      cells[header.trim().split(/\s+/).indexOf('drop')] = '00000fff'
      sandbox.put(STAT, [header, cells.join(' '), ...rest].join('\n'))
    },
  }
}

/** Programs, and a clock that moves by itself. */
const PROGRAMS = new Set(['bin', 'dev', 'lib', 'lib64', 'usr/bin', 'usr/sbin', 'proc/uptime', 'proc/uptime.new'])

function* describeAll(root: string, under = ''): Generator<[string, string]> {
  for (const name of readdirSync(join(root, under)).toSorted()) {
    const path = join(under, name)
    if (PROGRAMS.has(path)) continue
    const { mode, uid, gid, ...file } = lstatSync(join(root, path))
    const is = `${mode.toString(8)} ${uid}:${gid}`
    if ((mode & 0o170000) === 0o120000) yield [`/${path}`, `${is} -> ${readlinkSync(join(root, path))}`]
    else if ((mode & 0o170000) === 0o040000) {
      yield [`/${path}`, is]
      yield* describeAll(root, path)
    } else yield [`/${path}`, `${is} ${file.size} ${readFileSync(join(root, path), 'utf8')}`]
  }
}

/** A tree without what a run leaves on purpose. */
export function withoutRuns(tree: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(tree).filter(([path]) => !path.startsWith('/var/lib/ctfix')))
}

/** Lets a test step in before the n-th command (from 1) of a host is run. */
export function stepwise(answer: Answer, before: (n: number, request: SimRequest) => unknown): Answer {
  let n = 0
  return async request => {
    n += 1
    await before(n, request)
    return answer(request)
  }
}

/** What the probe says on that host, recorded once and given to whoever asks: for hosts that are only looked at. */
export async function recordedProbe(sandbox: Sandbox): Promise<Answer> {
  const nonce = '0123456789abcdef'
  const { stdin, args } = probeProgram({ nonce })
  const command = ['/bin/sh -s --', ...args].join(' ')
  const sshConnection = '198.51.100.7 50022 192.0.2.5 22'
  const said = await sandbox.answer({ host: 'recorder', command, stdin, user: 'root', sshConnection })
  const text = String(said?.stdout)
  return ({ command: asked }) => {
    const own = / -- ([0-9a-f]{16}) /.exec(asked)?.[1]
    return own === undefined ? undefined : { exitCode: 0, stdout: text.replaceAll(nonce, own) }
  }
}
