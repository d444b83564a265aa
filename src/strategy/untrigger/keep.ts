/** The rules that go leave the files that boot loads, too; where they stand elsewhere somebody has to know. */
import type { Facts, Setting } from '../../facts/facts.ts'
import { isLooselySame } from '../../firewall/loose.ts'
import type { Trigger } from '../../firewall/triggers.ts'
import { contentOf, fileChanges, type Kept, type WantedFile } from '../edits.ts'
import type { Blocker } from '../strategy.ts'
import type { Choice } from './choose.ts'
import { bringsBack } from './elsewhere.ts'
import { RULE_FILES } from './filed.ts'
import type { Name } from './names.ts'
import { ownerOfChain } from './owners.ts'
import { kindsOf, type Line, leftInSave, leftInWritten, type Stays, staysOf } from './rest.ts'
import { saysRule, withoutSaved, withoutWritten } from './saved.ts'
import { isOff, unknownBlockers, unreadBlockers } from './unknown.ts'

type Names = readonly Name[]

/** The changes of files, and a blocker for each line that would bring one of these rules back. */
export function keepOut(facts: Facts, names: Names, choice: Choice): Kept {
  const left = choice.left.map(({ trigger }) => trigger)
  const shared = names.filter(name => left.some(trigger => isSaidByBoth(name, trigger)))
  const going = names.filter(name => !shared.includes(name))
  const wanted = filesOf(facts).flatMap(({ path, content }): WantedFile[] => {
    const after = without(path, content, going)
    return after === content ? [] : [{ path, content: after, why: 'boot would bring the rule back' }]
  })
  const { changes, blockers } = fileChanges(facts, wanted)
  const readOnly: Blocker[] =
    changes.length > 0 && !facts.writable.etc
      ? [{ code: 'etc-read-only', message: '/etc is read-only, and boot would bring the rules back', forceable: false }]
      : []
  const stays = staysOf(left, facts.ruleset)
  return {
    changes,
    blockers: [
      ...blockers,
      ...readOnly,
      ...inEdited(facts, names, going, stays),
      ...inShared(facts, shared),
      ...inOthers(facts, names, choice, stays),
      ...unreadBlockers(facts, names),
      ...unknownBlockers(facts, choice),
    ],
  }
}

/** The files of rules that are edited here, as they are. */
export function filesOf(facts: Facts): { readonly path: string; readonly content: string }[] {
  return Object.keys(RULE_FILES).flatMap(path => {
    const content = contentOf(facts, path)
    return content === null ? [] : [{ path, content }]
  })
}

/** One of them without these rules. */
export function without(path: string, content: string, names: Names): string {
  const family = RULE_FILES[path] ?? null
  return family === null ? withoutWritten(content, names) : withoutSaved(content, family, names)
}

const elsewhere = (message: string): Blocker => ({ code: 'saved-elsewhere', message, forceable: true })

/** An equal rule of the other backend stays, and the line of a file may be that one. */
function isSaidByBoth({ key, of }: Name, { rule }: Trigger): boolean {
  if (of.by !== 'iptables' || !rule || !('spec' in rule) || key.startsWith(`${rule.backend} `)) return false
  const isThere = rule.family === of.family && rule.table === of.table && rule.chain === of.chain
  return isThere && isLooselySame(rule.spec, of.spec, of.family)
}

/** Where the backend of the rule that goes is the one that loads files here, the line is more likely that of the rule. */
function inShared(facts: Facts, shared: Names): Blocker[] {
  return shared.flatMap(name => {
    if (!name.key.startsWith(`${facts.firewall.backend} `)) return []
    return filesOf(facts).flatMap(({ path, content }) =>
      without(path, content, [name]) === content
        ? []
        : [
            elsewhere(
              `${path} says ${name.text}, and may say it for an equal rule of the other backend, which stays: see to it there`,
            ),
          ],
    )
  })
}

/** People write a rule in more ways than are known here: a line that is not known to be another one may be it. */
function inEdited(facts: Facts, names: Names, going: Names, stays: Stays): Blocker[] {
  const kinds = kindsOf(names)
  return filesOf(facts).flatMap(({ path, content }) => {
    const family = RULE_FILES[path] ?? null
    // A file of the other kind counts unless it is known that nothing loads it.
    if (isOff(facts, path) && !names.some(({ of }) => (of.by === 'nft') === (family === null))) return []
    const after = without(path, content, going)
    const places = placesIn(content, after)
    const rest: Line[] = family === null ? leftInWritten(after, kinds, stays) : leftInSave(after, family, kinds, stays)
    return rest.map(({ line, text }) =>
      elsewhere(
        `${path}:${places[line - 1] ?? line} says "${text}", which is no rule that stays, and may bring one back: remove it there`,
      ),
    )
  })
}

/** For each line of the file as it will be its number in the file as it is, which is the one people look at. */
export function placesIn(before: string, after: string): number[] {
  const lines = after.split('\n')
  const places: number[] = []
  for (const [at, line] of before.split('\n').entries()) if (lines[places.length] === line) places.push(at + 1)
  return places
}

/** Lines of files that are not edited here, whatever their language. */
function inOthers(facts: Facts, names: Names, choice: Choice, stays: Stays): Blocker[] {
  const kinds = kindsOf(names)
  const isOwned = ownedBy(choice)
  return savedOutside(facts).flatMap(setting => {
    const { file, line, text } = setting
    const says = `${file}:${line} says "${text}"`
    const name = names.find(one => saysRule(text, one))
    if (name) return [elsewhere(`${says}, and brings ${name.text} back: remove it there`)]
    return bringsBack(setting, kinds, stays, isOwned)
      ? [elsewhere(`${says}, which is no rule that stays, and may bring one back: remove it there`)]
      : []
  })
}

/** Lines that need tracking, of files that are not edited here. */
export function savedOutside(facts: Facts): readonly Setting[] {
  return (facts.tracking?.savedRules ?? []).filter(
    ({ file }) => !(file in RULE_FILES && contentOf(facts, file) !== null),
  )
}

/** Whether chains of that name are made by a program that has rules here, which stay. */
export function ownedBy({ left }: Choice): (chain: string) => boolean {
  const owners = new Set(left.map(({ owner }) => owner))
  return chain => {
    const owner = ownerOfChain(chain)
    return owner !== null && owners.has(owner)
  }
}
