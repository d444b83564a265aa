/** `npm run demo`: the main job on a real kernel, as a user would do it, with the numbers before and after. */
import { setTimeout as sleep } from 'node:timers/promises'
import { productFor } from '../test/lab/product.ts'
import { fillTable, probeNewConnections, readSymptom, type Symptom } from '../test/lab/vm/traffic.ts'
import { startVm, type VmLab } from '../test/lab/vm.ts'

/** The kernel of Debian 12: the most common one that a reader has at hand. */
const KERNEL = '6.1'
/** Fresh connections to try before and after, two seconds each at most. */
const TRIES = 20
const WINDOW_SECONDS = 10

const color = process.stdout.isTTY === true && !process.env.NO_COLOR
const paint = (code: number, text: string): string => (color ? `\u001b[${code}m${text}\u001b[0m` : text)
const print = (text: string): void => {
  process.stdout.write(`${text}\n`)
}
const started = Date.now()

function phase(title: string): void {
  const at = `${Math.round((Date.now() - started) / 1000)} s`
  print(`\n${paint(1, `▸ ${title}`)}  ${paint(2, at)}`)
}

function indent(text: string): string {
  return text
    .trimEnd()
    .split('\n')
    .map(line => `  ${line}`)
    .join('\n')
}

/** Symptom, drops of the next seconds, and fresh connections that get through. */
async function measure(vm: VmLab): Promise<Measured> {
  const first = await readSymptom(vm)
  await sleep(WINDOW_SECONDS * 1000)
  const last = await readSymptom(vm)
  const passed = await probeNewConnections(vm, TRIES)
  return { ...last, drops: last.drop - first.drop, newLines: last.lines - first.lines, passed }
}

interface Measured extends Symptom {
  readonly drops: number
  readonly newLines: number
  readonly passed: number
}

function sideBySide(before: Measured, after: Measured): string {
  const rows: [string, (m: Measured) => string][] = [
    ['entries / max', m => `${m.count} / ${m.max}`],
    ['hash buckets', m => String(m.buckets)],
    [`packets dropped in ${WINDOW_SECONDS} s`, m => String(m.drops)],
    [`table-full lines in ${WINDOW_SECONDS} s`, m => String(m.newLines)],
    ['fresh connections answered', m => `${m.passed} of ${TRIES}`],
  ]
  const line = (name: string, a: string, b: string): string => `  ${name.padEnd(30)}${a.padStart(14)}${b.padStart(14)}`
  const body = rows.map(([name, show]) => line(name, show(before), show(after)))
  return [paint(1, line('', 'before', 'after')), ...body].join('\n')
}

async function demo(): Promise<void> {
  phase(`Boot a real Debian kernel ${KERNEL} in QEMU (the first time builds it from Debian's packages)`)
  await using vm = await startVm({ kernel: KERNEL })
  const [host] = vm.hosts()
  if (!host) throw new Error('the lab has no host')
  print(`  ${host.name}: ${(await vm.script('uname -r')).trim()}, reached over SSH on a port of this machine`)

  phase('Fill its conntrack table with live traffic')
  await fillTable(vm, { max: 600 })
  const before = await measure(vm)
  print(`  ${before.count} entries of ${before.max}; the kernel log says:`)
  print(paint(2, indent(await vm.script("dmesg | grep 'table full' | tail -n 2"))))

  using product = productFor(vm, vm.hosts(), { connectTimeout: '3m' })
  const ctfix = async (title: string, words: readonly string[]): Promise<number> => {
    phase(title)
    print(paint(2, `  $ ctfix ${words.join(' ')} -i inventory.yaml`))
    const { exitCode, stdout } = await product.run(words)
    print(indent(stdout))
    return exitCode
  }
  const expectExit = (actual: number, wanted: number): void => {
    if (actual !== wanted) throw new Error(`the last command ended with ${actual}, expected ${wanted}`)
  }
  expectExit(await ctfix('Look (getting in takes tries: the table drops new logins too)', ['facts']), 0)
  expectExit(
    await ctfix('Plan: the diff, nothing is changed', ['plan', '--strategy', 'raise', '--detailed-exitcode']),
    2,
  )
  expectExit(await ctfix('Apply, and prove it over a new connection', ['apply', '--strategy', 'raise', '--yes']), 0)
  expectExit(await ctfix('Apply again: nothing to do', ['apply', '--strategy', 'raise', '--yes']), 0)

  phase('Before and after, under the same traffic')
  const after = await measure(vm)
  print(sideBySide(before, after))
  if (after.drops !== 0 || after.newLines !== 0 || after.passed !== TRIES) throw new Error('the table still drops')
  phase('Stop the machine')
}

try {
  await demo()
  print(`\n  done in ${Math.round((Date.now() - started) / 1000)} s`)
} catch (error) {
  process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
