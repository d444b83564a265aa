/** Rules that lock us out, through the tool itself: refused where that can be seen, taken back by the host where not. */
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import { digestOf } from '../digest.ts'
import { productFor } from '../product.ts'
import type { VmLab } from '../vm.ts'

const PROGRAM = fileURLToPath(new URL('./with-rule.ts', import.meta.url))
const REVERT_IN_SECONDS = 10

/** Whether a packet is that short nobody can say before it comes: so it can only be forced. */
const LENGTH = '-m length --length 0:65535'
export const NEW_ONLY = `-p tcp -m tcp --dport 22 --tcp-flags FIN,SYN,RST,ACK SYN ${LENGTH} -j DROP`
export const EVERY_PACKET = `-p tcp -m tcp --dport 22 ${LENGTH} -j DROP`
export const PLAIN = '-p tcp -m tcp --dport 22 -j DROP'

/** A rule that would cut us off, and says so: blocked, with the rule in the message, even when forced. */
export async function refusesPlainRule(vm: VmLab): Promise<void> {
  using product = productFor(vm, vm.hosts(), { program: PROGRAM })
  const before = await digestOf(vm, vm.host.name)
  const { result, document } = await product.json([
    'apply',
    '--strategy',
    'rule',
    '--set',
    `spec=${PLAIN}`,
    '--yes',
    '--force',
  ])
  const [host] = document.hosts
  expect(host?.status, JSON.stringify(host)).toBe('blocked')
  expect(host?.blockers).toMatchObject([{ code: 'cuts-off-management', forceable: false }])
  expect(host?.blockers[0]?.message).toContain('--dport 22 -j DROP')
  expect(result.exitCode).toBe(9)
  expect(await digestOf(vm, vm.host.name)).toEqual(before)
}

/** A rule of which nobody can say, and that was forced: the host comes back by itself. */
export async function comesBack(vm: VmLab, spec: string): Promise<void> {
  using product = productFor(vm, vm.hosts(), { program: PROGRAM, connectTimeout: '5s' })
  // A rule brings modules, which stay when the rule goes: so they are there before.
  const harmless = spec.replace('--dport 22', '--dport 9')
  await vm.script(`iptables -A INPUT ${harmless}; iptables -D INPUT ${harmless}`)
  const before = await digestOf(vm, vm.host.name)
  const wish = ['apply', '--strategy', 'rule', '--set', `spec=${spec}`, '--yes', '--window', '1s']
  const refused = await product.json(wish)
  expect(refused.document.hosts[0]?.blockers).toMatchObject([{ code: 'management-path-unknown', forceable: true }])
  const until = watchForReturn(vm)
  const { result, document } = await product.json([...wish, '--force', '--revert-in', `${REVERT_IN_SECONDS}s`])
  const [host] = document.hosts
  expect(host?.status, JSON.stringify(host)).toBe('rolled-back')
  expect(host?.error?.message).toBeTruthy()
  expect(result.exitCode).toBe(4)
  const seconds = await until
  // A machine that gets no processor for a while comes back by its own clock all the same.
  expect(seconds).toBeLessThanOrEqual(REVERT_IN_SECONDS + 20)
  expect(await digestOf(vm, vm.host.name)).toEqual(before)
  process.stdout.write(`${vm.host.name}: ${spec}: back after ${seconds} s\n`)
}

/** Seconds for which a rule that drops SSH was in force, as the host itself saw it. */
async function watchForReturn(vm: VmLab): Promise<number> {
  const script = `has() { iptables-save -t filter | grep -q -- '--dport 22.*-j DROP'; }
until has; do sleep 0.2; done
read -r from _ </proc/uptime
while has; do sleep 0.2; done
read -r to _ </proc/uptime
echo "$((\${to%%.*} - \${from%%.*}))"`
  return Number(await vm.script(script, 120_000))
}
