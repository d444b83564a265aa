/** What boot starts: how it is checked, entered, taken out and shown. */
import { type Script, sh } from '../lang/sh.ts'
import type { BootServiceChange } from './change.ts'
import { type Looked, notALook } from './look.ts'

/** Exits as stale unless boot does with it what it did. */
export function expect({ before, target }: BootServiceChange): Script {
  return sh`expect_boot_service ${target} ${before ?? ''}`
}

/** The same, for what may be done a second time: as before, or as it will be. */
export function expectEither(change: BootServiceChange): Script {
  return sh`boot_service_is ${change.target} ${change.after ?? ''} || ${expect(change)}`
}

/** Enters it where it is to be started, and nowhere else. */
export function render({ after, target }: BootServiceChange): Script {
  return sh`put_boot_service ${target} ${after ?? ''}`
}

/** Back to what it was, but only from ours: what somebody else made of it is never overwritten. */
export function renderUndo({ before, after, target }: BootServiceChange): Script {
  return sh`restore_boot_service ${target} ${after ?? ''} ${before ?? ''}`
}

/** Prints where boot starts it. */
export function look({ target }: BootServiceChange): Script {
  return sh`show_boot_service ${target}`
}

/** Reads what `look` printed. Throws LookError. */
export function parse({ target }: BootServiceChange, text: string): Looked<string> {
  if (/^off\n?$/.test(text)) return { state: null }
  const state = /^on ([A-Za-z0-9_-]+(?: [A-Za-z0-9_-]+)*)\n?$/.exec(text)?.[1]
  if (state === undefined) throw notALook(target, text)
  return { state }
}

/** One line for the diff. */
export function describe({ before, after, target }: BootServiceChange): string {
  return `~ service ${target} at boot: ${before ?? 'not started'} → ${after ?? 'not started'}`
}
