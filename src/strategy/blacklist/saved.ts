/** What boot loads: rules there that need tracking, who loads them, and the same files without states. */
import type { Facts, Setting } from '../../facts/facts.ts'
import { linesOf } from '../../firewall/iptables-save.ts'
import { triggerKind } from '../../firewall/triggers-iptables.ts'
import { joinWords, splitWords } from '../../firewall/words.ts'
import type { WantedFile } from '../edits.ts'
import { SAVES } from '../saved-files.ts'
import { convertRules, type Declared, edited } from './convert.ts'
import { rulesIn } from './parts.ts'

/** Lines that need tracking, with their place. A save that was read whole is looked at as it is: a plan may have changed it. */
export function savedNeeds({ files, tracking }: Facts): Setting[] {
  const whole = files.flatMap(({ path, state }) => (path in SAVES && state ? [{ path, text: state.content }] : []))
  const lines = [...(tracking?.savedRules ?? []), ...(tracking?.savedUntracking ?? [])]
  const others = lines.filter(({ file }) => !whole.some(({ path }) => path === file))
  return [...whole.flatMap(({ path, text }) => needsOf(path, text)), ...others]
}

function needsOf(file: string, text: string): Setting[] {
  let nat = false
  return linesOf(text).flatMap((line, at): Setting[] => {
    if (line.startsWith('*')) nat = line.slice(1).trim() === 'nat'
    const words = /^(?:\[\d+:\d+\] )?-A \S+ ?(.*)$/s.exec(line)?.[1]
    const needs = words === undefined ? nat && line.startsWith('*') : nat || asks(splitWords(words))
    return needs ? [{ file, line: at + 1, text: line.trim() }] : []
  })
}

/** Also what takes packets out of tracking: its extension does not load without the rest. */
export const asks = (words: readonly string[]): boolean =>
  triggerKind(words) !== null || words.includes('NOTRACK') || words.includes('--notrack')

export interface SavedConversion {
  readonly files: readonly WantedFile[]
  /** `FILE:LINE "…": why not`. */
  readonly refused: readonly string[]
}

/** The saves without states; every other line stays as it is. */
export function convertSaved({ files }: Facts, declared: Declared): SavedConversion {
  const parts = files.flatMap(({ path, state }): SavedConversion[] => {
    const family = SAVES[path]
    if (!family || !state) return []
    const found = convertRules(state.content, family, declared)
    const refused = found.flatMap(({ rule, outcome }) =>
      outcome.is === 'refused'
        ? [`${path}:${rule.at + 1} "-A ${rule.chain} ${joinWords(rule.words)}": ${outcome.because}`]
        : [],
    )
    const content = withoutEmptyNat(edited(state.content, found))
    if (content === state.content) return [{ files: [], refused }]
    const count = found.filter(({ outcome }) => outcome.is === 'instead').length
    const why = `boot loads it: ${count} of its rules ask for states, and would keep all of them from being loaded`
    return [{ files: [{ path, content, why }], refused }]
  })
  return { files: parts.flatMap(part => part.files), refused: parts.flatMap(part => part.refused) }
}

/** A table nat that holds nothing still asks for the module, and without it the whole file is refused. */
function withoutEmptyNat(text: string): string {
  const lines = linesOf(text)
  const start = lines.findIndex(line => line.startsWith('*') && line.slice(1).trim() === 'nat')
  const end = lines.findIndex((line, at) => at > start && line.startsWith('COMMIT'))
  const empty = start !== -1 && end !== -1 && !rulesIn(text).some(({ table }) => table === 'nat')
  const plain = lines.slice(start + 1, end).every(line => /^:\S+ (ACCEPT|-)/.test(line) || line.startsWith('#'))
  return empty && plain ? lines.toSpliced(start, end - start + 1).join('\n') : text
}
