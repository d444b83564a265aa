/** Files: compared and written whole; beside, synced, renamed over, with mode, owner and label kept. */
import { createTwoFilesPatch } from 'diff'
import type { FileState } from '../facts/facts.ts'
import { octal } from '../facts/look.ts'
import { type Script, sh } from '../lang/sh.ts'
import type { FileChange } from './change.ts'
import { type Looked, notALook, unreadable } from './look.ts'

/** Exits as stale unless the file is still what the plan was made on. */
export function expect(change: FileChange): Script {
  return change.before === null
    ? sh`expect_absent ${change.target}`
    : sh`expect_file ${change.target} ${change.before.content}`
}

/** The same, for files that may be written a second time: as before, or as they will be. */
export function expectEither(change: FileChange): Script {
  const done =
    change.after === null ? sh`[ ! -e ${change.target} ]` : sh`content_is ${change.target} ${change.after.content}`
  return sh`${done} || ${expect(change)}`
}

/** Writes the new content beside the file. */
export function stage({ target, after }: FileChange): Script {
  return after === null ? sh`:` : sh`stage_file ${target} ${after.mode} ${after.owner} ${after.content}`
}

/** Puts what was staged in place, or removes the file: one rename or one unlink. */
export function place({ target, after }: FileChange): Script {
  return after === null ? sh`rm -f ${target}` : sh`place_file ${target}`
}

/** Brings the name to disk. */
export function settle({ target }: FileChange): Script {
  return sh`settle_file ${target}`
}

/** Takes a written file back, but only where it is still ours: somebody else's later edit is never overwritten. */
export function renderUndo({ target, before, after }: FileChange): Script {
  if (after === null) {
    return before === null ? sh`:` : sh`restore_gone ${target} ${before.mode} ${before.owner} ${before.content}`
  }
  return before === null
    ? sh`drop_ours ${target} ${after.content}`
    : sh`restore_ours ${target} ${after.content} ${before.mode} ${before.owner} ${before.content}`
}

/** For the copy that is made before anything changes. */
export function copy({ target }: FileChange): Script {
  return sh`keep_copy ${target}`
}

/** Prints the file: mode, owner and label in the first line, its bytes behind it. */
export function look({ target }: FileChange): Script {
  return sh`show_file ${target}`
}

/** Reads what `look` printed. What is no regular file, or no text, is refused. Throws LookError. */
export function parse({ target }: FileChange, text: string): Looked<FileState> {
  if (/^absent\n?$/.test(text)) return { state: null }
  if (/^other\n?$/.test(text)) return { refused: 'it is no regular file' }
  const found = /^file -([-rwxsStT]{9}) (\d+:\d+) (\S+)\n(.*)$/s.exec(text)
  if (!found) {
    const refused = unreadable(text)
    if (!refused) throw notALook(target, text)
    return refused
  }
  const [, bits = '', owner = '', label = '-', content = ''] = found
  // U+FFFD is what a decoder puts in the place of bytes that are no UTF-8; they could not be written back.
  if (/[\0\ufffd]/.test(content)) return { refused: 'it is not text' }
  return { state: { content, mode: octal(bits), owner, label: label === '-' ? null : label } }
}

/** A unified diff; a file that is new or goes is diffed against /dev/null, as git shows it. */
export function describe(change: FileChange): string {
  const name = (state: FileState | null): string => (state === null ? '/dev/null' : change.target)
  const patch = createTwoFilesPatch(
    name(change.before),
    name(change.after),
    change.before?.content ?? '',
    change.after?.content ?? '',
    undefined,
    undefined,
    { context: 3 },
  )
  // What comes before is for tools that read many patches.
  return patch.slice(patch.indexOf('--- ')).trimEnd()
}
