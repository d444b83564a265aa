/** The rules that go leave the files that boot loads, too; where they stand elsewhere somebody has to know. */
import type { Facts } from '../../facts/facts.ts'
import { contentOf, fileChanges, type Kept, type WantedFile } from '../notrack/edits.ts'
import type { Blocker } from '../strategy.ts'
import type { Name } from './names.ts'
import { saysRule, withoutSaved, withoutWritten } from './saved.ts'

/** Files that this strategy edits: those of netfilter-persistent, iptables-services and nftables.service. */
const EDITED: readonly { readonly path: string; readonly edit: (text: string, names: readonly Name[]) => string }[] = [
  ...(['/etc/iptables/rules.v4', '/etc/sysconfig/iptables'] as const).map(path => ({
    path,
    edit: (text: string, names: readonly Name[]): string => withoutSaved(text, 4, names),
  })),
  ...(['/etc/iptables/rules.v6', '/etc/sysconfig/ip6tables'] as const).map(path => ({
    path,
    edit: (text: string, names: readonly Name[]): string => withoutSaved(text, 6, names),
  })),
  { path: '/etc/nftables.conf', edit: withoutWritten },
  { path: '/etc/sysconfig/nftables.conf', edit: withoutWritten },
]

/** The changes of files, and a blocker for each line that would bring one of these rules back. */
export function keepOut(facts: Facts, names: readonly Name[]): Kept {
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
  return { changes, blockers: [...blockers, ...readOnly, ...elsewhere(facts, names)] }
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
