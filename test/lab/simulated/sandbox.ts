/**
 * A shell for simulated hosts: a directory that looks like a small host to a script chrooted into it. Its /proc and /sys are
 * plain files, so our real scripts read and write kernel values that a test made up. Needs root, busybox and dash.
 */
import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type Inspection, LabUnavailable } from '../lab.ts'
import type { Answer, Live, SimFile } from './host.ts'

export interface Sandbox extends Disposable {
  readonly root: string
  /** Runs what a host is sent; for `SimHost.answer`. */
  readonly answer: Answer
  /** The same for a command that goes on; for `SimHost.live`. */
  readonly live: Live
  /** The side door. */
  inspect(script: string): Promise<Inspection>
  put(path: string, file: SimFile | string): void
}

export interface SandboxOptions {
  readonly files?: Readonly<Record<string, SimFile | string>>
  /** Programs of this host as sh scripts, found before busybox's own (`iptables-save`, `uname`). */
  readonly tools?: Readonly<Record<string, string>>
}

const SHELL = '/bin/dash'

export function createSandbox({ files = {}, tools = {} }: SandboxOptions = {}): Sandbox {
  if (process.getuid?.() !== 0) throw new LabUnavailable('a simulated host with a shell needs root, for chroot')
  const busybox = ['/bin/busybox', '/usr/bin/busybox'].find(path => existsSync(path))
  if (busybox === undefined || !existsSync(SHELL)) throw new LabUnavailable('busybox-static and dash are not installed')
  const root = mkdtempSync(join(tmpdir(), 'ctfix-sandbox-'))
  for (const directory of [
    'bin',
    'dev',
    'etc',
    'tmp',
    'usr/sbin',
    'usr/bin',
    'sbin',
    'var/lib',
    'proc',
    'sys',
    'run',
  ]) {
    mkdirSync(join(root, directory), { recursive: true })
  }
  copyFileSync(busybox, join(root, 'bin/busybox'))
  execFileSync('chroot', [root, '/bin/busybox', '--install', '-s', '/bin'])
  // Debian's busybox sh runs its own applets and not what PATH finds: stubs would never be called.
  rmSync(join(root, 'bin/sh'))
  copyFileSync(SHELL, join(root, 'bin/sh'))
  for (const library of librariesOf(SHELL)) {
    mkdirSync(dirname(join(root, library)), { recursive: true })
    copyFileSync(library, join(root, library))
  }
  execFileSync('mknod', ['-m', '666', join(root, 'dev/null'), 'c', '1', '3'])

  const put = (path: string, file: SimFile | string): void => {
    const { content, mode = 0o644, owner } = typeof file === 'string' ? { content: file, owner: undefined } : file
    const target = join(root, path)
    mkdirSync(dirname(target), { recursive: true })
    writeFileSync(target, content, { mode })
    if (owner !== undefined) execFileSync('chown', [owner, target])
  }
  for (const [path, file] of Object.entries(files)) put(path, file)
  for (const [name, text] of Object.entries(tools)) {
    put(`/usr/sbin/${name}`, { content: `#!/bin/sh\n${text}\n`, mode: 0o755 })
  }
  return {
    root,
    put,
    answer: ({ command, stdin, sshConnection }) => runIn(root, command, stdin, sshConnection),
    live({ command, sshConnection }, { input, output, end }) {
      const child = startIn(root, command, sshConnection)
      child.stdin.on('error', () => {})
      child.once('close', code => end(code ?? 255))
      input.pipe(child.stdin)
      child.stdout.pipe(output, { end: false })
      child.stderr.resume()
      // Who hangs up has nothing more to say.
      output.once('close', () => child.stdin.end())
    },
    inspect: script => runIn(root, '/bin/sh -s', script, ''),
    [Symbol.dispose]() {
      endProcessesIn(root)
      // Its clock may be putting a file there at this moment.
      rmSync(root, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

function librariesOf(program: string): string[] {
  const listed = execFileSync('ldd', [program], { encoding: 'utf8' })
  return [...listed.matchAll(/(\/\S+) \(0x/g)].flatMap(match => match[1] ?? [])
}

/** As sshd would: the login shell gets the command line. */
function startIn(root: string, command: string, sshConnection: string): ChildProcessWithoutNullStreams {
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/', SSH_CONNECTION: sshConnection }
  return spawn('chroot', [root, '/bin/sh', '-c', command], { env: { ...env }, stdio: 'pipe' })
}

function runIn(root: string, command: string, stdin: string, sshConnection: string): Promise<Inspection> {
  const child = startIn(root, command, sshConnection)
  const collect = (stream: NodeJS.ReadableStream): Buffer[] => {
    const chunks: Buffer[] = []
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    return chunks
  }
  const stdout = collect(child.stdout)
  const stderr = collect(child.stderr)
  child.stdin.on('error', () => {})
  child.stdin.end(stdin)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      if (code === null) reject(new Error(`the sandbox's shell was killed by ${signal}`))
      else
        resolve({ stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString(), exitCode: code })
    })
  })
}

/** A guard of ours leaves its session on purpose; its root directory still tells where it belongs. */
function endProcessesIn(root: string): void {
  for (const link of globSync('/proc/[0-9]*/root')) {
    try {
      if (readlinkSync(link) === root) process.kill(Number(link.split('/')[2]), 'SIGKILL')
    } catch {
      // It ended while we looked.
    }
  }
}
