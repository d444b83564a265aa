import { describe, expect, it } from 'vitest'
import type { Facts } from '../../../src/facts/facts.ts'
import { STATUSES } from '../../../src/run/status.ts'
import { factsText } from '../../../src/view/facts-text.ts'
import { recapText } from '../../../src/view/human.ts'
import { createPaint } from '../../../src/view/paint.ts'
import { plansText } from '../../../src/view/plans.ts'
import { table } from '../../../src/view/table.ts'
import { entriesChange, fileChange } from '../../support/changes.ts'
import { makeFacts } from '../../support/facts.ts'
import { makeOutcome, planFor } from '../../support/outcomes.ts'

const paint = createPaint(false)
const ESC = '\u001b'
const EVIL = `${ESC}[2J\u202eevil\u0007\r`
const ok = (differences: Partial<Facts>, host = 'web-1') => makeOutcome('ok', { host, facts: makeFacts(differences) })

describe('facts', () => {
  it('are a row a host, under a head', () => {
    expect(factsText([ok({}), ok({ count: null, stats: null, log: null }, 'a')], paint)).toMatchInlineSnapshot(`
      "HOST   KERNEL                CONNTRACK     COUNT / MAX             BUCKETS  DROPS  LOGGED  NAT  FIREWALL
      web-1  6.1.0-50-cloud-amd64  nf_conntrack  1,000 / 65,536 (1.5 %)  65,536   0      0       no   netfilter-persistent
      a      6.1.0-50-cloud-amd64  nf_conntrack  ? / 65,536              65,536   ?      ?       no   netfilter-persistent
      "
    `)
  })

  it('of a host without conntrack say so, and one that could not be looked at stands below with its reason', () => {
    const outcomes = [
      makeOutcome('unreachable', { host: 'web-2', error: { message: 'timed out', hint: 'wait' } }),
      ok({ family: null, providedBy: 'absent' }),
    ]
    const text = factsText(outcomes, paint)
    expect(text.split('\n')[1]).toMatch(/^web-1 .* absent +- /)
    expect(text).toMatch(/\nweb-2 {2}unreachable {2}timed out\n {4}try: wait\n$/)
  })

  it('are as narrow as what is in them, without blanks at the end', () => {
    expect(
      table([
        ['HOST', 'X'],
        ['a', 'long one'],
        ['b', ''],
      ]),
    ).toEqual(['HOST  X', 'a     long one', 'b'])
    for (const line of factsText([ok({})], paint).split('\n')) expect(line).toBe(line.trimEnd())
  })
})

describe('a check that failed', () => {
  const checks = [{ name: 'count-below-max', status: 'fail', detail: '600 of 600 (100 %)' }] as const
  const said = '    FAIL count-below-max: 600 of 600 (100 %)'

  it('where the host counts as well all the same: it is reported, and decided nothing', () => {
    expect(recapText([makeOutcome('changed', { checks })], paint)).toContain(`${said} (reported, does not decide)\n`)
  })

  it('where it decided, it stands for itself', () => {
    expect(recapText([makeOutcome('rolled-back', { checks })], paint)).toContain(`${said}\n`)
  })
})

