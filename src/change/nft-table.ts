/** The table of nft that only we write, live and whole: how it is checked, loaded, taken back and shown. */
import { createTwoFilesPatch } from 'diff'
import type { NftTableState } from '../firewall/own.ts'
import { type Script, sh } from '../lang/sh.ts'
import type { NftTableChange } from './change.ts'
import { type Looked, notALook, unreadable } from './look.ts'

/** Exits as stale unless the table holds what it held, or still is not there. */
export function expect({ before }: NftTableChange): Script {
  return before === null ? sh`expect_no_nft_table` : sh`expect_nft_table ${before.text}`
}

/** Replaces the table in one transaction, or removes it. */
export function render({ after }: NftTableChange): Script {
  return put(after)
}

/** The other way round. The name says whose the table is, so it goes whatever is in it by now. */
export function renderUndo({ before }: NftTableChange): Script {
  return put(before)
}

function put(state: NftTableState | null): Script {
  return state === null ? sh`drop_nft_table` : sh`put_nft_table ${state.text}`
}

/** Prints whether it is there, and all of it. */
export function look(_change: NftTableChange): Script {
  return sh`show_nft_table`
}

/** Reads what `look` printed. Throws LookError. */
export function parse({ target }: NftTableChange, said: string): Looked<NftTableState> {
  if (/^absent\n?$/.test(said)) return { state: null }
  const text = /^present\n(table [\s\S]*\})\s*$/.exec(said)?.[1]
  if (text !== undefined) return { state: { text, json: null } }
  const refused = unreadable(said)
  if (!refused) throw notALook(target, said)
  return refused
}

/** A unified diff, as of a file. */
export function describe({ before, after, target }: NftTableChange): string {
  const name = (state: NftTableState | null): string => (state === null ? '/dev/null' : target)
  const lines = (state: NftTableState | null): string => (state === null ? '' : `${state.text.trimEnd()}\n`)
  const patch = createTwoFilesPatch(name(before), name(after), lines(before), lines(after), undefined, undefined, {
    context: 3,
  })
  // What comes before is for tools that read many patches.
  return patch.slice(patch.indexOf('--- ')).trimEnd()
}
