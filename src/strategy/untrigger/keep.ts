/** The rules that go leave the files that boot loads, too; where they stand elsewhere somebody has to know. */
import type { Facts } from '../../facts/facts.ts'
import type { Family } from '../../firewall/address.ts'
import type { Trigger } from '../../firewall/triggers.ts'
import { contentOf, fileChanges, type Kept, type WantedFile } from '../edits.ts'
import type { Blocker } from '../strategy.ts'
import type { Name } from './names.ts'
import { type Line, leftInSave, leftInWritten, saysRule, withoutSaved, withoutWritten } from './saved.ts'

type Names = readonly Name[]
type Left = readonly Trigger[]

interface Edited {
  readonly path: string
  readonly edit: (text: string, names: Names) => string
  /** What of the same kind is still in it, and is no rule that stays. */
  readonly rest: (text: string, names: Names, left: Left) => Line[]
}

const save = (path: string, family: Family): Edited => ({
  path,
  edit: (text, names) => withoutSaved(text, family, names),
  rest: (text, names, left) => leftInSave(text, family, names, left),
})

/** Files that this strategy edits: those of netfilter-persistent, iptables-services and nftables.service. */
const EDITED: readonly Edited[] = [
  save('/etc/iptables/rules.v4', 4),
  save('/etc/sysconfig/iptables', 4),
  save('/etc/iptables/rules.v6', 6),
  save('/etc/sysconfig/ip6tables', 6),
  { path: '/etc/nftables.conf', edit: withoutWritten, rest: leftInWritten },
  { path: '/etc/sysconfig/nftables.conf', edit: withoutWritten, rest: leftInWritten },
]

/**
 * The changes of files, and a blocker for each line that would bring one of these rules back. `left`: what is live and
 * stays, and may be in a file as well.
 */
export function keepOut(facts: Facts, names: Names, left: Left): Kept {
  const wanted = EDITED.flatMap(({ path, edit }): WantedFile[] => {
    const before = contentOf(facts, path)
    if (before === null) return []
    const content = edit(before, names)
    return content === before ? [] : [{ path, content, why: 'boot would bring the rule back' }]
  })
  const { changes, blockers } = fileChanges(facts, wanted)
  const readOnly: Blocker[] =
    changes.length > 0 && !facts.writable.etc
      ? [{ code: 'etc-read-only', message: '/etc is read-only, and boot would bring the rules back', forceable: false }]
      : []
  return { changes, blockers: [...blockers, ...readOnly, ...inEdited(facts, names, left), ...elsewhere(facts, names)] }
}

/** People write a rule in more ways than are known here: a line that is not known to be another one may be it. */
function inEdited(facts: Facts, names: Names, left: Left): Blocker[] {
  return EDITED.flatMap(({ path, edit, rest }) => {
    const before = contentOf(facts, path)
    if (before === null) return []
    const after = edit(before, names)
    const places = placesIn(before, after)
    return rest(after, names, left).map(({ line, text }) => ({
      code: 'saved-elsewhere',
      message: `${path}:${places[line - 1] ?? line} says "${text}", which is no rule that stays, and may bring one back: remove it there`,
      forceable: true,
    }))
  })
}

/** For each line of the file as it will be its number in the file as it is, which is the one people look at. */
function placesIn(before: string, after: string): number[] {
  const lines = after.split('\n')
  const places: number[] = []
  for (const [at, line] of before.split('\n').entries()) if (lines[places.length] === line) places.push(at + 1)
  return places
}

function elsewhere(facts: Facts, names: readonly Name[]): Blocker[] {
  const edited = EDITED.map(({ path }) => path).filter(path => contentOf(facts, path) !== null)
  const saved = (facts.tracking?.savedRules ?? []).filter(({ file }) => !edited.includes(file))
  return names.flatMap(name =>
    saved
      .filter(({ text }) => saysRule(text, name))
      .map(({ file, line, text }) => ({
        code: 'saved-elsewhere',
        message: `${file}:${line} says "${text}", and brings ${name.text} back: remove it there`,
        forceable: true,
      })),
  )
}
