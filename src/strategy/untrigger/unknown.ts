/** Where nobody can say what boot loads: files that were not read, and rules of which no file was found. */
import type { Facts } from '../../facts/facts.ts'
import { familyName } from '../../firewall/rule-state.ts'
import type { Trigger } from '../../firewall/triggers.ts'
import { loadersOf } from '../blacklist/saved.ts'
import { contentOf } from '../edits.ts'
import type { Blocker } from '../strategy.ts'
import type { Choice } from './choose.ts'
import { RULE_FILES } from './filed.ts'
import type { Name } from './names.ts'

/** True for a file whose services are here, and none of them is started at boot. */
export function isOff({ tracking }: Facts, path: string): boolean {
  const loaders = (tracking?.services ?? []).filter(({ name }) => loadersOf(path).includes(name))
  return loaders.length > 0 && loaders.every(({ enabled }) => !enabled)
}

/** `more`: the probe looks at so many lines and no further. */
export function unreadText(file: string): string {
  return file === 'more'
    ? 'there are more saved rules than are looked at'
    : `${file} could not be read, or followed to what it names`
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
  const orphans = taken.filter(({ trigger, owner }) => owner === null && !hasFile(facts, trigger))
  const places = new Set(orphans.map(({ trigger: { place } }) => `${place.backend} ${place.family} ${place.table}`))
  return [...places].map(place => ({
    code: 'saved-unknown',
    message: `no file that boot loads was found to hold the live rules of ${place}: what brings them in may do so again`,
    forceable: true,
  }))
}

/** True where nobody has looked, too. */
function hasFile(facts: Facts, { place }: Trigger): boolean {
  const { savedSeen, savedRules = [] } = facts.tracking ?? {}
  if (savedSeen === undefined) return true
  const whole = Object.keys(RULE_FILES).filter(path => contentOf(facts, path) !== null)
  return [...whole, ...savedSeen, ...savedRules.map(({ file }) => file)].some(path => mayHold(path, place))
}

/** By what names of files say: `rules.v6`, `ip6tables`. */
function mayHold(path: string, { backend, family }: Trigger['place']): boolean {
  if (path.includes('nft')) return backend !== 'iptables-legacy'
  // A script may say anything.
  if (!/(rules|tables)[^/]*$/.test(path)) return true
  return (
    backend !== 'nft' && family === (path.slice(path.lastIndexOf('/')).includes('6') ? familyName(6) : familyName(4))
  )
}
