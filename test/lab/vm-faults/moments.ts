/** Making a run stand still on a real host, between two of the tools its scripts call. */
import { setTimeout as delay } from 'node:timers/promises'
import type { VmLab } from '../vm.ts'

/**
 * Moments of a run: a tool with its words, as a pattern of `case`, which has not done its work yet; and the file that is in
 * the run directory then, for the same words come at other times as well.
 */
export const MOMENTS = {
  'between two live values': ['cat */parameters/hashsize', 'armed'],
  'confirmed, files not written': ['sync *.ctfix-new', 'confirmed'],
  'files in place, not on disk': ['sync /etc/sysctl.d', 'confirmed'],
} as const

export type Moment = keyof typeof MOMENTS

/** Wrappers in front of the two tools; PATH of our scripts has /usr/sbin first. */
const WRAP = `
for tool in sync cat; do
  printf '%s\\n' '#!/bin/sh' \\
    "if [ -e /run/gate/words ] && ls /var/lib/ctfix/*/$(/usr/bin/cat /run/gate/state) >/dev/null 2>&1; then" \\
    "  case \\"$tool \\$*\\" in" \\
    "    \\$(/usr/bin/cat /run/gate/words)) mkdir /run/gate/reached 2>/dev/null && while [ -e /run/gate/words ]; do sleep 0.1; done ;;" \\
    "  esac" \\
    "fi" \\
    "exec /usr/bin/$tool \\"\\$@\\"" >/usr/sbin/$tool
  chmod 755 /usr/sbin/$tool
done
/usr/bin/sync`

/** Puts the wrappers in place; they stay over a reboot and stand in nobody's way. */
export async function prepareGates(vm: VmLab): Promise<void> {
  await vm.script(WRAP)
}

/** The next run stands still there. */
export async function closeGate(vm: VmLab, moment: Moment): Promise<void> {
  const [words, state] = MOMENTS[moment]
  await vm.script(`rm -rf /run/gate; mkdir /run/gate; echo '${state}' >/run/gate/state
echo '${words}' >/run/gate/words.new; mv /run/gate/words.new /run/gate/words`)
}

export async function reachGate(vm: VmLab, moment: Moment, timeoutMs = 60_000): Promise<void> {
  const deadline = Date.now() + timeoutMs
  while ((await vm.script('[ ! -d /run/gate/reached ] || echo yes')).trim() !== 'yes') {
    if (Date.now() > deadline) throw new Error(`the run never came to the moment: ${moment}`)
    await delay(100)
  }
}

export async function openGate(vm: VmLab): Promise<void> {
  await vm.script('rm -rf /run/gate')
}
