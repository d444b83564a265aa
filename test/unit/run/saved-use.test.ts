/** A saved plan is used once. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { ConfigError, StaleError } from '../../../src/errors.ts'
import type { ReadPlan } from '../../../src/run/saved-file.ts'
import { forgetUse, takePlan, useOf } from '../../../src/run/saved-use.ts'

const BY = { run: 'R1', who: 'a@b', at: '2026-01-01T00:00:00.000Z' }

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ctfix-used-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const state = (name = 'state'): string => join(directory, name)
function read(id = '01JD8Z5W3M9QX7R2T4V6B8N0KC', file = 'p.plan'): ReadPlan {
  return { file: join(directory, file), plan: { id }, isEdited: false } as unknown as ReadPlan
}

it('the first takes it, the second hears of whom', () => {
  expect(useOf(state(), read())).toBeNull()
  takePlan(state(), read(), BY)
  expect(useOf(state(), read())).toMatchObject(BY)
  expect(() => takePlan(state(), read(), { ...BY, run: 'R2' })).toThrow(/used already: 2026\S+, by a@b, in run R1$/)
  expect(readdirSync(directory).toSorted()).toEqual(['p.plan.used', 'state'])
  expect(readdirSync(join(state(), 'used-plans'))).toEqual([read().plan.id])
})

it('a copy elsewhere is the same plan; from another state directory the mark beside the file counts', () => {
  takePlan(state(), read(), BY)
  expect(useOf(state(), read(undefined, 'copy.plan'))).toMatchObject(BY)
  expect(useOf(state('other'), read())).toMatchObject(BY)
  expect(() => takePlan(state('other'), read(), { ...BY, run: 'R2' })).toThrow(StaleError)
  // Who lost has not used it.
  expect(readdirSync(join(state('other'), 'used-plans'))).toEqual([])
})

it('a new plan of the same name is another one; its file takes the mark of the old one away', () => {
  takePlan(state(), read(), BY)
  const next = read('01JD8Z5W3M9QX7R2T4V6B8N0KD')
  expect(useOf(state(), next)).toBeNull()
  forgetUse(next.file)
  takePlan(state(), next, { ...BY, run: 'R2' })
  expect(useOf(state('other'), next)).toMatchObject({ run: 'R2' })
})

it('what has the name of the mark and is none is left alone', () => {
  const secret = join(directory, 'secret')
  writeFileSync(secret, 'mine')
  symlinkSync(secret, join(directory, 'p.plan.used'))
  takePlan(state(), read(), BY)
  forgetUse(read().file)
  expect(readFileSync(join(directory, 'p.plan.used'), 'utf8')).toBe('mine')
  expect(useOf(state(), read())).toMatchObject(BY)
})

it('where it cannot be noted nothing may be changed', () => {
  writeFileSync(state(), 'a file')
  expect(() => takePlan(state(), read(), BY)).toThrow(ConfigError)
  expect(() => takePlan(state(), read(), BY)).toThrow(/nothing was changed: cannot note that the plan is used/)
})

it('a mark that nobody can read counts as used', () => {
  mkdirSync(join(state(), 'used-plans'), { recursive: true })
  writeFileSync(join(state(), 'used-plans', read().plan.id), '')
  expect(useOf(state(), read())).toMatchObject({ run: 'unknown' })
})
