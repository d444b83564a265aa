/** Lines of files that ask for tracking while no live rule says the same: with the next boot tracking is back. */
import type { Facts } from '../../facts/facts.ts'
import type { Family } from '../../firewall/address.ts'
import { loadersOf } from '../saved-files.ts'
import type { Blocker } from '../strategy.ts'
import { asksFor, type Choice } from './choose.ts'
import { bringsBack } from './elsewhere.ts'
import { RULE_FILES } from './filed.ts'
import { filesOf, ownedBy, placesIn, savedOutside, without } from './keep.ts'
import type { Name } from './names.ts'
import { type Kinds, leftInSave, leftInWritten, staysOf } from './rest.ts'
import { isOff } from './unknown.ts'

export interface Brought {
  /** `FILE:LINE`. */
  readonly at: string
  readonly text: string
  readonly families: readonly Family[]
  /** A service is known to load that file at boot. */
  readonly loaded: boolean
}

const ANY = new Set([
  'state',
  'nat',
  'mark',
  'count',
  'helper',
  'synproxy',
  'offload',
  'cluster',
  'object',
  'extension',
] as const)

/** In the files as they are once these names have left them; what boot is known not to load brings nothing. */
export function broughtAtBoot(facts: Facts, going: readonly Name[], choice: Choice): Brought[] {
  const stays = staysOf(
    choice.left.map(({ trigger }) => trigger),
    facts.ruleset,
  )
  const isOwned = ownedBy(choice)
  const here: readonly Family[] = facts.ipv6 ? [4, 6] : [4]
  const found = here.flatMap(family => {
    const kinds: Kinds = new Map([[family, ANY]])
    const edited = filesOf(facts).flatMap(({ path, content }) => {
      const of = RULE_FILES[path] ?? null
      const after = without(path, content, going)
      const places = placesIn(content, after)
      const rest = of === null ? leftInWritten(after, kinds, stays) : leftInSave(after, of, kinds, stays)
      return rest.map(({ line, text }) => ({ file: path, line: places[line - 1] ?? line, text, family }))
    })
    const others = savedOutside(facts).filter(setting => bringsBack(setting, kinds, stays, isOwned))
    return [...edited, ...others.map(setting => ({ ...setting, family }))]
  })
  const loading = found.filter(({ file }) => !isOff(facts, file))
  return [...Map.groupBy(loading, ({ file, line }) => `${file}:${line}`)].map(([at, same]) => ({
    at,
    text: same[0]?.text ?? '',
    families: same.map(({ family }) => family),
    loaded: same.some(({ file }) => isLoaded(facts, file)),
  }))
}

function isLoaded({ tracking }: Facts, path: string): boolean {
  return (tracking?.services ?? []).some(({ name, enabled }) => enabled && loadersOf(path).includes(name))
}

/** True for a line that is in the way already. */
export const isSaid = ({ at }: Brought, blockers: readonly Blocker[]): boolean =>
  blockers.some(({ message }) => message.startsWith(`${at} says `))

/** Where nothing live is left to ask, and tracking was to end: boot undoes that, or nobody can say whether it does. */
export function broughtBlockers(brought: readonly Brought[], families: readonly Family[], { left }: Choice): Blocker[] {
  return ending(brought, families, left).map(one => ({
    code: one.loaded ? 'saved-elsewhere' : 'saved-unknown',
    message: `${textOf(one)}: remove it there, or name it in rules`,
    forceable: true,
  }))
}

function ending(brought: readonly Brought[], families: readonly Family[], left: Choice['left']): readonly Brought[] {
  const freed = families.filter(family => !asksFor(left, family))
  return brought.filter(one => one.families.some(family => freed.includes(family)))
}

/** Beyond that a list helps nobody. */
const MOST_TOLD = 10

/** All others: they only add to what stays tracked, or nobody has asked for anything yet. */
export function broughtWarnings(brought: readonly Brought[], families: readonly Family[], { left }: Choice): string[] {
  const said = ending(brought, families, left)
  const others = brought.filter(one => !said.includes(one))
  const more = others.length - MOST_TOLD
  return [
    ...others.slice(0, MOST_TOLD).map(textOf),
    ...(more > 0 ? [`${more} more lines of files ask for tracking at boot`] : []),
  ]
}

function textOf({ at, text, loaded }: Brought): string {
  const what = `${at} says "${text}", which asks for tracking and is not live`
  return loaded
    ? `${what}: boot loads that file, and brings tracking back`
    : `${what}: whatever loads that file brings tracking back`
}
