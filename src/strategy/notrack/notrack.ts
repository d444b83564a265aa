/** notrack: flows of services no longer take up the table, and keep working, on whatever firewall owns the host. */
import type { Change } from '../../change/change.ts'
import type { Facts, RulesetText } from '../../facts/facts.ts'
import type { Family } from '../../firewall/address.ts'
import { overlaps } from '../../firewall/match.ts'
import { readRuleset } from '../../firewall/read.ts'
import type { Ruleset } from '../../firewall/ruleset.ts'
import { stripOwn } from '../../firewall/strip.ts'
import type { Kept } from '../edits.ts'
import { type Blocker, type Draft, defineStrategy, type Evidence } from '../strategy.ts'
import { blockersOf, unreadBlockers } from './blockers.ts'
import { type Decision, decide } from './decide.ts'
import { entriesChange, entriesWarning, flowSelectors, noEntries } from './entries.ts'
import { exercised } from './exercised.ts'
import { findings } from './findings.ts'
import { familiesOf, type Home, homeOf, spellingOf } from './home.ts'
import { keepNft, keepPieces } from './keep.ts'
import { liveChanges, misplaced, piecesOf } from './live-iptables.ts'
import { nftChanges, nftPlan } from './live-nft.ts'
import { type Options, options, portsText, settledOptions } from './options.ts'
import { familiesWith, NO_RULES, portsChosen } from './rules.ts'
import { savedPieces } from './saved-rules.ts'

export const notrack = defineStrategy<Options>({
  name: 'notrack',
  summary: 'flows of given ports no longer take up the table, in both directions, live and over reload and reboot',
  needs: { states: false, ruleset: true },
  // Entries leave once everything else is confirmed.
  relief: 'later',
  options,
  plan,
  flowsOf: flowSelectors,
  servicesOf: ({ tcp, peers }) => (peers.length > 0 ? [] : tcp.flatMap(({ from, to }) => (from === to ? [from] : []))),
})

function plan(wanted: Options, facts: Facts): Draft {
  const settled = settledOptions(wanted)
  const nothing = (warnings: readonly string[], blockers: readonly Blocker[] = []): Draft => ({
    ...{ changes: [], warnings, blockers, settled },
  })
  if (facts.family === null) return nothing(['conntrack is not loaded: nothing is tracked here'])
  const unread = unreadBlockers(facts)
  const { ruleset } = facts
  if (unread.length > 0 || ruleset === null) return nothing([], unread)
  const home = homeOf(facts)
  if ('why' in home) return nothing([], [{ code: 'owner-unsupported', message: home.why, forceable: false }])
  const stripped = readRuleset(stripOwn(ruleset))
  if (isIdle(facts)) return nothing(['nothing is tracked here: no rule asks for it, and the table is empty'])

  const here = familiesOf(facts, home, [4, 6])
  const families = here.filter(family => familiesWith(wanted).includes(family))
  // What an earlier run put into the other family goes.
  const decisions = new Map(here.map(family => [family, decideFor(wanted, facts, home, stripped, family)]))
  const { changes, kept } = carryOut(home, facts, ruleset, stripped, decisions, (now, family) =>
    decideFor(wanted, facts, home, now, family),
  )
  const entries = entriesChange(wanted, facts, families)
  const decided = [...decisions.values()].flatMap(({ blockers }) => blockers)
  return {
    changes: [...changes, ...kept.changes, ...(entries ? [entries] : [])],
    warnings: [
      ...warningsOf(wanted, facts, families),
      ...findings(stripped, facts),
      ...shutWarnings(families.flatMap(family => decisions.get(family) ?? [])),
      ...replacedWarning(changes),
      ...(entries ? [] : entriesWarning(wanted, facts, families)),
    ],
    blockers: [...blockersOf(wanted, facts, stripped), ...decided, ...kept.blockers],
    settled,
    evidence: [noEntries(wanted, facts, families), exercised(facts), errorsPass(decided)],
  }
}

/** Since 4.10 a loaded module tracks only while a rule asks for it. */
function isIdle({ statefulRules, nat, count, ruleset }: Facts): boolean {
  const ours = ruleset?.sources.some(({ text }) => text.includes('CTFIX-') || text.includes('"ctfix"'))
  return statefulRules.length === 0 && !nat.inUse && count === 0 && !ours
}

