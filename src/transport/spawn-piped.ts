/** Programs of this machine that are spoken to through pipes. */
import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import type { Host } from '../inventory/host.ts'
import { connectFailure } from './failure.ts'

/** In a process group of its own, so that whatever it starts can be ended with it. Throws ConnectError without a file for its pipes. */
export function spawnPiped(host: Host, file: string, args: readonly string[]): ChildProcessWithoutNullStreams {
  return piped(host, file, spawn(file, args, { detached: true, stdio: 'pipe' }))
}

/**
 * When file 3 ends, so does the whole group. Nobody else may hold that file open, nor the guard the command's own; and
 * nothing is ever said in it, so `read` waits as long as the command lives.
 */
const GUARD = '{ read -r end; kill 0; } <&3 3<&- >/dev/null 2>&1 &\nexec 3<&-\n'

/** The same for a command of the shell, which ends with this process, too, even where that is killed. */
export function spawnGuarded(host: Host, command: string): ChildProcessWithoutNullStreams {
  const stdio = ['pipe', 'pipe', 'pipe', 'pipe'] as const
  const child = spawn('/bin/sh', ['-c', GUARD + command], { detached: true, stdio: [...stdio] })
  const leash = child.stdio?.[3]
  leash?.on('error', () => {})
  child.once('exit', () => leash?.destroy())
  return piped(host, '/bin/sh', child)
}

function piped(host: Host, file: string, child: ChildProcess): ChildProcessWithoutNullStreams {
  // Node gives such a child no pipes at all, and says why only later.
  if (hasPipes(child)) return child
  child.on('error', () => {})
  throw connectFailure(host, Object.assign(new Error(`spawn ${file} EMFILE`), { code: 'EMFILE' }))
}

function hasPipes(child: ChildProcess): child is ChildProcessWithoutNullStreams {
  return (child.stdin ?? null) !== null
}
