/** What the figures mean. */
import { expect, test } from 'vitest'
import type { Figures, Probed } from '../../../../src/run/outside/probed.ts'
import { judgeProbed } from '../../../../src/run/outside/verdict.ts'

function figures(sent: number, parts: Partial<Figures> = {}): Figures {
  const none = parts.lost === sent
  return {
    sent,
    lost: 0,
    slow: 0,
    refused: 0,
    p50: none ? null : 1,
    p95: none ? null : 2,
    worst: none ? null : 3,
    ...parts,
  }
}

function probed(before: Figures | null, after: Figures | null, parts: Partial<Probed> = {}): Probed {
  return { target: 'tcp:443', address: '192.0.2.1', before, during: null, after, why: null, ...parts }
}

test('cured: loss before, none after; the words have all three parts', () => {
  const during = figures(6, { lost: 1 })
  expect(judgeProbed(probed(figures(40, { lost: 12, slow: 9 }), figures(33), { during }))).toEqual({
    name: 'probe-tcp-443',
    status: 'pass',
    detail:
      'none of 33 lost, p95 2 ms; before 12 of 40 lost, 9 late, p95 2 ms; during the change 1 of 6 lost, p95 2 ms',
  })
})

test.for<[string, Probed, 'pass' | 'fail' | 'unknown']>([
  ['healthy before and after', probed(figures(40), figures(40)), 'pass'],
  ['nothing answered before, all does now', probed(figures(9, { lost: 9 }), figures(40)), 'pass'],
  ['refused before, answered now', probed(figures(9, { refused: 9 }), figures(40)), 'pass'],
  ['one packet of few: any way through a network loses one', probed(figures(40), figures(40, { slow: 1 })), 'pass'],
  ['two packets of few may be chance', probed(figures(40), figures(40, { slow: 2 })), 'unknown'],
  ['three where none was lost are not', probed(figures(40), figures(40, { slow: 3 })), 'fail'],
  ['a connection that is never made has lost two packets', probed(figures(40), figures(40, { lost: 1 })), 'unknown'],
  ['two of them', probed(figures(40), figures(40, { lost: 2 })), 'fail'],
  ['a way that always loses some', probed(figures(40, { slow: 2 }), figures(40, { slow: 3 })), 'unknown'],
  ['a symptom that stays', probed(figures(40, { lost: 20 }), figures(40, { lost: 18 })), 'fail'],
  ['a symptom that is halved', probed(figures(40, { lost: 20 }), figures(40, { lost: 9 })), 'unknown'],
  ['one in a hundred of many', probed(figures(400), figures(400, { slow: 4 })), 'pass'],
  ['still lost, though less than before', probed(figures(40, { lost: 20 }), figures(40, { lost: 3 })), 'unknown'],
  ['a look without a before', probed(null, figures(40, { lost: 3 })), 'fail'],
  ['a look without a before, nothing answers', probed(null, figures(4, { lost: 4 })), 'fail'],
  ['a look without a before, nothing listens', probed(null, figures(40, { refused: 40 })), 'fail'],
  ['answered before, refused now', probed(figures(40), figures(40, { refused: 40 })), 'fail'],
  ['some refused before, as many now', probed(figures(40, { refused: 5 }), figures(40, { refused: 5 })), 'pass'],
  ['nothing answers, as before', probed(figures(9, { lost: 9 }), figures(9, { lost: 9 })), 'unknown'],
  [
    'nothing answers, and of so few tries before none was answered',
    probed(figures(2, { lost: 2 }), figures(4, { lost: 4 })),
    'unknown',
  ],
  ['nothing answers, and nobody could try before', probed(figures(0), figures(4, { lost: 4 })), 'unknown'],
  [
    'nothing answers, and of so few tries before one was answered',
    probed(figures(2, { lost: 1 }), figures(4, { lost: 4 })),
    'fail',
  ],
  [
    'nothing listens, and of so few tries before neither',
    probed(figures(1, { refused: 1 }), figures(4, { refused: 4 })),
    'unknown',
  ],
  ['nothing listens, as before', probed(figures(9, { refused: 9 }), figures(9, { refused: 9 })), 'unknown'],
  ['too few tries', probed(figures(40), figures(2)), 'unknown'],
  ['nothing measured', probed(figures(40), null), 'unknown'],
  ['not probed', probed(null, null, { why: 'not probed: behind a jump host' }), 'unknown'],
])('%s', ([, what, status]) => {
  const check = judgeProbed(what)
  expect(check.status, check.detail).toBe(status)
  expect(check.detail).not.toBe('')
})

test('what could not be measured says why', () => {
  const why = 'not probed: behind a jump host'
  expect(judgeProbed(probed(null, null, { why })).detail).toBe(why)
})

test('an echo is one packet: one or two that are lost may be chance, three are not', () => {
  const ping = (lost: number): Probed => probed(figures(30), figures(30, { lost }), { target: 'ping' })
  expect([0, 1, 2, 3].map(lost => judgeProbed(ping(lost)).status)).toEqual(['pass', 'pass', 'unknown', 'fail'])
  expect(judgeProbed(ping(2)).name).toBe('probe-ping')
  // A slow answer to an echo is a slow answer: nothing was sent again.
  expect(judgeProbed(probed(null, figures(30, { slow: 20 }), { target: 'ping' })).status).toBe('pass')
})

test('a cure that takes its time: the same loss as before is no verdict yet, more of it is one', () => {
  const before = figures(40, { lost: 10 })
  expect(judgeProbed(probed(before, figures(40, { lost: 10 })), 'later').status).toBe('unknown')
  expect(judgeProbed(probed(before, figures(40, { lost: 11 })), 'later').status).toBe('unknown')
  expect(judgeProbed(probed(before, figures(40, { lost: 20 })), 'later').status).toBe('fail')
  expect(judgeProbed(probed(before, figures(40)), 'later').status).toBe('pass')
})

test('a look without a before says so where nothing listens: none lost alone would read as well', () => {
  const check = judgeProbed(probed(null, figures(25, { refused: 25 })))
  expect(check.detail).toMatch(/^nothing listens there: none of 25 lost, 25 refused/)
})
