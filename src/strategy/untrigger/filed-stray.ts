/** Rules that only a file has, and that do nothing there: boot would bring them in, to ask for tracking and no more. */
import type { Facts, RulesetText } from '../../facts/facts.ts'
import type { Trigger } from '../../firewall/triggers.ts'
import type { Choice } from './choose.ts'
import { type Filed, filedBeside, wordsOf } from './filed.ts'
import { type Name, readName } from './names.ts'
import { ownerOf } from './owners.ts'
import { sceneOf } from './scene.ts'
import { strayReason } from './stray.ts'
import { isOff } from './unknown.ts'

/** By the names that they would have once they are live. */
export function strayInFiles(facts: Facts, live: RulesetText, { taken, left }: Choice): Name[] {
  const triggers = [...taken, ...left].map(({ trigger }) => trigger)
  const words = new Set(triggers.map(wordsOf))
  const leaving = taken.map(({ trigger }) => trigger)
  return filedBeside(facts, live, triggers)
    .filter(({ path }) => !isOff(facts, path))
    .flatMap(file => strayIn(file, facts, words, leaving))
    .flatMap(({ name }) => readName(name) ?? [])
}

function strayIn(
  { views, twins, said }: Filed,
  facts: Facts,
  live: ReadonlySet<string>,
  leaving: readonly Trigger[],
): Trigger[] {
  const { firewall, tracking, forwarding } = facts
  const backend = firewall.backend === 'iptables-nft' ? 'iptables-nft' : 'iptables-legacy'
  const host = { interfaces: tracking?.interfaces ?? null, forwarding }
  const only = said.filter(
    one => one.place.backend === backend && !live.has(wordsOf(one)) && ownerOf(one, facts) === null,
  )
  const gone = new Set(leaving.flatMap(one => twins.get(one) ?? []))
  const found: Trigger[] = []
  // What is stray once others are gone is so, too.
  for (;;) {
    const scene = sceneOf(views, host, gone)
    const more = only.filter(one => !gone.has(one) && strayReason(one, scene) !== null)
    if (more.length === 0) return found
    for (const one of more) gone.add(one)
    found.push(...more)
  }
}