describe('plans', () => {
  it('show changes, warnings, and what stands against them', () => {
    const text = plansText([makeOutcome('blocked', { plan: planFor({ managers: ['kube-proxy'] }) })], paint)
    expect(text).toMatch(/^web-1 {2}3 live changes, 3 files\n/)
    expect(text).toContain('\n  ~ net.netfilter.nf_conntrack_max: 65536 → 131072\n')
    expect(text).toMatch(/\n {2}warning established 10m is below RFC 5382's 2h4m/)
    expect(text).toMatch(/\n {2}blocked: kube-proxy-owns /)
  })

  it('say when live entries are removed, which are neither values nor files', () => {
    const plan = planFor()
    const entries = entriesChange(3, [])
    const text = plansText(
      [makeOutcome('would-change', { plan: { ...plan, changes: [...plan.changes, entries] } })],
      paint,
    )
    expect(text).toMatch(/^web-1 {2}3 live changes, 3 files, live entries\n/)
    expect(text).toContain('\n  × 3 live entries of tcp 80 are removed')
  })

  it('count what boot does otherwise apart from its files', () => {
    const why = 'w'
    const changes = [
      fileChange('/etc/a', null, 'a'),
      { kind: 'boot-service', layer: 'persistent', target: 'ufw', before: 'enabled', after: null, why },
    ] as const
    const text = plansText([makeOutcome('would-change', { plan: { ...planFor(), changes } })], paint)
    expect(text).toMatch(/^web-1 {2}1 file, 1 step for boot\n/)
  })

  it('have a diff in a blocker as a block of lines, none of which can pass for one of ours', () => {
    const message = `f: changed:\n--- f\n+++ f\n@@ -1 +1 @@\n-a\n+\tb${EVIL}\n+web-2  ok`
    const plan = {
      ...planFor(),
      changes: [],
      warnings: [],
      blockers: [{ code: 'changed-since', message, forceable: true }],
    }
    expect(plansText([makeOutcome('blocked', { plan })], paint)).toBe(
      [
        'web-1  declined',
        '  blocked: changed-since f: changed:',
        ...['--- f', '+++ f', '@@ -1 +1 @@', '-a', '+\tb\\x1b[2J\\u202eevil\\x07\\x0d', '+web-2  ok'].map(
          text => `      ${text}`,
        ),
        '',
      ].join('\n'),
    )
  })

  it('name what was forced past', () => {
    const plan = planFor({ managers: ['kube-proxy'] }, { force: true })
    expect(plansText([makeOutcome('would-change', { plan })], paint)).toMatch(/\n {2}forced past kube-proxy-owns /)
  })

  it('tell nothing to do from declined, and from a host without a plan', () => {
    const idle = { ...planFor(), changes: [], warnings: [], blockers: [] }
    const declined = { ...idle, blockers: [{ code: 'c', message: 'm', forceable: false }] }
    const outcomes = [
      makeOutcome('ok', { plan: idle }),
      makeOutcome('blocked', { plan: declined }),
      makeOutcome('unreachable', { error: { message: 'timed out', hint: null } }),
    ]
    expect(plansText(outcomes, paint)).toBe(
      'web-1  nothing to do\n\nweb-1  declined\n  blocked: c m\n\nweb-1  unreachable  timed out\n',
    )
  })
})

describe('the recap', () => {
  it('has problems last, the worst at the very end, and the counts below', () => {
    const outcomes = STATUSES.toReversed().map(status => makeOutcome(status, { host: `h-${status}` }))
    const lines = recapText(outcomes, paint).trimEnd().split('\n')
    expect(lines.slice(0, -1)).toEqual(STATUSES.map(status => `h-${status}  ${status}`))
    expect(lines.at(-1)).toMatch(/^recap {2}targeted 10 {2}ok 1 {2}changed 1 .* rollback-failed 1 {2}unknown 1$/)
  })

  it('keeps the order of the inventory among equals', () => {
    const outcomes = ['b', 'a', 'c'].map(host => makeOutcome('ok', { host }))
    expect(recapText(outcomes, paint)).toMatch(/^b, a, c {2}ok {2}\(3 hosts\)\n/)
  })

  it('has the checks of a host under it', () => {
    const checks = [
      { name: 'x', status: 'fail' as const, detail: 'd' },
      { name: 'y', status: 'unknown' as const, detail: 'e' },
    ]
    expect(recapText([makeOutcome('rolled-back', { checks })], paint)).toContain(
      'web-1  rolled-back\n    FAIL x: d\n    unknown y: e\n',
    )
  })
})

describe('text of a host', () => {
  it('cannot act on the terminal, wherever it comes out', () => {
    const plan = {
      ...planFor(),
      warnings: [EVIL],
      blockers: [{ code: 'c', message: EVIL, forceable: false }],
      forced: [{ code: 'c', message: EVIL, forceable: true }],
    }
    const outcome = makeOutcome('blocked', {
      facts: makeFacts({ kernel: EVIL }),
      plan,
      checks: [{ name: 'x', status: 'fail', detail: EVIL }],
      error: { message: EVIL, hint: EVIL },
    })
    const all = [factsText, plansText, recapText].map(show => show([outcome], paint)).join('')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    expect(all).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]/)
    expect(all).toContain('\\x1b[2J')
  })

  it('cannot pretend to be another line', () => {
    const text = factsText([ok({ kernel: '6.1\nweb-2  ok' })], paint)
    expect(text.trimEnd().split('\n')).toHaveLength(2)
  })

  it('cannot do so by the name that a file gives it', () => {
    const named = ['a', 'b\nrecap  targeted 1  ok 1', 'c'.repeat(40)].map(host => makeOutcome('failed', { host }))
    expect(recapText(named, paint).match(/^recap/gm)).toHaveLength(1)
    expect(recapText(named.slice(1, 2), paint).match(/^recap/gm)).toHaveLength(1)
    expect(plansText(named, paint)).not.toMatch(/^recap/m)
  })

  it('has colour only where it is wanted', () => {
    const outcome = makeOutcome('unknown', { plan: planFor() })
    expect(recapText([outcome], paint)).not.toContain(ESC)
    expect(recapText([outcome], createPaint(true))).toContain(`${ESC}[31munknown${ESC}[0m`)
  })
})