function decideFor(wanted: Options, facts: Facts, home: Home, stripped: Ruleset, family: Family): Decision {
  const forwards = family === 4 ? facts.forwarding.ipv4 : facts.forwarding.ipv6
  if (!wanted.families.includes(family)) return { rules: NO_RULES, blockers: [] }
  const spelling = spellingOf(facts, family)
  return decide(
    { now: stripped, home, spelling, translates: facts.nat.inUse, forwards, chosen: portsChosen(facts) },
    wanted,
  )
}

function carryOut(
  home: Home,
  facts: Facts,
  live: RulesetText,
  stripped: Ruleset,
  decisions: ReadonlyMap<Family, Decision>,
  decideOn: (now: Ruleset, family: Family) => Decision,
): { readonly changes: readonly Change[]; readonly kept: Kept } {
  if (home.by === 'nft') {
    const wanted = nftPlan(new Map([...decisions].map(([family, { rules }]) => [family, rules])), home, stripped)
    return { changes: nftChanges(wanted, facts), kept: keepNft(facts, home, wanted) }
  }
  const pieces = [...decisions].flatMap(([family, { rules }]) =>
    piecesOf(rules, home, spellingOf(facts, family), stripped),
  )
  const saved = savedPieces(facts, home, { stripped, pieces, decisions }, decideOn)
  const { changes, blockers } = keepPieces(facts, home, saved.pieces)
  return {
    changes: liveChanges(pieces, live),
    kept: { changes, blockers: [...misplaced(pieces, live), ...saved.blockers, ...blockers] },
  }
}

function warningsOf(wanted: Options, facts: Facts, families: readonly Family[]): string[] {
  const warnings: string[] = []
  const { firewall } = facts
  if (firewall.mixed) {
    warnings.push(
      `rules of two backends are in force here; ours go where the host's own tools write (${firewall.backend})`,
    )
  }
  if (familiesWith(wanted).includes(6) && !families.includes(6) && facts.ipv6) {
    warnings.push('IPv6 stays tracked: there is no ip6tables here, or this kernel tracks none')
  }
  const own = portsChosen(facts)
  const chosen = overlaps(wanted.tcp, own)
  if (chosen && !wanted.all) {
    warnings.push(
      'some of these ports are among those this host chooses for connections of its own: such connections are not tracked either',
    )
  }
  if ((wanted.all || wanted.local_out) && wanted.peers.length === 0) {
    warnings.push(
      'answers over UDP are untracked, or let in, from ports 53 and 123 only, whoever sends them: name peers to say who may',
    )
  }
  if (wanted.all && wanted.peers.length > 0) {
    warnings.push('whatever the peers send over UDP to ports from 1024 up is let in: it may be an answer')
  }
  return warnings
}

/** A port that nobody is let in to is untracked all the same, but may be a slip of the pen. */
function shutWarnings(decisions: readonly Decision[]): string[] {
  return (['tcp', 'udp'] as const).flatMap(protocol => {
    const [first, ...others] = decisions.map(({ shut }) => shut?.[protocol] ?? [])
    const everywhere = (first ?? []).filter(({ from }) => others.every(ports => ports.some(one => one.from === from)))
    if (everywhere.length === 0) return []
    return [
      `no rule lets anybody in to ${protocol} ${portsText(everywhere)}, and that stays so: are these the right ports?`,
    ]
  })
}

/** One set of flows is in force at a time. */
function replacedWarning(changes: readonly Change[]): string[] {
  const replaces = changes.some(({ kind, before }) => before !== null && (kind === 'chain' || kind === 'nft-table'))
  return replaces
    ? ['these flows take the place of those of an earlier run: what is named no more is tracked again']
    : []
}

/** By the rules; whether a real error gets through only a real one can show. */
function errorsPass(decided: readonly Blocker[]): Evidence {
  const name = 'icmp-errors-pass'
  const broken = decided.find(({ code }) => code === 'breaks-path-mtu')
  return broken
    ? { name, when: 'always', status: 'fail', detail: broken.message, excusedBy: broken.code }
    : { name, when: 'always', status: 'pass', detail: 'errors that path-MTU discovery needs get through the rules' }
}
