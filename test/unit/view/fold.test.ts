import { describe, expect, it } from 'vitest'
import type { Outcome, Status } from '../../../src/run/status.ts'
import { masked, shape, spread } from '../../../src/view/fold.ts'
import { recapText } from '../../../src/view/human.ts'
import { createPaint } from '../../../src/view/paint.ts'
import { plansText } from '../../../src/view/plans.ts'
import { entriesChange } from '../../support/changes.ts'
import { makeFacts } from '../../support/facts.ts'
import { makeOutcome, planFor } from '../../support/outcomes.ts'
import { workMs } from '../../support/work.ts'

const paint = createPaint(false)

function fleet(n: number, status: Status, parts: (host: string, i: number) => Partial<Outcome>): Outcome[] {
  return Array.from({ length: n }, (_, i) => {
    const host = `web-${String(i + 1).padStart(4, '0')}`
    return makeOutcome(status, { host, ...parts(host, i) })
  })
}

const refused = (address: string, tail = ''): Outcome['error'] => ({
  message: `cannot connect to ${address}: connection refused${tail}`,
  hint: null,
})

describe('a text of a host', () => {
  const path = { clientAddress: '192.0.2.1', clientPort: 50_022, serverAddress: '192.0.2.7', serverPort: 22 }
  const at = makeOutcome('ok', { host: 'web-1', facts: makeFacts({ managementPath: path }) })

  it.each([
    ['web-1 and web-12, web-1.', '<host> and web-12, <host>.'],
    ['web-1.example.net, my-web-1, (web-1)', 'web-1.example.net, my-web-1, (<host>)'],
    ['192.0.2.1:50022 → 192.0.2.7:22, 192.0.2.77', '192.0.2.1:<port> → <address>:22, 192.0.2.77'],
    ['1192.0.2.7 10.192.0.2.7', '1192.0.2.7 10.192.0.2.7'],
  ])('%j has its own name and addresses masked, and no other', (text, said) => {
    expect(masked(text, at)).toBe(said)
  })

  it('that could not be reached has the address that was tried', () => {
    const lost = makeOutcome('unreachable', { host: 'a.b', error: refused('[2001:db8::7]:2222') })
    expect(masked(lost.error?.message ?? '', lost)).toBe('cannot connect to <address>:<port>: connection refused')
  })

  it('that could not be reached has its port and address masked in the hint, too', () => {
    const error = {
      message: 'cannot connect to 10.0.0.7:2222: login denied',
      hint: 'ssh -p 2222 root@10.0.0.7 shows it',
    }
    const lost = makeOutcome('unreachable', { host: 'web-7', error })
    expect(masked(error.hint, lost)).toBe('ssh -p <port> root@<address> shows it')
  })

  it.each([
    ['947 of 4,096 (23.1 %) in 10.4 s', '# of # (# %) in # s'],
    ['(3 attempts in 12s)', '(# attempts in #s)'],
    [
      '6.1.0-50-cloud, web-12, 10.0.0.1, v2, /24, 0x1f, 12:30',
      '6.1.0-50-cloud, web-12, 10.0.0.1, v2, /24, 0x1f, 12:30',
    ],
    ['established 10m, at 5.', 'established 10m, at #.'],
    ['last 23h58m46s ago, 2h old, after 2h4m', 'last # ago, # old, after 2h4m'],
  ])('%j has the shape %j', (text, said) => {
    expect(shape(text)).toBe(said)
  })

  it('of one shape is told with its least and its most', () => {
    expect(spread(['947 of 4,096 (23.1 %)', '12 of 4,096 (0.3 %)', '2,204 of 4,096 (53.8 %)'])).toBe(
      '12 to 2,204 of 4,096 (0.3 to 53.8 %)',
    )
    expect(spread(['a 1', 'a 1'])).toBe('a 1')
  })
})

