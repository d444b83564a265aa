/** Reasons to leave the rules where they are. */
import type { Facts } from '../../facts/facts.ts'
import { readRuleset } from '../../firewall/read.ts'
import type { Trigger } from '../../firewall/triggers.ts'
import { notOwnKernel } from '../ownership.ts'
import type { Blocker } from '../strategy.ts'
import type { Choice, Judged } from './choose.ts'
import { familyText, triggerKey } from './names.ts'

const blocker = (code: string, message: string, forceable = false): Blocker => ({ code, message, forceable })

/** Whether this kernel stops when nothing asks, and whether what could be read allows a plan at all. */
export function hostBlockers(facts: Facts): Blocker[] {
  const { family, root, ruleset, container, ownsKernel } = facts
  // A network namespace of its own has rules of its own, and is tracked for itself.
  if (!ownsKernel && container !== 'netns' && container !== 'limits read-only') return [notOwnKernel({ container })]
  const instead = 'here a loaded module tracks everything, whatever the rules: use notrack or blacklist'
  // With nothing loaded nothing is tracked, whatever the kernel.
  const since = family === null || isSinceFourTen(facts.kernel)
  if (family === 'ip_conntrack' || since === false) {
    return [blocker('tracks-when-loaded', `kernel ${facts.kernel} is older than 4.10: ${instead}`)]
  }
  if (since === null) {
    const message = `"${facts.kernel}" names no version of a kernel: before 4.10 a loaded module tracks everything`
    return [blocker('tracks-when-loaded', message)]
  }
  if (!root) return [blocker('needs-root', 'the login user is not root: run with --become')]
  // A listing that was not understood, as that of an nft without JSON, shows no rule at all.
  if (ruleset === null || !readRuleset(ruleset).complete) {
    return [
      blocker('rules-unread', 'not all live rules could be read, so nobody can say which of them ask for tracking'),
    ]
  }
  return []
}

/** null: nobody can say. */
function isSinceFourTen(kernel: string): boolean | null {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(kernel) ?? []
  if (major === undefined) return null
  return Number(major) > 4 || (Number(major) === 4 && Number(minor) >= 10)
}

/** What speaks against taking out these very rules. */
export function ruleBlockers({ taken }: Choice, facts: Facts): Blocker[] {
  return [
    ...taken.flatMap(({ trigger, owner }) =>
      owner === null
        ? []
        : [
            blocker(
              'owner-rules',
              `${trigger.name} is a rule of ${owner}, which would write it again: change it there`,
            ),
          ],
    ),
    ...taken.flatMap(({ trigger }) => (trigger.rule === null ? [unnameable(trigger)] : [])),
    ...twice(taken),
    ...taken.flatMap(judged => natInUse(judged, facts)),
  ]
}

function unnameable({ name, place, kind }: Trigger): Blocker {
  const { family, table, chain } = place
  const how = kind === 'object' ? '' : `, by its handle (nft -a list chain ${family} ${table} ${chain})`
  return blocker('not-removable', `${name} cannot be written back as it was, so it is left: take it out by hand${how}`)
}

/** nft tells equal rules apart by their handles only, and a way back cannot. */
function twice(taken: readonly Judged[]): Blocker[] {
  const keys = taken.flatMap(({ trigger }) => (trigger.place.backend === 'nft' ? [triggerKey(trigger)] : []))
  const doubled = new Set(keys.filter((key, at) => keys.indexOf(key) !== at))
  return [...doubled].map(key =>
    blocker('same-rule-twice', `${key} is there more than once: take out all but one of them by hand first`),
  )
}

/** Connections of others would lose the addresses they were given. */
function natInUse({ trigger, stray }: Judged, { forwarding }: Facts): Blocker[] {
  if (trigger.kind !== 'nat' || stray !== null) return []
  const forwards = trigger.families.filter(family => (family === 4 ? forwarding.ipv4 : forwarding.ipv6))
  if (forwards.length === 0 && trigger.packets === 0) return []
  const why =
    forwards.length > 0
      ? `this host forwards ${forwards.map(familyText).join(' and ')}`
      : trigger.packets === null
        ? 'nothing counts what comes by it'
        : `${trigger.packets} connections came by it`
  return [blocker('nat-in-use', `${trigger.name} translates addresses, and ${why}`, true)]
}
