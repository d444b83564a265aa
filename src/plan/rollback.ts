/**
 * Rollback is another plan: what a run changed, the other way round, on what the host is today. Where somebody changed the
 * same thing since, all three states are shown and nothing is overwritten unless told.
 */
import { z } from 'zod'
import { type Change, isNoop, sameState, undo } from '../change/change.ts'
import { isWritten } from '../change/kernel-value.ts'
import { asFound, describe } from '../change/kinds.ts'
import { LookError } from '../change/look.ts'
import type { Facts } from '../facts/facts.ts'
import { type Blocker, type Draft, defineStrategy } from '../strategy/strategy.ts'
import type { Plan, Task } from './plan.ts'

/** What is wanted of a host where run `of` applied this plan: that it is as it was before. */
export function rollbackTask({ changes }: Plan, of: string, force: boolean): Task {
  const backwards = undo(changes.filter(({ layer }) => layer !== 'final'))
  const strategy = defineStrategy({
    name: 'rollback',
    summary: 'what a run changed goes back',
    // Rules that go or come back may cut us off as well as new ones.
    needs: { states: false, looks: backwards, ruleset: backwards.some(isFirewall) },
    // The table may well be full again: that is what was there before.
    relief: 'later',
    options: z.object({ run: z.string() }),
    plan: (options, facts) => ({ ...rollBack(backwards, facts), warnings: [], settled: options }),
  })
  return { steps: [{ strategy, options: { run: of } }], force }
}

function isFirewall({ kind }: Change): boolean {
  return kind === 'rule' || kind === 'chain' || kind === 'nft-table' || kind === 'nft-rule'
}

function rollBack(backwards: readonly Change[], facts: Facts): Pick<Draft, 'changes' | 'blockers'> {
  const changes: Change[] = []
  const blockers: Blocker[] = []
  for (const [i, back] of backwards.entries()) {
    const found = look(back, facts.looks?.[i] ?? '')
    if ('refused' in found) {
      const message = `${back.target}: ${found.refused}`
      blockers.push({ code: 'cannot-be-read', message, forceable: false })
    } else if (!isBack(found)) {
      if (!isOurs(back, found)) blockers.push(changedSince(back, found))
      changes.push({ ...found, why: 'back to what it was before the run' })
    }
  }
  return { changes, blockers }
}

/** What is there now; a host that prints what our own script never prints is believed nothing. */
function look(back: Change, text: string): ReturnType<typeof asFound> {
  try {
    return asFound(back, text)
  } catch (error) {
    if (error instanceof LookError) return { refused: error.message }
    throw error
  }
}

/** Already as it was. A rule may stand at another place by now. */
function isBack(found: Change): boolean {
  return isOneRule(found) ? (found.before === null) === (found.after === null) : isNoop(found)
}

/** A single rule is there or it is not. */
function isOneRule({ kind }: Change): boolean {
  return kind === 'rule' || kind === 'nft-rule'
}

/** What is there now is what the run left there. */
function isOurs(back: Change, found: Change): boolean {
  if (back.kind === 'kernel-value' && found.kind === 'kernel-value') {
    return isWritten(back.target, back.before, found.before)
  }
  if (isOneRule(back)) return (back.before === null) === (found.before === null)
  return sameState(back.before, found.before)
}

/** The three ways to see it: before the run, what the run left, what is there now. */
function changedSince(back: Change, found: Change): Blocker {
  const message =
    back.kind === 'kernel-value' && found.kind === 'kernel-value'
      ? `${back.target}: before ${back.after ?? 'absent'}, ours ${back.before ?? 'absent'}, now ${found.before ?? 'absent'}`
      : `${back.target}: what is there now is not what the run left there. --force writes what was there before the run, as the plan shows it; or edit by hand what differs:\n${sinceThen(back, found)}`
  return { code: 'changed-since', message: `changed by somebody else since: ${message}`, forceable: true }
}

/** Ours against now; what was there before stands in the diff of the plan. */
function sinceThen(back: Change, found: Change): string {
  if (back.kind === 'file' && found.kind === 'file') return describe({ ...back, after: found.before })
  if (back.kind === 'chain' && found.kind === 'chain') return describe({ ...back, after: found.before })
  if (back.kind === 'nft-table' && found.kind === 'nft-table') return describe({ ...back, after: found.before })
  return describe(found)
}
