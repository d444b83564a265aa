/** Making a run stand still on a real host, between two of the tools its scripts call or between two lines of a script. */
import { setTimeout as delay } from 'node:timers/promises'
import { quote } from '../../../src/lang/sh.ts'
import type { VmLab } from '../vm.ts'

/** Until the gate is opened; nobody stands still where one stands already, or where there is no gate. */
const STAND = 'mkdir /run/gate/reached 2>/dev/null && while [ -e /run/gate/words ]; do sleep 0.1; done'

/** Between two values no tool is called: so the change gets a line more, as soon as all that it needs is on disk. */
const SECOND = `^ *still .* write_value .*/nf_conntrack_max `
const LINE_MORE = `s|${SECOND}|${STAND.replaceAll('&', '\\&')}\\n&|`
const BEFORE_THE_SECOND = `sed -i ${quote(LINE_MORE)} /var/lib/ctfix/*/apply.sh`

const IS = {
  hashsize: '"$(cat /sys/module/nf_conntrack/parameters/hashsize)" = 20480',
  max: '"$(cat /proc/sys/net/netfilter/nf_conntrack_max)" = 20000',
  files: '-e /etc/sysctl.d/99-zz-ctfix.conf -a -e /etc/modules-load.d/ctfix.conf',
} as const

/**
 * Moments of a run: a tool with its words, as a pattern of `case`, which has not done its work yet; the file that is in the
 * run directory then, for the same words come at other times as well; what is done there; and what the host is once the run
 * stands still, so that no cell is struck at another moment than it says.
 */
export const MOMENTS = {
  'between two live values': ['sync */deadline *', 'armed', BEFORE_THE_SECOND, `[ ${IS.hashsize} ] && [ ! ${IS.max} ]`],
  'confirmed, files not written': ['sync *.ctfix-new', 'confirmed', STAND, `[ ${IS.max} ] && ! [ ${IS.files} ]`],
  'files in place, not on disk': ['sync /etc/sysctl.d', 'confirmed', STAND, `[ ${IS.files} ]`],
} as const

export type Moment = keyof typeof MOMENTS

/** A wrapper in front of the tool; PATH of our scripts has /usr/sbin first. */
const WRAP = `
printf '%s\\n' '#!/bin/sh' \\
  'if [ -e /run/gate/words ] && ls /var/lib/ctfix/*/$(cat /run/gate/state) >/dev/null 2>&1; then' \\
  '  case "sync $*" in' \\
  '    $(cat /run/gate/words)) . /run/gate/do ;;' \\
  '  esac' \\
  'fi' \\
  'exec /usr/bin/sync "$@"' >/usr/sbin/sync
chmod 755 /usr/sbin/sync
/usr/bin/sync`

/** Puts the wrapper in place; it stays over a reboot and stands in nobody's way. */
export async function prepareGates(vm: VmLab): Promise<void> {
  await vm.script(WRAP)
}

/** The next run stands still there. */
export async function closeGate(vm: VmLab, moment: Moment): Promise<void> {
  const [words, state, act] = MOMENTS[moment]
  await vm.script(`rm -rf /run/gate; mkdir /run/gate; echo '${state}' >/run/gate/state
printf '%s\\n' ${quote(act)} >/run/gate/do
echo '${words}' >/run/gate/words.new; mv /run/gate/words.new /run/gate/words`)
}

export async function reachGate(vm: VmLab, moment: Moment, timeoutMs = 60_000): Promise<void> {
  const deadline = Date.now() + timeoutMs
  while ((await vm.script('[ ! -d /run/gate/reached ] || echo yes')).trim() !== 'yes') {
    if (Date.now() > deadline) throw new Error(`the run never came to the moment: ${moment}`)
    await delay(100)
  }
  const is = MOMENTS[moment][3]
  if ((await vm.script(`if ${is}; then echo yes; fi`)).trim() !== 'yes') throw new Error(`not the moment: ${moment}`)
}

export async function openGate(vm: VmLab): Promise<void> {
  await vm.script('rm -rf /run/gate')
}
