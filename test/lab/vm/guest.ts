/** What the lab does inside a guest through the door: waiting for a boot to end, the clock, cutting sessions. */
import { randomBytes } from 'node:crypto'
import type { Door } from './door.ts'
import type { Machine } from './machine.ts'
import type { Flavour } from './root.ts'

/** Two emulated machines on two busy cores take half a minute; past this it hangs. */
const BOOT_MS = 180_000
const RESUME_MS = 60_000

/**
 * Up means that no boot job is left: a firewall that loads late would change the host under a test's eyes, and sshd
 * counts as started only once it listens. A test may well have broken some unit, so none is asked for by name.
 */
const WAIT_FOR_BOOT = 'until [ -z "$(systemctl list-jobs --no-legend 2>&1)" ]; do sleep 0.2; done'

export async function waitForBoot(machine: Machine): Promise<void> {
  const deadline = Date.now() + BOOT_MS
  try {
    await machine.door.waitUntilAnswered(deadline)
    const { exitCode } = await machine.door.run(WAIT_FOR_BOOT, { timeoutMs: deadline - Date.now() })
    if (exitCode !== 0) throw new Error('its boot does not end')
  } catch (error) {
    throw new Error(`the guest does not come up: ${String(error)}\n${await machine.consoleTail()}`)
  }
}

/** What an image must have running before it is kept for all later starts. */
export async function checkUnits(door: Door, flavour: Flavour): Promise<void> {
  await door.mustRun('systemctl is-active ssh lab-net lab-web')
  if (flavour === 'plain') await door.mustRun('systemctl is-active netfilter-persistent')
  else await door.mustRun('! systemctl is-active ufw firewalld nftables')
}

/** A resumed machine believes it is still the moment it was saved, and draws the random numbers of its twins. */
export async function wakeUp(door: Door): Promise<void> {
  await door.waitUntilAnswered(Date.now() + RESUME_MS)
  await setClock(door)
  await door.mustRun(`echo ${randomBytes(32).toString('hex')} >/dev/urandom`)
}

export async function setClock(door: Door): Promise<void> {
  await door.mustRun(`date -s @${(Date.now() / 1000).toFixed(3)} >/dev/null`)
}

/** Kills every sshd but the listener, so that no session gets to say goodbye. */
export async function severSessions(door: Door): Promise<void> {
  await door.mustRun(`
listener=$(systemctl show -P MainPID ssh)
for pid in $(pgrep -x sshd); do
  [ "$pid" = "$listener" ] || kill -9 "$pid" 2>/dev/null || true
done`)
}

export async function rebootGuest(machine: Machine, how: 'orderly' | 'power-cut' = 'orderly'): Promise<void> {
  const before = await bootId(machine.door, { timeoutMs: 60_000 })
  // As when the power goes: nothing is stopped, nothing is written that was not on disk.
  const cut = '(sleep 0.2; echo b >/proc/sysrq-trigger) >/dev/null 2>&1 &'
  await machine.door.mustRun(
    how === 'orderly' ? 'systemctl reboot --no-block' : `echo 1 >/proc/sys/kernel/sysrq; ${cut}`,
  )
  const deadline = Date.now() + BOOT_MS
  // The old system answers until its very end.
  while ((await bootId(machine.door).catch(() => before)) === before) {
    if (Date.now() > deadline) throw new Error(`the guest does not reboot\n${await machine.consoleTail()}`)
    await new Promise(resolve => setTimeout(resolve, 200))
  }
  await waitForBoot(machine)
  await setClock(machine.door)
}

/** A guest that is going down answers no more: whoever waits for the next boot asks again soon. */
const SOON = { timeoutMs: 1000, graceMs: 500 }

async function bootId(door: Door, patience: Parameters<Door['run']>[1] = SOON): Promise<string> {
  const { stdout, exitCode } = await door.run('cat /proc/sys/kernel/random/boot_id', patience)
  if (exitCode !== 0) throw new Error('the guest does not say which boot it is in')
  return stdout.trim()
}
