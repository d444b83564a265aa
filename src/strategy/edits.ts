/** Changes of files: only where the probe saw the file, and only what differs. */
import type { FileChange } from '../change/change.ts'
import type { Facts, FileState } from '../facts/facts.ts'
import type { Blocker } from './strategy.ts'

export interface Kept {
  readonly changes: readonly FileChange[]
  readonly blockers: readonly Blocker[]
}

/** What a file is to be; content null: it goes, if it is ours. */
export interface WantedFile {
  readonly path: string
  readonly content: string | null
  /** For a new file; one that is there keeps its own, unless `forceMode`. */
  readonly mode?: string
  readonly forceMode?: true
  readonly ownDirectory?: true
  /** The directory that says whether its own is there; left out: its own. */
  readonly beside?: string
  readonly why: string
}

/** The changes that bring these files about. */
export function fileChanges(facts: Facts, wanted: readonly WantedFile[]): Kept {
  return joined(wanted.map(file => fileChange(facts, file)))
}

export const NOTHING: Kept = { changes: [], blockers: [] }

/** All of them, in their order. */
export function joined(parts: readonly Kept[]): Kept {
  return { changes: parts.flatMap(({ changes }) => changes), blockers: parts.flatMap(({ blockers }) => blockers) }
}

/** Content of a file the probe read; null when it is not there. */
export function contentOf(facts: Facts, path: string): string | null {
  return facts.files.find(file => file.path === path)?.state?.content ?? null
}

function fileChange(facts: Facts, wanted: WantedFile): Kept {
  const { path, content, why } = wanted
  const fact = facts.files.find(file => file.path === path)
  if (fact?.state == null && content === null && !fact?.refused) return NOTHING
  if (!fact || fact.refused !== null) {
    return refused(`cannot write ${path}: ${fact?.refused ?? 'the probe did not look at it'}`)
  }
  const parent = wanted.beside ?? path.slice(0, path.lastIndexOf('/'))
  if (parent !== '/etc' && !wanted.ownDirectory && !facts.directories.includes(parent)) {
    return refused(`cannot write ${path}: there is no directory ${parent}, so boot may not read it`)
  }
  const before = fact.state
  const after = content === null ? null : stateOf(wanted, content, before)
  if (before?.content === after?.content && before?.mode === after?.mode) return NOTHING
  return { changes: [{ kind: 'file', layer: 'persistent', target: path, before, after, why }], blockers: [] }
}

function stateOf(
  { mode = '0644', forceMode, ownDirectory }: WantedFile,
  content: string,
  before: FileState | null,
): FileState {
  return {
    content,
    mode: forceMode ? mode : (before?.mode ?? mode),
    owner: before?.owner ?? '0:0',
    label: before?.label ?? null,
    ...(ownDirectory ? { ownDirectory: true } : {}),
  }
}

function refused(message: string): Kept {
  return { changes: [], blockers: [{ code: 'file-refused', message, forceable: false }] }
}
