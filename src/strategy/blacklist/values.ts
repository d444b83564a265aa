/** What the table was set to: it goes with its module, and must come back with it, or the way back is a smaller table. */
import type { KernelValueChange, ModuleChange } from '../../change/change.ts'
import type { Facts } from '../../facts/facts.ts'
import { hashsizePath, maxSysctl } from '../names.ts'

/**
 * Values that go with these modules. They stand before services, which may load the module anew when they start, and behind
 * rules, so that the table is as it was before any rule fills it: backwards it is the other way round. So is a larger hash
 * table, which comes back before max.
 */
export function valueChanges({ family, tracking }: Facts, modules: readonly ModuleChange[]): KernelValueChange[] {
  if (family === null || !modules.some(({ target }) => target === family)) return []
  const last = [maxSysctl(family), hashsizePath(family)]
  const why = `goes with ${family}; the way back sets it to this again, whatever the kernel would choose`
  return Object.entries(tracking?.values ?? {})
    .toSorted(([a], [b]) => last.indexOf(a) - last.indexOf(b) || (a < b ? -1 : 1))
    .map(([target, before]) => ({ kind: 'kernel-value', layer: 'runtime', target, before, after: null, why }))
}
