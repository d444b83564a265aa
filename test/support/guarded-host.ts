/**
 * A host of plain files for the dead man's switch. All of guard.sh runs, under the shell that is tested; in its text only
 * the names of what a test must steer are others: the shell, the clock since boot, the boot's number, where systemd is.
 */
import { spawnSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import type { Change } from '../../src/change/change.ts'
import { quote } from '../../src/lang/sh.ts'
import { compile } from '../../src/plan/compile.ts'
import { keepPrelude, revertProgram, stageProgram } from '../../src/plan/programs.ts'
import { changeLibrary, guardProgram } from '../../src/run/tools.ts'
import { planOf } from './changes.ts'
import type { Gate } from './gate.ts'
import { commandOf, finished, type Spawned, type SpawnOptions, spawned } from './processes.ts'
import { type Run, scratch, withStdin } from './shells.ts'

const STATES = ['armed', 'confirmed', 'kept', 'reverting', 'reverted', 'revert-failed'] as const
export type State = (typeof STATES)[number]
/** What guard.sh is asked for. */
export type Verb = 'keep' | 'revert' | 'expire' | 'wait' | 'status' | 'over'

export interface StageOptions {
  readonly seconds?: number
  /** Replaces more of a staged file. */
  readonly edit?: (name: string, text: string) => string
}

export type GuardedHost = ReturnType<typeof guardedHost>

/** Its timer is systemd's, as far as the stubs go; `timers: 'process'` takes systemd away. */
export function guardedHost(shell: readonly string[], { timers = 'systemd' }: { timers?: 'systemd' | 'process' } = {}) {
  const root = scratch()
  const at = (name: string): string => join(root, name)
  const runDir = (run: string): string => at(join('runs', run))
  const words = shell.map(quote).join(' ')
  for (const name of ['bin', 'timers', 'cgroup']) mkdirSync(at(name))

  /** A program of that name in front of all others of the host. */
  const stub = (name: string, body: string): void => {
    writeFileSync(at(join('bin', name)), `#!/bin/sh\n${body}\n`)
    chmodSync(at(join('bin', name)), 0o755)
  }
  const setUptime = (seconds: number): void => {
    writeFileSync(at('uptime.new'), `${seconds}.50 99.00\n`)
    renameSync(at('uptime.new'), at('uptime'))
  }
  const setBoot = (id: string): void => writeFileSync(at('boot_id'), `${id}\n`)
  setUptime(1000)
  setBoot('boot-one')
  for (const name of ['at', 'atd', 'pidof', 'pgrep', 'nft']) stub(name, 'exit 1')
  // Enough of systemd: a timer is a file that holds the command.
  stub(
    'systemd-run',
    `for word; do case $word in --unit=*) unit=\${word#--unit=} ;; --on-active=*) after=\${word#--on-active=} ;; --*) ;; *) break ;; esac; shift; done\nprintf '%s\\n' "$*" >${quote(at('timers'))}/"$unit.timer"; echo "$after" >${quote(at('timers'))}/"$unit.after"`,
  )
  stub(
    'systemctl',
    `case $1 in is-active) [ -e ${quote(at('timers'))}/"$2" ] && echo active || echo inactive ;; stop) rm -f ${quote(at('timers'))}/"$2" ;; esac`,
  )
  if (timers === 'systemd') mkdirSync(at('systemd'))

  /** What travels, with the names of this host in it. */
  const steered = (text: string): string =>
    text
      .replaceAll('/bin/sh', words)
      .replaceAll('PATH=/usr/sbin', `PATH=${quote(at('bin'))}:/usr/sbin`)
      .replaceAll('/proc/uptime', at('uptime'))
      .replaceAll('/proc/sys/kernel/random/boot_id', at('boot_id'))
      .replaceAll('/run/systemd/system', at('systemd'))
      .replaceAll('/sys/fs/cgroup', at('cgroup'))
      .replaceAll('/proc/net/ip', at('net-ip'))
      // The kernel takes a value at once or not at all; a plain file would be seen empty in between.
      .replaceAll(`>"$1"; } 2>/dev/null && return 0`, `>"$1.put" && mv -f "$1.put" "$1"; } 2>/dev/null && return 0`)
      .replaceAll('sleep 0.1', 'sleep 0.01')
      .replaceAll('sleep 1;', 'sleep 0.02;')

  const filesOf = (run: string, changes: readonly Change[], { edit }: StageOptions): Map<string, string> => {
    const scripts = compile(planOf(changes), changeLibrary())
    const files: [string, string][] = [
      ['undo.sh', scripts.undo],
      ['apply.sh', scripts.apply],
      ['guard.sh', guardProgram()],
      ['owner', `run ${run}\nwho tester of ${run}\nat 2026-01-01\n`],
    ]
    return new Map(files.map(([name, text]) => [name, edit ? edit(name, steered(text)) : steered(text)]))
  }
  const stagingOf = (run: string, changes: readonly Change[], options: StageOptions = {}): string => {
    const { seconds = 60 } = options
    const files = filesOf(run, changes, options)
    return steered(stageProgram({ runDir: runDir(run), files, revertInSeconds: seconds }))
  }
  const piped = (program: string): Run =>
    finished(
      spawnSync(shell[0] ?? '', [...shell.slice(1), '-s'], {
        input: program,
        encoding: 'utf8',
        timeout: 20_000,
        cwd: root,
      }),
    )
  const ask = (run: string, verb: Verb): readonly string[] => [
    ...shell.slice(1),
    join(runDir(run), 'guard.sh'),
    verb,
    runDir(run),
  ]
  const state = (run: string): State | 'none' => STATES.find(name => existsSync(join(runDir(run), name))) ?? 'none'

  /** The processes that say they are at work in a run. */
  const workers = (run: string): number[] =>
    readdirSync(runDir(run)).flatMap(name => (name.startsWith('worker.') ? [Number(name.slice(7))] : []))

  /** Ends whoever is at work in a run, as the kernel ends them. */
  const kill = (run: string): void => {
    for (const pid of workers(run)) if (commandOf(pid).includes(root)) process.kill(pid, 'SIGKILL')
  }
  /** The names of all run directories, half made ones too. */
  const runs = (): string[] => (existsSync(at('runs')) ? readdirSync(at('runs')).toSorted() : [])

  return {
    root,
    at,
    runDir,
    stub,
    setUptime,
    setBoot,
    state,
    steered,
    stagingOf,
    /** Runs this program on stdin of the shell. */
    piped,
    /** Fills the run directory and has guard.sh start, as apply does. */
    stage: (run: string, changes: readonly Change[], options?: StageOptions): Run =>
      withStdin(stagingOf(run, changes, options), stdin =>
        finished(
          spawnSync(shell[0] ?? '', [...shell.slice(1), '-s'], {
            stdio: [stdin, 'pipe', 'pipe'],
            encoding: 'utf8',
            timeout: 20_000,
            cwd: root,
          }),
        ),
      ),
    staging: (run: string, changes: readonly Change[], options?: StageOptions): Spawned =>
      spawned(shell, ['-s'], { input: stagingOf(run, changes, options) }),
    /** The same on a slow disk: it stands still in the middle of being staged. */
    slowly: (run: string, changes: readonly Change[], { script }: Gate): Spawned =>
      spawned(shell, ['-s'], { input: stagingOf(run, changes).replace('  sync "$new', `  ${script}\n$&`) }),
    guard: (run: string, verb: Verb): Run =>
      finished(spawnSync(shell[0] ?? '', ask(run, verb), { encoding: 'utf8', timeout: 20_000 })),
    guarding: (run: string, verb: Verb, options?: SpawnOptions): Spawned =>
      spawned(shell.slice(0, 1), ask(run, verb), options),
    /** The exit code that the controller reads. */
    keep: (run: string): number => Number(piped(steered(keepPrelude(runDir(run), 'n'))).stdout.split('\n')[1]),
    revert: (run: string): Run => piped(steered(revertProgram(runDir(run)))),
    /** `name value` lines. */
    status: (run: string): ReadonlyMap<string, string> =>
      new Map(
        finished(spawnSync(shell[0] ?? '', ask(run, 'status'), { encoding: 'utf8' }))
          .stdout.split('\n')
          .map(line => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)]),
      ),
    /** The timer fires, as systemd would let it. */
    fire: (run: string): Run => {
      const unit = at(`timers/ctfix-${run}.timer`)
      const command = readFileSync(unit, 'utf8')
      rmSync(unit)
      return piped(command)
    },
    has: (run: string, name: string): boolean => existsSync(join(runDir(run), name)),
    read: (name: string): string => readFileSync(at(name), 'utf8'),
    write: (name: string, text: string): void => writeFileSync(at(name), text),
    exists: (name: string): boolean => existsSync(at(name)),
    log: (run: string): string => readFileSync(join(runDir(run), 'log'), 'utf8'),
    runs,
    workers,
    kill,
    /** One who was at work and is not any more: its number belongs to nobody, or to somebody else. */
    leaveDeadWorker: (run: string): void => appendFileSync(join(runDir(run), `worker.${process.pid}`), ''),
    [Symbol.dispose]: () => {
      // After a test that failed somebody may still stand where nobody lets it go on any more.
      for (const run of runs()) kill(run)
      rmSync(root, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}
