/** Plays a platform: a root of its own with that platform's files and stubs of its tools, for the real probe to look at. */
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { probeProgram } from '../../src/facts/probe.ts'
import { chosen, makeshift, withStdin } from '../support/shells.ts'
import { librariesOf, place, which } from './scenery.ts'

export interface Platform {
  /** Contents by path; a pair gives the mode too. Default 0644. */
  readonly files: Readonly<Record<string, string | readonly [content: string, mode: number]>>
  readonly links?: Readonly<Record<string, string>>
  readonly directories?: readonly string[]
  /** Tools in /usr/sbin, as sh. */
  readonly tools?: Readonly<Record<string, string>>
  /** Programs of this machine, or applets, besides those that every stage has. */
  readonly programs?: readonly string[]
  /** Who runs the probe; default root. */
  readonly uid?: number
  readonly sshConnection?: string
}

const ALL_SHELLS = ['dash', 'busybox sh', 'bash --posix', 'mksh'] as const
export type Shell = (typeof ALL_SHELLS)[number]
export const SHELLS: readonly Shell[] = ALL_SHELLS.filter(chosen)

interface Ended {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

const GNU_TOOLS = 'grep ls cat mawk dd tr tail sleep sed xargs id printf mkdir mv'.split(' ')
const NONCE = 'f1c7e5a2d0b94836'

/** A root that holds one shell and the tools that go with it. */
export class Stage implements Disposable {
  readonly root: string
  readonly #shell: Shell
  readonly #uid: number
  readonly #sshConnection: string
  readonly #tools: readonly string[]

  constructor(platform: Platform, shell: Shell) {
    this.#shell = shell
    this.#uid = platform.uid ?? 0
    this.#sshConnection = platform.sshConnection ?? ''
    this.#tools = Object.keys(platform.tools ?? {})
    this.root = mkdtempSync(join(makeshift('noexec', 'nodev'), 'ctfix-stage-'))
    chmodSync(this.root, 0o755)
    for (const path of ['/dev', '/tmp', '/etc', '/proc/self', '/usr/bin', '/usr/sbin', ...(platform.directories ?? [])])
      mkdirSync(this.path(path), { recursive: true })
    for (const name of ['bin', 'sbin']) symlinkSync(`usr/${name}`, this.path(`/${name}`))
    if (spawnSync('mknod', ['-m', '666', this.path('/dev/null'), 'c', '1', '3']).status !== 0)
      this.write('/dev/null', '', 0o666)
    this.#install([...GNU_TOOLS, ...(platform.programs ?? [])])
    for (const [path, file] of Object.entries(platform.files)) {
      const [content, mode] = typeof file === 'string' ? [file, 0o644] : file
      this.write(path, content, mode)
    }
    for (const [path, target] of Object.entries(platform.links ?? {})) {
      mkdirSync(dirname(this.path(path)), { recursive: true })
      symlinkSync(target, this.path(path))
    }
    for (const [name, text] of Object.entries(platform.tools ?? {}))
      this.write(`/usr/sbin/${name}`, `#!/bin/sh\n${text}\n`, 0o755)
  }

  /** Where a path of the platform lies on this machine. */
  path(inside: string): string {
    return join(this.root, inside)
  }

  write(path: string, content: string | Buffer, mode = 0o644): void {
    mkdirSync(dirname(this.path(path)), { recursive: true })
    // Links lead out of the stage: written through, it would be this machine's own file, or every stage's.
    const there = lstatSync(this.path(path), { throwIfNoEntry: false })
    if (there && (there.isSymbolicLink() || there.nlink > 1)) rmSync(this.path(path))
    writeFileSync(this.path(path), content)
    chmodSync(this.path(path), mode)
    if (process.getuid?.() === 0) lchownSync(this.path(path), 0, 0)
  }

