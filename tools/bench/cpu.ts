/** CPU time as the kernel counts it: it says the same whatever else the machine is busy with. */
import { readFileSync } from 'node:fs'
import type { Lab } from '../../test/lab/lab.ts'

/** USER_HZ, in which /proc/PID/stat counts; 100 on every Linux that Node runs on. */
const TICK_MS = 10

interface Cpu {
  readonly own: number
  /** Of children that ended and were waited for, and of theirs. */
  readonly children: number
}

/** Milliseconds of CPU that the text of a /proc/PID/stat tells of. */
function readStat(text: string): Cpu {
  // The name in parentheses may hold blanks; what follows it begins with the third field.
  const fields = text
    .slice(text.lastIndexOf(') ') + 2)
    .split(' ')
    .map(Number)
  const [user = 0, system = 0, childUser = 0, childSystem = 0] = fields.slice(11, 15)
  return { own: (user + system) * TICK_MS, children: (childUser + childSystem) * TICK_MS }
}

/** Of everything this process started and waited for. */
export function childrenCpuMs(): number {
  return readStat(readFileSync('/proc/self/stat', 'utf8')).children
}

/** Of all hosts of a namespace lab: of their sshd, and of what its sessions ran. */
export async function hostsCpuMs(lab: Lab): Promise<number> {
  let sum = 0
  for (const { name } of lab.hosts()) {
    const { own, children } = readStat((await lab.inspect(name, 'cat /proc/1/stat')).stdout)
    sum += own + children
  }
  return sum
}
