/** Where nobody can say what boot loads: files that were not read, and rules of which no file was found. */
import type { Facts, Setting } from '../../facts/facts.ts'
import { linesOf } from '../../firewall/iptables-save.ts'
import { familyName } from '../../firewall/rule-state.ts'
import type { Trigger } from '../../firewall/triggers.ts'
import { contentOf } from '../edits.ts'
import { loadersOf, unreadText } from '../saved-files.ts'
import type { Blocker } from '../strategy.ts'
import type { Choice } from './choose.ts'
import { filedBeside, RULE_FILES } from './filed.ts'
import { type Name, readName } from './names.ts'
import { saysRule } from './saved.ts'
import { statementsOf } from './written.ts'
import { rulesOf } from './written-views.ts'

/** True for a file whose services are here, and none of them is started at boot. */
export function isOff({ tracking }: Facts, path: string): boolean {
  const loaders = (tracking?.services ?? []).filter(({ name }) => loadersOf(path).includes(name))
  return loaders.length > 0 && loaders.every(({ enabled }) => !enabled)
}

export function unreadBlockers({ tracking }: Facts, names: readonly Name[]): Blocker[] {
  if (names.length === 0) return []
  return (tracking?.savedUnread ?? []).map(file => ({
    code: 'saved-unread',
    message: `${unreadText(file)}, so nobody can say whether boot brings a rule back`,
    forceable: true,
  }))
}

/** What is live has come from somewhere: where no file of rules was found at all, it will most likely come again. */
export function unknownBlockers(facts: Facts, { taken }: Choice): Blocker[] {
  const homeless = taken.filter(({ trigger, owner }) => owner === null && !hasFile(facts, trigger))
  const orphans = inNoFile(
    facts,
    homeless.map(({ trigger }) => trigger),
  )
  const places = new Set(orphans.map(({ place }) => `${place.backend} ${place.family} ${place.table}`))
  return [...places].map(place => ({
    code: 'saved-unknown',
    message: `no file that boot loads was found to hold the live rules of ${place}: what brings them in may do so again`,
    forceable: true,
  }))
}

/** True where nobody has looked, too. What was read whole is looked into, all else goes by its name. */
function hasFile(facts: Facts, { place }: Trigger): boolean {
  const { savedSeen, savedRules = [] } = facts.tracking ?? {}
  if (savedSeen === undefined) return true
  const isWhole = (path: string): boolean => path in RULE_FILES && contentOf(facts, path) !== null
  const paths = [...savedSeen, ...savedRules.map(({ file }) => file)]
  return (
    Object.keys(RULE_FILES).some(path => !isOff(facts, path) && isHome(path, contentOf(facts, path), place)) ||
    paths.some(path => !isWhole(path) && !isOff(facts, path) && mayHold(path, place, savedRules))
  )
}

/** True for a file that makes the table of that rule. */
function isHome(path: string, content: string | null, { backend, family, table }: Trigger['place']): boolean {
  if (content === null) return false
  const of = RULE_FILES[path] ?? null
  if (of !== null) {
    const isTable = backend !== 'nft' && familyName(of) === family
    return isTable && linesOf(content).some(line => line.trim() === `*${table}`)
  }
  if (backend === 'iptables-legacy') return false
  const homes = rulesOf(statementsOf(content)).map(one => one.table)
  return homes.includes(`${family} ${table}`)
}

/** Rules that go from a table that boot loads from a file, and that no file says. */
export function unfiled(facts: Facts, { taken }: Choice): string[] {
  if (facts.tracking?.savedSeen === undefined) return []
  const mine = taken.filter(({ trigger, owner }) => owner === null && hasFile(facts, trigger))
  return inNoFile(
    facts,
    mine.map(({ trigger }) => trigger),
  ).map(({ name }) => `${name} is in no file that boot loads: what has brought it in may do so again`)
}

/** Those that stand in none of the files, whether or not boot loads them. */
function inNoFile(facts: Facts, triggers: readonly Trigger[]): Trigger[] {
  if (facts.ruleset === null || triggers.length === 0) return []
  const files = filedBeside(facts, facts.ruleset, triggers)
  const lines = facts.tracking?.savedRules ?? []
  const written = files.flatMap(({ path }) => (RULE_FILES[path] === null ? [path] : []))
  return triggers.filter(one => {
    const { place, name } = one
    // A file of nft says a rule of iptables in other words.
    const mayBe = place.backend === 'iptables-nft' && written.some(path => isHome(path, contentOf(facts, path), place))
    if (mayBe || files.some(({ twins }) => (twins.get(one) ?? []).length > 0)) return false
    const known = readName(name)
    return known === null || !lines.some(({ text }) => saysRule(text, known))
  })
}

/** By what names of files say: `rules.v6`, `ip6tables`; every line that begins a table nat is among those known. */
function mayHold(path: string, { backend, family, table }: Trigger['place'], lines: readonly Setting[]): boolean {
  if (path.includes('nft')) return backend !== 'iptables-legacy'
  // A script may say anything.
  if (!/(rules|tables)[^/]*$/.test(path)) return true
  const isWithout = table === 'nat' && !lines.some(({ file, text }) => file === path && NAT.test(text))
  if (isWithout) return false
  return (
    backend !== 'nft' && family === (path.slice(path.lastIndexOf('/')).includes('6') ? familyName(6) : familyName(4))
  )
}

const NAT = /^\*nat\b|(^|\s)(-t *|--table[ =])nat\b/
