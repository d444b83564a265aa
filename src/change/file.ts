/** Files: compared and written whole; beside, synced, renamed over, with mode, owner and label kept. */
import { createTwoFilesPatch } from 'diff'
import type { FileState } from '../facts/facts.ts'
import { type Script, sh } from '../lang/sh.ts'
import type { FileChange } from './change.ts'

/** Exits as stale unless the file is still what the plan was made on. */
export function expect(change: FileChange): Script {
  return change.before === null
    ? sh`expect_absent ${change.target}`
    : sh`expect_file ${change.target} ${change.before.content}`
}

/** Writes or removes the file. */
export function render(change: FileChange): Script {
  return change.after === null
    ? sh`remove_file ${change.target}`
    : sh`put_file ${change.target} ${change.after.mode} ${change.after.owner} ${change.after.content}`
}

/** Takes a written file back, but only where it is still ours: somebody else's later edit is never overwritten. */
export function renderUndo(change: FileChange): Script {
  const ours = change.after
  if (ours === null) return sh`:`
  return change.before === null
    ? sh`drop_ours ${change.target} ${ours.content}`
    : sh`restore_ours ${change.target} ${ours.content} ${change.before.mode} ${change.before.owner} ${change.before.content}`
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
