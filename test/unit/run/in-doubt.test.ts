import { expect, it } from 'vitest'
import { isInDoubt } from '../../../src/run/resume.ts'
import { STATUSES } from '../../../src/run/status.ts'

it('in doubt is a host that was begun and never told of, or that needs a person', () => {
  const doubtful = STATUSES.filter(status => isInDoubt({ step: 'apply', outcome: { status } }))
  expect(doubtful.toSorted()).toEqual(['rollback-failed', 'unknown'])
  expect(isInDoubt({ step: 'apply', outcome: null })).toBe(true)
  expect(isInDoubt({ step: null, outcome: null })).toBe(false)
})