  /** Makes a tool write its name to /tmp/started before it runs. */
  wrap(tool: string): void {
    renameSync(this.path(`/usr/bin/${tool}`), this.path(`/usr/bin/${tool}.real`))
    this.write(`/usr/bin/${tool}`, `#!/bin/sh\necho ${tool} >>/tmp/started\nexec /usr/bin/${tool}.real "$@"\n`, 0o755)
  }

  /** Runs the real program under this stage's shell. */
  probe({
    piped,
    ...options
  }: Omit<Parameters<typeof probeProgram>[0], 'nonce'> & { readonly piped?: boolean } = {}): Record<
    'nonce' | 'stdout' | 'stderr',
    string
  > {
    const { stdin, args } = probeProgram({ nonce: NONCE, ...options })
    // What the login shell makes of them.
    const words = args.slice(0, -1).map(word => word.replace(/^'(.*)'$/s, '$1'))
    const { status, stdout, stderr } = this.run(stdin, [...words, this.#sshConnection], piped)
    if (status !== 0) throw new Error(`${this.#shell}: exit ${status}: ${stderr}`)
    return { nonce: NONCE, stdout, stderr }
  }

  /** Runs a program on stdin of this stage's shell; `piped` as it travels to a host, which takes some shells long. */
  run(stdin: string, words: readonly string[] = [], piped = false): Ended {
    const chroot = [which('chroot'), ...(this.#uid === 0 ? [] : [`--userspec=${this.#uid}:${this.#uid}`]), this.root]
    // Who is not root here can still be root of a user namespace.
    const enter = process.getuid?.() === 0 ? chroot : [which('unshare'), '-r', ...chroot]
    // Debian's busybox prefers its own applets to programs on PATH; functions come before both.
    const stubs = this.#tools.filter(name => this.#shell === 'busybox sh' && /^[a-z]+$/.test(name))
    const prelude = stubs.map(name => `${name}() { /usr/sbin/${name} "$@"; }\n`).join('')
    const shell = this.#shell === 'busybox sh' ? ['/bin/busybox', 'sh'] : [`/bin/${this.#shell.split(' ')[0]}`]
    const flags = this.#shell === 'bash --posix' ? ['--posix'] : []
    const [command = '', ...rest] = [...enter, ...shell, ...flags, '-s', '--', ...words]
    const options = {
      encoding: 'utf8',
      env: { PATH: '/bin', LANG: 'de_DE.UTF-8' },
      maxBuffer: 16 * 1024 * 1024,
    } as const
    const program = prelude + stdin
    const { status, stdout, stderr, error } = piped
      ? spawnSync(command, rest, { ...options, input: program })
      : withStdin(program, fd => spawnSync(command, rest, { ...options, stdio: [fd, 'pipe', 'pipe'] }))
    if (error) throw error
    // mksh speaks up about a locale this root does not have.
    const said = stderr.replaceAll(/^W: .*setlocale.*\n/gm, '')
    return { status, stdout, stderr: said }
  }

  #install(tools: readonly string[]): void {
    const busybox = this.#shell === 'busybox sh'
    const shell = which(this.#shell.split(' ')[0] ?? '')
    if (busybox) {
      this.#copy([shell])
      for (const name of ['sh', ...tools, 'awk']) {
        if (name !== 'mawk') symlinkSync('busybox', this.path(`/usr/bin/${name}`))
      }
      return
    }
    const programs = [shell, ...tools.map(which)]
    this.#copy([...programs, ...librariesOf(programs)])
    symlinkSync(shell.split('/').at(-1) ?? '', this.path('/usr/bin/sh'))
    symlinkSync('mawk', this.path('/usr/bin/awk'))
  }

  #copy(paths: Iterable<string>): void {
    for (const path of paths) {
      place(path, this.path(path.replace(/^\/(usr\/)?bin\//, '/usr/bin/').replace(/^\/(usr\/)?sbin\//, '/usr/sbin/')))
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true, force: true })
  }
}
