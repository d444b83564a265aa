/** One directory per running machine. It names its owner, so that the next start can clear up after a dead one. */
import { mkdir, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheDirectory, removeTree, takeLock } from './cache.ts'

export async function createRunDirectory(): Promise<string> {
  await mkdir(cacheDirectory('run'), { recursive: true, mode: 0o700 })
  // Under the lock, or a reaper could find the directory before it has an owner.
  await using _lock = await takeLock('run')
  await reap()
  const directory = await mkdtemp(cacheDirectory('run', 'vm-'))
  await writeFile(join(directory, 'owner'), `${process.pid} ${await startTime(process.pid)}`)
  return directory
}

async function reap(): Promise<void> {
  for (const name of await readdir(cacheDirectory('run'))) {
    const directory = cacheDirectory('run', name)
    const [pid, started] = (await readFile(join(directory, 'owner'), 'utf8').catch(() => '')).split(' ')
    if (pid !== undefined && started !== undefined && (await startTime(Number(pid))) === started) continue
    await killStaleQemu(directory)
    await removeTree(directory)
  }
}

/** QEMU ends with its owner; this is for the moment in which that could not be arranged yet. */
async function killStaleQemu(directory: string): Promise<void> {
  const pid = Number(await readFile(join(directory, 'qemu.pid'), 'utf8').catch(() => ''))
  if (!pid) return
  // Pids come round again: only a process that names this directory is ours.
  const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  if (commandLine.includes(directory)) process.kill(pid, 'SIGKILL')
}

/** Start time of a process in ticks since boot: with it a pid is never taken for another's. */
async function startTime(pid: number): Promise<string | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '')
  // The second field is the command in parentheses and may hold blanks; the 22nd field is the start time.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null
}
