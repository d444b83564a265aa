/** Live entries of the flows a strategy asks for. */
import { plain } from '../lang/text.ts'
import type { FlowEntries } from './asked.ts'
import type { Look } from './look.ts'

/** null when none were asked for, or there was no table to read. */
export function flowsOf(look: Look): FlowEntries | null {
  const section = look.sections.get('flows') ?? ''
  const number = (name: string): number | null => {
    const found = new RegExp(`^${name} (\\d+)$`, 'm').exec(section)?.[1]
    return found === undefined ? null : Number(found)
  }
  const [entries, tracked] = [number('entries'), number('rows')]
  if (entries === null || tracked === null) return null
  const sample = [...section.matchAll(/^entry (.{1,400})/gm)].map(([, row = '']) => plain(row.trim()))
  const addresses = [...section.matchAll(/^at ([0-9a-f.:]{1,45})$/gm)].map(([, address = '']) => address).toSorted()
  return { entries, complete: !/^more$/m.test(section), sample: sample.slice(0, 3), addresses, tracked }
}