describe('the recap of a fleet', () => {
  it('has equal errors once, whatever the addresses, and how often each was tried', () => {
    const outcomes = fleet(300, 'unreachable', (_, i) => ({
      error: refused(`10.0.${i >> 8}.${i & 255}:22`, ` (3 attempts in ${10 + (i % 5)}s)`),
    }))
    expect(recapText(outcomes, paint)).toBe(
      [
        'web-[0001-0300]  unreachable  cannot connect to <address>:<port>: connection refused (3 attempts in 10 to 14s)  (300 hosts)',
        'recap  targeted 300  unreachable 300',
        '',
      ].join('\n'),
    )
  })

  it('has the hosts on a line of their own where their range is long', () => {
    const outcomes = fleet(100, 'changed', () => ({})).filter((_, i) => i % 7 > 1)
    const [head, hosts] = recapText(outcomes, paint).split('\n')
    expect(head).toBe('70 hosts  changed')
    expect(hosts).toMatch(/^ {4}web-\[0003-0007,0010-0014,/)
  })

  it('does not take two errors for one', () => {
    const outcomes = fleet(4, 'failed', (_, i) => ({ error: { message: `exit code ${i >> 1}`, hint: null } }))
    expect(recapText(outcomes, paint)).toMatch(/^web-\[0001-0002\] .*code 0 .*\nweb-\[0003-0004\] .*code 1 /)
  })

  it('does not take two jump hosts for one', () => {
    const outcomes = fleet(2, 'unreachable', (_, i) => ({
      error: { message: `through jump-${i}: cannot connect to 10.9.9.${i}:22: connection refused`, hint: null },
    }))
    expect(recapText(outcomes, paint).split('\n')).toHaveLength(4)
  })

  it('has checks once, with what they measured from the least to the most', () => {
    const outcomes = fleet(1000, 'changed', (_, i) => ({
      checks: [{ name: 'count-below-max', status: 'pass', detail: `${i + 1} of 65,536 (${i % 10}.0 %)` }],
    }))
    expect(recapText(outcomes, paint)).toBe(
      [
        'web-[0001-1000]  changed  (1,000 hosts)',
        '    pass count-below-max: 1 to 1000 of 65,536 (0.0 to 9.0 %)',
        'recap  targeted 1,000  changed 1,000',
        '',
      ].join('\n'),
    )
  })

  it('has an error that its checks measured once, too', () => {
    const outcomes = fleet(3, 'failed', (_, i) => {
      const detail = `${60_000 + i} of 65,536 (9${i}.0 %)`
      const checks = [{ name: 'count-below-max', status: 'fail' as const, detail }]
      return { checks, error: { message: `nothing left to change, but count-below-max: ${detail}`, hint: null } }
    })
    expect(recapText(outcomes, paint)).toContain(
      'web-[0001-0003]  failed  nothing left to change, but count-below-max: 60000 to 60002 of 65,536 (90.0 to 92.0 %)',
    )
  })

  it('says why it stopped, and which hosts nobody came to, next to the counts', () => {
    const skipped = fleet(5, 'skipped', () => ({ error: { message: 'not attempted', hint: null } }))
    const stopped = { reason: 'failed 6, more than 5', notAttempted: skipped.map(({ host }) => host) }
    expect(recapText([...skipped, makeOutcome('unknown', { host: 'db-1' })], paint, stopped)).toBe(
      [
        'web-[0001-0005]  skipped  not attempted  (5 hosts)',
        'db-1  unknown',
        'stopped  failed 6, more than 5; 5 hosts not attempted',
        'recap  targeted 6  skipped 5  unknown 1',
        '',
      ].join('\n'),
    )
  })
})

describe('plans of a fleet', () => {
  const withWhy = (why: string, max = '131072') => {
    const plan = planFor()
    const changes = plan.changes.map(change =>
      change.target.endsWith('_max') && change.kind === 'kernel-value' ? { ...change, why, after: max } : change,
    )
    return { ...plan, changes }
  }

  it('that come to the same are shown once, the reasons with their numbers', () => {
    const text = plansText(
      fleet(1000, 'would-change', (_, i) => ({ plan: withWhy(`the peak was ${i + 1} entries`) })),
      paint,
    )
    expect(text).toMatch(/^web-\[0001-1000\] {2}3 live changes, 3 files {2}\(1,000 hosts\)\n/)
    expect(text).toContain('      the peak was 1 to 1000 entries\n')
    expect(text.match(/nf_conntrack_max: 65536 → 131072/g)).toHaveLength(1)
  })

  it('that differ in one value are never shown as one', () => {
    const text = plansText(
      fleet(4, 'would-change', (_, i) => ({ plan: withWhy('w', i < 3 ? '131072' : '262144') })),
      paint,
    )
    expect(text).toMatch(/^web-\[0001-0003\] /)
    expect(text).toMatch(/\nweb-0004 /)
    expect(text).toContain('65536 → 262144')
  })

  it('that name their own host in a file are one, and say so', () => {
    const text = plansText(
      fleet(2, 'blocked', host => ({
        plan: {
          ...planFor(),
          changes: [],
          warnings: [],
          blockers: [{ code: 'c', message: `${host} is odd`, forceable: false }],
        },
      })),
      paint,
    )
    expect(text).toBe('web-[0001-0002]  declined  (2 hosts)\n  blocked: c <host> is odd\n')
  })

  it('that remove other numbers of live entries are one', () => {
    const text = plansText(
      fleet(3, 'would-change', (_, i) => ({ plan: { ...planFor(), changes: [entriesChange(i * 1000 + 2, [])] } })),
      paint,
    )
    expect(text).toMatch(/^web-\[0001-0003\] {2}live entries {2}\(3 hosts\)\n {2}× 2 to 2,?002 live entries of tcp 80 /)
  })

  it('of 2,000 hosts are folded within a second', () => {
    const outcomes = fleet(2000, 'would-change', (_, i) => ({ plan: withWhy(`peak ${i}`) }))
    const ms = workMs(() => {
      plansText(outcomes, paint)
      recapText(outcomes, paint)
    })
    expect(ms).toBeLessThan(2000)
  })
})
