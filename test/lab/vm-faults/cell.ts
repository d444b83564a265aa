/** One fault at one moment of a run on a real kernel: what the host is afterwards, what was said, and the way on. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { digestOf } from '../digest.ts'
import type { Document, Product } from '../product.ts'
import { productFor } from '../product.ts'
import { startProgram } from '../simulated/child.ts'
import type { VmLab } from '../vm.ts'
import { closeGate, type Moment, openGate, reachGate } from './moments.ts'

export const FAULTS = ['controller killed', 'connections cut', 'disk full', 'power cut'] as const
export type Fault = (typeof FAULTS)[number]

export const CHANGE = ['--strategy', 'raise', '--set', 'max=20000', '--set', 'buckets=20480']
const PATIENCE = ['--yes', '--window', '1s', '--connect-timeout', '40s']
/** Waited for in most cells. */
const SOON = ['--revert-in', '20s']

export type Digest = Awaited<ReturnType<typeof digestOf>>

export interface Ends {
  readonly before: Digest
  readonly after: Digest
}

export interface CellResult {
  readonly moment: Moment
  readonly fault: Fault
  readonly host: 'before' | 'after' | 'between'
  /** `killed` where nobody was left to say anything. */
  readonly status: string
  readonly wrong: readonly string[]
}

/** Runs one cell on a machine in its before state, and leaves it in that state. */
export async function runCell(vm: VmLab, moment: Moment, fault: Fault, ends: Ends): Promise<CellResult> {
  using product = productFor(vm)
  await closeGate(vm, moment)
  const child = startProgram(product, ['apply', ...CHANGE, ...PATIENCE, ...SOON, '--output', 'json'], {
    timeoutMs: 150_000,
  })
  const early = child.ended.then(({ stdout, stderr }) => {
    throw new Error(`it ended before the moment: ${stdout}${stderr}`)
  })
  await Promise.race([reachGate(vm, moment), early])
  early.catch(() => {})
  await strike(vm, fault, () => child.kill())
  const { exitCode, stdout } = await child.ended
  await untilQuiet(vm)
  if (fault === 'disk full') await vm.script('rm -f /var/tmp/fill.*')
  const digest = await digestOf(vm, vm.host.name, { staged: false })
  const host = equal(digest, ends.before) ? 'before' : equal(digest, ends.after) ? 'after' : 'between'
  const document: Document | null = stdout === '' ? null : JSON.parse(stdout)
  const status = document?.hosts[0]?.status ?? 'killed'
  const said = `${status}, exit ${exitCode}: ${document?.hosts[0]?.error?.message ?? ''}`
  const wrong = [
    ...(host === 'between' ? [`between: ${JSON.stringify(digest)}`] : []),
    ...(document && (status === 'changed') !== (host === 'after')
      ? [`the host is ${host}, the report says ${said}`]
      : []),
    ...(['killed', 'changed', 'rolled-back', 'failed'].includes(status) ? [] : [`not an answer: ${said}`]),
    // Each way on is slow here and proved for every step on made-up hosts: one column is enough for going on.
    ...(await wayOn(vm, product, ends, fault === 'controller killed')),
  ]
  return { moment, fault, host, status, wrong }
}

async function strike(vm: VmLab, fault: Fault, kill: () => Promise<void>): Promise<void> {
  switch (fault) {
    case 'controller killed':
      await kill()
      return openGate(vm)
    case 'connections cut':
      await vm.sever(vm.host.name)
      return openGate(vm)
    case 'disk full':
      await vm.script(FILL)
      return openGate(vm)
    case 'power cut':
      return vm.cutPower(vm.host.name)
    default:
      return fault satisfies never
  }
}

/** To the last block: what is left after the large pieces is taken in small ones. */
const FILL = `n=0
for size in 256M 16M 1M 64K 4K; do
  while fallocate -l $size /var/tmp/fill.$n 2>/dev/null; do n=$((n + 1)); done
done
:`

/** Until no guard waits and no script of a run is at work. */
async function untilQuiet(vm: VmLab): Promise<void> {
  const deadline = Date.now() + 60_000
  const busy = `pgrep -f '/var/lib/ctfix/[0-9A-Z]*/' >/dev/null && echo busy; ls -d /var/lib/ctfix/*/armed /var/lib/ctfix/*/reverting 2>/dev/null
[ "$(cat /var/lib/ctfix/*/deadline 2>/dev/null | grep -c "$(cat /proc/sys/kernel/random/boot_id)")" != 0 ] || echo booted`
  for (;;) {
    const said = (await vm.script(`${busy}; :`)).trim()
    // A guard of another boot waits for nobody.
    if (said === '' || (said.includes('booted') && !said.includes('busy'))) return
    if (Date.now() > deadline) throw new Error(`it never comes to rest: ${said}`)
    await delay(300)
  }
}

/** Taken up again it ends as it was meant to, taken back it is as before; both leave nothing half done. */
async function wayOn(vm: VmLab, product: Product, ends: Ends, resume: boolean): Promise<string[]> {
  const wrong: string[] = []
  const [run = ''] = readdirSync(join(product.directory, 'state', 'runs'))
  if (resume) {
    const { result, document } = await product.json(['apply', '--resume', run, ...PATIENCE, '--revert-in', '90s'])
    if (result.exitCode !== 0) wrong.push(`resume: exit ${result.exitCode}: ${document.hosts[0]?.error?.message}`)
    if (!equal(await digestOf(vm, vm.host.name), ends.after)) wrong.push('resumed, and not in the after state')
  }
  const back = await product.json(['rollback', run, '--yes', '--connect-timeout', '40s'])
  const known = await vm.script(`[ -d /var/lib/ctfix/${run} ] && echo yes; :`)
  // What never began has no record on the host.
  if (back.result.exitCode !== 0 && known !== '') {
    wrong.push(`rollback: exit ${back.result.exitCode}: ${back.document.hosts[0]?.error?.message}`)
  }
  const digest = await digestOf(vm, vm.host.name)
  if (!equal(digest, ends.before)) wrong.push(`taken back, and not as before: ${JSON.stringify(digest)}`)
  await vm.script('rm -rf /var/lib/ctfix')
  return wrong
}

function equal(one: Digest, other: Digest): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}
