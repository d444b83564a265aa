/** Kernel modules: how they are checked, loaded, taken out and shown. */
import { type Script, sh } from '../lang/sh.ts'
import type { ModuleChange } from './change.ts'
import { type Looked, notALook } from './look.ts'

/** Exits as stale unless the module is still loaded, or still is not. */
export function expect({ before, target }: ModuleChange): Script {
  return before === null ? sh`expect_no_module ${target}` : sh`expect_module ${target}`
}

/** Loads it, or takes it out where nothing uses it. One that the kernel does not let go counts as gone with the next boot. */
export function render({ after, target }: ModuleChange): Script {
  return after === null ? sh`unload_module ${target}` : sh`load_module ${target}`
}

/** The other way round; parameters that were set since it was loaded are lost with it. */
export function renderUndo({ before, target }: ModuleChange): Script {
  return before === null ? sh`unload_module ${target}` : sh`load_module ${target}`
}

/** Prints whether it is loaded. */
export function look({ target }: ModuleChange): Script {
  return sh`show_module ${target}`
}

/** Reads what `look` printed. One that is on its way out is neither there nor gone. Throws LookError. */
export function parse({ target }: ModuleChange, text: string): Looked<'loaded'> {
  const said = text.replace(/\n$/, '')
  if (said === 'unloading') return { refused: 'it is still being taken out, which may last until the next boot' }
  if (said !== 'loaded' && said !== 'absent') throw notALook(target, text)
  return { state: said === 'loaded' ? said : null }
}

/** One line for the diff. */
export function describe({ before, after, target }: ModuleChange): string {
  return `~ module ${target}: ${before ?? 'absent'} → ${after ?? 'absent'}`
}
