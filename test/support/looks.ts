/** What a look says of a target, without the change it is about. */
import type { Change } from '../../src/change/change.ts'
import { asFound } from '../../src/change/kinds.ts'
import type { Looked } from '../../src/change/look.ts'

/** Reads what `lookScript` printed. Throws LookError for a text that it never prints. */
export function parseLook(change: Change, text: string): Looked<NonNullable<Change['before']>> {
  const found = asFound(change, text)
  return 'refused' in found ? found : { state: found.before }
}
