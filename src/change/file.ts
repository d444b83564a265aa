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

/** Writes the new content beside the file, in a directory that is made where the file has one for itself. */
export function stage({ target, after }: FileChange): Script {
  if (after === null) return sh`:`
  return within(target, after, sh`stage_file ${target} ${after.mode} ${after.owner} ${after.content}`)
}

function within(target: string, state: FileState, write: Script): Script {
  return state.ownDirectory ? sh`own_directory ${target} && ${write}` : write
}

function withoutDirectory(target: string, state: FileState, remove: Script): Script {
  return state.ownDirectory ? sh`${remove} && leave_directory ${target}` : remove
}

/** Puts what was staged in place, or removes the file: one rename or one unlink. */
export function place({ target, after }: FileChange): Script {
  return after === null ? sh`rm -f ${target}` : sh`place_file ${target}`
}

/** Brings the name to disk; a directory that a file had for itself goes after it. */
export function settle({ target, before, after }: FileChange): Script {
  const settled = sh`settle_file ${target}`
  return after === null && before !== null ? withoutDirectory(target, before, settled) : settled
}

/** Files of which one that does not load leaves a host without its firewall at the next boot. */
const READ_BY_NFT = ['/etc/nftables.conf', '/etc/sysconfig/nftables.conf', '/etc/nftables-ctfix.nft']

/** Has the tool that reads such files at boot try them, once for all; nothing where there are none. */
export function prove(changes: readonly FileChange[]): Script[] {
  return changes.some(({ target }) => READ_BY_NFT.includes(target)) ? [sh`nft_would_load`] : []
}

const REFUSING = /^install \S+ \/bin\/false$/

/**
 * True for a file of modprobe that loses lines by which modules are refused, and nothing else. Whatever loads modules needs
 * them gone first, and a host that loses its power right after that comes up with less refused, and with nothing broken.
 */
export function liftsRefusal({ target, before, after }: FileChange): boolean {
  if (!/^\/etc\/modprobe\.(conf$|d\/)/.test(target) || before === null) return false
  const there = before.content.split('\n')
  const left = after?.content.split('\n') ?? []
  const lost = there.filter(line => !left.includes(line))
  const isLifted = (line: string): boolean => REFUSING.test(line) || /^(blacklist \S+|#.*|)$/.test(line)
  return lost.some(line => REFUSING.test(line)) && lost.every(isLifted) && left.every(line => there.includes(line))
}

/** Steps that lift it ahead of all other files, one command each; none for any other file. */
export function lift(change: FileChange): Script[] {
  return liftsRefusal(change) ? [stage(change), place(change), settle(change)] : []
}

/** Takes a written file back, but only where it is still ours: somebody else's later edit is never overwritten. */
export function renderUndo({ target, before, after }: FileChange): Script {
  if (after === null) {
    if (before === null) return sh`:`
    return within(target, before, sh`restore_gone ${target} ${before.mode} ${before.owner} ${before.content}`)
  }
  return before === null
    ? withoutDirectory(target, after, sh`drop_ours ${target} ${after.content}`)
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
export function parse({ target, before }: FileChange, text: string): Looked<FileState> {
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
  // No look tells whose the directory is.
  const own = before?.ownDirectory ? { ownDirectory: true as const } : {}
  return { state: { content, mode: octal(bits), owner, label: label === '-' ? null : label, ...own } }
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
