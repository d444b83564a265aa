/** Dropped-in cases: test/strategy/<name>/*.yaml holds facts and options, and the changes or blockers they come to. */
import { describe, expect, it } from 'vitest'
import type { Change } from '../../../src/change/change.ts'
import { describe as lines } from '../../../src/change/kinds.ts'
import { strategies } from '../../../src/strategy/index.ts'
import { CASES } from './cases.ts'

function runtimeOf(changes: readonly Change[]): Record<string, string | null> {
  return Object.fromEntries(
    changes.flatMap(change =>
      change.kind === 'kernel-value' && change.after !== null ? [[change.target, change.after]] : [],
    ),
  )
}

/** What goes with its module, in the order in which it comes back. */
function goneOf(changes: readonly Change[]): (readonly [string, string | null])[] {
  return changes
    .toReversed()
    .flatMap(change =>
      change.kind === 'kernel-value' && change.after === null ? [[change.target, change.before] as const] : [],
    )
}

function diffOf(changes: readonly Change[]): string[] {
  return changes.flatMap(change => lines(change).split('\n'))
}

it('there are cases for every strategy', () => {
  const covered = new Set(CASES.map(({ strategy }) => strategy.name))
  expect([...covered].toSorted()).toEqual(strategies.map(({ name }) => name).toSorted())
})

describe.each(CASES)('$path', ({ given, strategy, facts }) => {
  it(given.about, () => {
    const draft = strategy.configure(given.options)(facts)
    expect(draft.blockers.map(({ code }) => code)).toEqual(given.blockers)
    expect(runtimeOf(draft.changes)).toEqual(given.runtime)
    expect(goneOf(draft.changes)).toEqual(Object.entries(given.gone))
    const files = draft.changes.flatMap(change => (change.kind === 'file' ? [change] : []))
    expect(files.map(({ target }) => target).toSorted()).toEqual(Object.keys(given.files).toSorted())
    for (const change of files) {
      const content = change.after?.content.split('\n') ?? []
      for (const line of given.files[change.target] ?? []) expect(content).toContain(line)
    }
    const diff = diffOf(draft.changes.filter(({ kind }) => kind !== 'file' && kind !== 'kernel-value'))
    if (given.rules?.length === 0) expect(diff).toEqual([])
    for (const line of given.rules ?? []) expect(diff).toContain(line)
    const whole = diffOf(draft.changes).join('\n')
    for (const part of given.absent) expect(whole).not.toContain(part)
    for (const warning of given.warnings) {
      expect(
        draft.warnings.filter(text => text.includes(warning)),
        `a warning with: ${warning}`,
      ).toHaveLength(1)
    }
    expect(draft.warnings).toHaveLength(given.warnings.length)
    for (const change of draft.changes) expect(change.why).not.toBe('')
  })
})
