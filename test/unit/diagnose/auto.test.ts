import { describe, expect, it } from 'vitest'
import { auto } from '../../../src/diagnose/auto.ts'
import { applyToFacts, makePlan, settledTask, type Task } from '../../../src/plan/plan.ts'
import { planSchema } from '../../../src/plan/plan-file.ts'
import { probeNeeds } from '../../../src/run/tools.ts'
import { ticketText } from '../../../src/view/markdown.ts'
import { createPaint } from '../../../src/view/paint.ts'
import { plansText } from '../../../src/view/plans.ts'
import { makeOutcome } from '../../support/outcomes.ts'
import { SICK } from './sick.ts'
import { WELL } from './well.ts'

const task: Task = { steps: [{ strategy: auto, options: {} }], force: false }
const sick = (host: string) => SICK.find(one => one.host === host)?.facts ?? expect.unreachable()

describe('--strategy auto', () => {
  it('has the probe look for all that a diagnosis asks about', () => {
    expect(probeNeeds(task)).toMatchObject({ states: true, ruleset: true, census: true })
  })

  it.each(SICK.filter(({ recommends }) => recommends.length > 0).map(one => [one.host, one] as const))(
    'plans what is recommended, by its own name: %s',
    (_, { facts, recommends }) => {
      const plan = makePlan('web-1', task, facts)
      expect(plan.blockers).toEqual([])
      expect(plan.changes.length).toBeGreaterThan(0)
      expect(plan.warnings.join()).not.toContain('auto comes to')
      expect(plan.steps.map(({ strategy }) => strategy)).toEqual(recommends)
      expect(plan.notes?.[0]).toMatch(new RegExp(`^auto comes to ${recommends.join(' and ')}: .{10}`))
      // The record keeps it, and whoever verifies the run knows what it came to: nothing is left to do then.
      const kept = planSchema.parse(JSON.parse(JSON.stringify(plan)))
      const again = makePlan('web-1', settledTask(kept, task), applyToFacts(facts, plan.changes))
      expect(again.changes).toEqual([])
      expect(again.steps).toEqual(plan.steps)
    },
  )

  it.each(WELL)('has nothing to do on a host that is well: %s', (_, facts) => {
    const plan = makePlan('web-1', task, facts)
    expect(plan).toMatchObject({ changes: [], blockers: [], steps: [{ strategy: 'auto', options: {} }] })
    expect(plan.notes?.[0]).toBe('auto comes to nothing: no finding calls for a strategy')
    expect(settledTask(plan, task).steps).toEqual(task.steps)
  })

  it('says what it came to as what it is, and not as a warning', () => {
    const outcome = makeOutcome('would-change', { plan: makePlan('web-1', task, sick('full two hours ago')) })
    expect(plansText([outcome], createPaint(false))).toMatch(/^ {2}note auto comes to raise: /m)
    const ticket = {
      header: { run: 'R', command: 'plan', strategy: ['auto'] },
      outcomes: [outcome],
      exitCode: 0,
    } as const
    const story = { batches: [], gates: [], stopped: undefined }
    expect(ticketText({ ...ticket, story })).toContain('\n- note: `auto comes to raise: ')
  })

  it('is declined with the reasons of the first strategy where all are', () => {
    const facts = sick('a full kube node that somebody wrote a file on')
    const plan = makePlan('web-1', task, facts)
    expect(plan.blockers.map(({ code }) => code)).toContain('kube-proxy-owns')
    expect(plan.notes?.[0]).toMatch(/auto comes to nothing: raise would be it/)
  })

  it('does what it came to once it is forced past what can be forced', () => {
    const facts = sick('with a line of modprobe.d that stops the module')
    const full = { ...facts, count: facts.max, usage: 1 }
    expect(makePlan('web-1', task, full).blockers.map(({ code }) => code)).toEqual(['broken-modprobe-line'])
    const forced = makePlan('web-1', { ...task, force: true }, full)
    expect(forced.blockers).toEqual([])
    expect(forced.steps.map(({ strategy }) => strategy)).toEqual(['raise'])
    expect(settledTask(forced, task).steps.map(({ strategy }) => strategy.name)).toEqual(['raise'])
  })

  it('does not go on raising once it has cured: the old lines of the log are no new need', () => {
    const facts = sick('full two hours ago')
    const first = makePlan('web-1', task, facts)
    const cured = { ...applyToFacts(facts, first.changes), directories: [...facts.directories, '/var/lib/ctfix'] }
    const again = makePlan('web-1', task, cured)
    expect(again.changes).toEqual([])
    expect(again.notes?.[0]).toMatch(/nothing left to change: raise/)
  })
})
