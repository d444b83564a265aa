/** The exhaustive table: kind of change → how it is checked, done, undone and shown. A new kind does not compile until it is here. */
import type { Script } from '../lang/sh.ts'
import type { Change } from './change.ts'
import * as file from './file.ts'
import * as kernelValue from './kernel-value.ts'

/** sh that ends the script as stale when `before` no longer holds. */
export function expectScript(change: Change): Script {
  switch (change.kind) {
    case 'kernel-value':
      return kernelValue.expect(change)
    case 'file':
      return file.expect(change)
    default:
      return change satisfies never
  }
}

/** sh that brings `after` about. */
export function applyScript(change: Change): Script {
  switch (change.kind) {
    case 'kernel-value':
      return kernelValue.render(change)
    case 'file':
      return file.render(change)
    default:
      return change satisfies never
  }
}

/** sh that takes an applied change back. */
export function undoScript(change: Change): Script {
  switch (change.kind) {
    case 'kernel-value':
      return kernelValue.renderUndo(change)
    case 'file':
      return file.renderUndo(change)
    default:
      return change satisfies never
  }
}

/** Lines of a diff, without colour. */
export function describe(change: Change): string {
  switch (change.kind) {
    case 'kernel-value':
      return kernelValue.describe(change)
    case 'file':
      return file.describe(change)
    default:
      return change satisfies never
  }
}
