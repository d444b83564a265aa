/** Tries → figures. */
import { expect, test } from 'vitest'
import { type Answer, figuresOf, type Sample, whyUnmeasured } from '../../../../src/run/outside/figures.ts'

const LOST: Answer = { kind: 'lost' }
const after = (ms: number): Answer => ({ kind: 'answer', ms })

/** One try each 250 ms. */
function samples(answers: readonly Answer[], part: Sample['part'] = 'after'): Sample[] {
  return answers.map((answer, i) => {
    const from = i * 250
    return { part, from, to: from + ('ms' in answer ? answer.ms : 3000), answer }
  })
}

test('nothing was sent: no figures but zeros', () => {
  expect(figuresOf([], 'after')).toEqual({ sent: 0, lost: 0, slow: 0, refused: 0, p50: null, p95: null, worst: null })
})

test('lost is no answer, slow is an answer to what was sent again, refused is an answer too', () => {
  const tries = samples([after(1), LOST, after(1003), { kind: 'refused', ms: 2 }, after(999)])
  expect(figuresOf(tries, 'after')).toEqual({ sent: 5, lost: 1, slow: 1, refused: 1, p50: 2, p95: 1003, worst: 1003 })
})

test('each part has its own', () => {
  const tries = [...samples([LOST, LOST], 'before'), ...samples([after(3)], 'during'), ...samples([after(1)])]
  expect(figuresOf(tries, 'before')).toMatchObject({ sent: 2, lost: 2, p50: null, worst: null })
  expect(figuresOf(tries, 'during')).toMatchObject({ sent: 1, lost: 0, p50: 3 })
  expect(figuresOf(tries, 'after')).toMatchObject({ sent: 1, lost: 0, worst: 1 })
})

test('a percentile is a time that was measured: the nearest rank', () => {
  const tries = samples(Array.from({ length: 100 }, (_, i) => after(100 - i)))
  expect(figuresOf(tries, 'after')).toMatchObject({ p50: 50, p95: 95, worst: 100 })
  expect(figuresOf(samples([after(0.04321)]), 'after')).toMatchObject({ p50: 0, p95: 0, worst: 0 })
})

test('what this machine could not try is not counted, and said', () => {
  const tries = samples([after(1), { kind: 'unmeasured', why: 'EMFILE' }])
  expect(figuresOf(tries, 'after').sent).toBe(1)
  expect(whyUnmeasured(tries, [])).toBe('EMFILE')
  expect(whyUnmeasured(samples([after(1), LOST]), [])).toBeNull()
})

test('what was late or lost while this process stood still is not the doing of the host; what was in time is', () => {
  const tries = samples([after(1), LOST, after(1500), after(2)])
  const stalls = [{ from: 700, to: 1400 }]
  expect(figuresOf(tries, 'after', stalls)).toMatchObject({ sent: 2, lost: 0, slow: 0, worst: 2 })
  expect(whyUnmeasured(tries, stalls)).toBe('this machine was too busy to measure')
  expect(figuresOf(tries, 'after', [{ from: 9000, to: 9900 }])).toMatchObject({ sent: 4, lost: 1, slow: 1 })
})
