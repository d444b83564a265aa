/** What is said of a saved plan before its plans. */
import { plain } from '../lang/text.ts'
import type { SavedNote } from './document.ts'

/** Who made it and when, whether it can still be applied, and in which batches that goes. */
export function savedText(
  id: string,
  { state, madeAt, expiresAt, who, used }: SavedNote,
  rollout: readonly string[],
): string {
  const use = used ? `used at ${used.at} by ${used.who}, in run ${used.run}: it cannot be applied again` : ''
  const words: Record<SavedNote['state'], string> = {
    ready: `to be applied until ${expiresAt}`,
    expired: `expired at ${expiresAt}: it cannot be applied any more`,
    used: use,
    edited: 'EDITED since it was written: this is not what was planned, and it cannot be applied',
  }
  return plain([`plan ${id}`, `made at ${madeAt} by ${who}`, words[state], ...rollout, '', ''].join('\n'))
}
