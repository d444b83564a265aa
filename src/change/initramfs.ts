/**
 * The image that boot unpacks first: how it is checked, made anew, put back and shown. All functions are told the run
 * directory, for there lies the copy of the old one, and a line on each image that we made.
 */
import { Script, sh } from '../lang/sh.ts'
import type { InitramfsChange } from './change.ts'
import { type Looked, notALook, unreadable } from './look.ts'

const REBUILT = 'rebuilt'
const BY_OTHERS = 'made anew by somebody else'

/** The words of the function it stands in: the run directory, or nothing where nobody changes anything. */
const run = Script.trusted('"$@"')

/** Exits as stale when the image is gone, or is no longer ours though it was. */
export function expect({ before, target }: InitramfsChange): Script {
  return sh`expect_image ${target} ${before === REBUILT ? 'ours' : 'any'} ${run}`
}

/** The same, for what may be done a second time: as before, or as it will be. */
export function expectEither(change: InitramfsChange): Script {
  return sh`image_is_done ${change.target} ${run} || ${expect(change)}`
}

/** Fails before anything is touched where there is no room for another image, or nothing that makes one. */
export function prepare({ target }: InitramfsChange): Script {
  return sh`room_for_image ${target} ${run}`
}

/** For the copy that is made before anything changes. */
export function copy({ target }: InitramfsChange): Script {
  return sh`keep_copy ${target}`
}

/** Makes it anew; on the way back puts the copy of the run in place that made it, where that is still to be had. */
export function render({ after, target }: InitramfsChange): Script {
  return after === REBUILT ? sh`rebuild_image ${target} ${run}` : sh`return_image ${target} ${run}`
}

/** The copy comes back byte for byte, unless somebody made another image since. */
export function renderUndo({ target }: InitramfsChange): Script {
  return sh`restore_image ${target} ${run}`
}

/** Prints its digest and size, and whether it is one that we made. */
export function look({ target }: InitramfsChange): Script {
  return sh`show_image ${target} ${run}`
}

/** Reads what `look` printed: what it holds nobody lists a second time. Throws LookError. */
export function parse({ before, after, target }: InitramfsChange, text: string): Looked<string> {
  if (/^absent\n?$/.test(text)) return { state: null }
  const found = /^image [0-9a-f]+ \d+(?: (rebuilt|anew))?\n?$/.exec(text)
  if (!found) {
    const refused = unreadable(text)
    if (!refused) throw notALook(target, text)
    return refused
  }
  if (found[1] === 'rebuilt') return { state: REBUILT }
  if (found[1] === 'anew') return { state: BY_OTHERS }
  return { state: before === REBUILT ? after : before }
}

/** One line for the diff. */
export function describe({ before, after, target }: InitramfsChange): string {
  return `~ ${target}: ${before ?? 'absent'} → ${after ?? 'absent'}`
}
