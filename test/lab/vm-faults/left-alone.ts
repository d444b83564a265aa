/** A controller that is killed on a host whose logind ends what a session leaves behind: the guard outlives it all the same. */
import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'vitest'
import { digestOf } from '../digest.ts'
import { productFor } from '../product.ts'
import { startProgram } from '../simulated/child.ts'
import type { VmLab } from '../vm.ts'
import { CHANGE } from './cell.ts'

const REVERT_IN_SECONDS = 25

/** With everybody in, also root, who is left out by default. */
const STRICT = `mkdir -p /etc/systemd/logind.conf.d
printf '[Login]\\nKillUserProcesses=yes\\nKillExcludeUsers=nobody\\n' >/etc/systemd/logind.conf.d/lab.conf
systemctl restart systemd-logind`

const LENIENT = 'rm -f /etc/systemd/logind.conf.d/lab.conf; systemctl restart systemd-logind'

/** Out of reach, so that the next way to arm a guard is taken. */
const HIDE = 'mv /usr/bin/systemd-run /usr/bin/systemd-run.hidden'
const SHOW = 'mv /usr/bin/systemd-run.hidden /usr/bin/systemd-run'

/** Kills the controller while the host waits for its confirmation; `by` is what the guard has to be armed by. */
export async function outlivesItsSession(vm: VmLab, by: 'systemd' | 'process'): Promise<void> {
  using product = productFor(vm)
  await vm.script(by === 'process' ? `${STRICT}\n${HIDE}` : STRICT)
  try {
    const before = await digestOf(vm, vm.host.name)
    const child = startProgram(
      product,
      ['apply', ...CHANGE, '--yes', '--window', '20s', '--revert-in', `${REVERT_IN_SECONDS}s`],
      { timeoutMs: 120_000 },
    )
    await until(
      vm,
      'ls /var/lib/ctfix/*/armed >/dev/null 2>&1 && [ "$(cat /proc/sys/net/netfilter/nf_conntrack_max)" = 20000 ]',
    )
    expect((await vm.script('cat /var/lib/ctfix/*/timer')).split(' ')[0]).toBe(by)
    await child.kill()
    // The session ends with its connection, and with it whatever logind finds in it.
    await vm.sever(vm.host.name)
    await until(vm, 'ls /var/lib/ctfix/*/reverted >/dev/null 2>&1')
    expect(await digestOf(vm, vm.host.name)).toEqual(before)
  } finally {
    await vm.script(`${by === 'process' ? `${SHOW}\n` : ''}${LENIENT}\nrm -rf /var/lib/ctfix`)
  }
}

async function until(vm: VmLab, condition: string, timeoutMs = 60_000): Promise<void> {
  const deadline = Date.now() + timeoutMs
  while ((await vm.script(`if ${condition}; then echo yes; fi`)).trim() !== 'yes') {
    if (Date.now() > deadline) throw new Error(`it never came to: ${condition}`)
    await delay(200)
  }
}
