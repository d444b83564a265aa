/** Kernel values: where they live, how they are checked, written and shown. */
import { type Script, sh } from '../lang/sh.ts'
import type { KernelValueChange } from './change.ts'
import { type Looked, notALook, unreadable } from './look.ts'

/** `/proc/sys/…` of a dotted sysctl name; a path stays what it is. */
export function pathOf(target: string): string {
  return target.startsWith('/') ? target : `/proc/sys/${target.replaceAll('.', '/')}`
}

/** The hash size may come out larger than asked: the kernel rounds it up to whole pages (domain: 512 on x86-64, 8192 with 64 KiB pages). */
function comparison(target: string): 'ge' | 'eq' {
  return target.endsWith('/hashsize') || target.endsWith('_buckets') ? 'ge' : 'eq'
}

/** True when a value that is there now is what writing `wanted` comes to; restore_value in change.sh has the same rule. */
export function isWritten(target: string, wanted: string | null, now: string | null): boolean {
  if (comparison(target) === 'eq' || wanted === null || now === null) return now === wanted
  return Number(now) >= Number(wanted) && Number(now) < Number(wanted) + 8192
}

/** Exits as stale unless the value is still what the plan was made on. */
export function expect(change: KernelValueChange): Script {
  return sh`expect_value ${pathOf(change.target)} ${change.before ?? ''}`
}

/** The same for several, by one reading; where that says no, each is asked, so that it is said which. */
export function expectAll(changes: readonly KernelValueChange[]): Script {
  const words = changes.flatMap(({ target, before }) => [pathOf(target), before ?? ''])
  const each = changes.map(expect).reduce((all, one) => sh`${all} && ${one}`)
  return changes.length < 2 ? each : sh`{ expect_values ${words} || { ${each}; }; }`
}

/** Writes the value. One that is to be absent goes with its module, and with nothing else. */
export function render(change: KernelValueChange): Script {
  return change.after === null ? sh`:` : sh`write_value ${pathOf(change.target)} ${change.after}`
}

/** Steps that read back what `render` of these wrote, all by one reading: only that counts as written. */
export function proveAll(changes: readonly KernelValueChange[]): Script[] {
  const written = changes.flatMap(({ target, after }) => (after === null ? [] : [{ target, after }]))
  if (written.length === 0) return []
  const took = written.map(({ target, after }) => sh`took ${pathOf(target)} ${comparison(target)} ${after}`)
  return [sh`read_back ${written.map(({ target }) => pathOf(target))}`, ...took]
}

/**
 * Writes the old value back, but only over ours: somebody else's later value is never overwritten. One that went with its
 * module has come back with it by then, as the kernel makes it; one that came with it goes with it.
 */
export function renderUndo(change: KernelValueChange): Script {
  const path = pathOf(change.target)
  if (change.before === null) return sh`:`
  if (change.after === null) return sh`return_value ${path} ${comparison(change.target)} ${change.before}`
  return sh`restore_value ${path} ${comparison(change.target)} ${change.after ?? ''} ${change.before ?? ''}`
}

/** Prints the values, for a digest. */
export function lookAll(changes: readonly KernelValueChange[]): Script {
  return sh`show_values ${changes.map(({ target }) => pathOf(target))}`
}

/** Prints the value. */
export function look({ target }: KernelValueChange): Script {
  return sh`show_value ${pathOf(target)}`
}

/** Reads what `look` printed. Throws LookError. */
export function parse({ target }: KernelValueChange, text: string): Looked<string> {
  if (/^absent\n?$/.test(text)) return { state: null }
  const value = /^value (.*?)\n?$/s.exec(text)?.[1]
  if (value !== undefined) return { state: value }
  const refused = unreadable(text)
  if (!refused) throw notALook(target, text)
  return refused
}

/** One line for the diff. */
export function describe(change: KernelValueChange): string {
  return `~ ${change.target}: ${change.before ?? 'absent'} → ${change.after ?? 'absent'}`
}

/** One line for all that go with their module, or come with it: hash size and max first. */
export function describeTogether(changes: readonly KernelValueChange[]): string {
  const going = changes.some(({ after }) => after === null)
  const listed = going ? changes.toReversed() : changes
  const values = listed.map(({ target, before, after }) => `${shortName(target)} ${before ?? after}`).join(', ')
  return `~ values of its table: ${going ? `${values} → absent` : `absent → ${values}`}`
}

const shortName = (target: string): string => target.replace(/^.*(conntrack_|\/)/, '')
