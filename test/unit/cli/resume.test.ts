/** What a run that goes on may not leave behind. */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { expect, it } from 'vitest'
import { type ApplyOptions, withGuardOptions, withSharedOptions, withWhatOptions } from '../../../src/cli/options.ts'
import { resume } from '../../../src/cli/resume.ts'
import { withRolloutOptions } from '../../../src/cli/rollout-options.ts'
import { NoMatchError } from '../../../src/errors.ts'
import { openRecord } from '../../../src/run/record.ts'
import { writtenStretches } from '../../../src/run/rollout/recorded-rules.ts'
import type { Status } from '../../../src/run/status.ts'
import { makeOutcome } from '../../support/outcomes.ts'
import { makeHosts, stretch } from '../run/rollout/hosts.ts'

/** A run over h0, h1 and h2 whose canary h0 ended so, gone on with without h0. */
async function goOn(canaryIs: Status, ...more: readonly string[]): Promise<void> {
  const state = mkdtempSync(join(tmpdir(), 'ctfix-resume-'))
  const hosts = makeHosts(3)
  const rollout = writtenStretches([stretch(hosts, { canary: ['h0'] })])
  const record = openRecord(state, 'RUN', { strategy: ['raise'], hosts: hosts.map(({ name }) => name), rollout })
  record.write({ type: 'outcome', host: 'h0', outcome: makeOutcome(canaryIs, { host: 'h0' }) })
  await record.close(['{}'])
  const command = withRolloutOptions(withGuardOptions(withWhatOptions(withSharedOptions(new Command('x')))))
  const args = ['-i', 'h0,h1,h2,', '-u', 'me', '--state-dir', state, '-l', 'h1:h2', ...more]
  return resume(command.parse(args, { from: 'user' }).opts<ApplyOptions>(), 'RUN')
}

it('is a canary that did not pass', async () => {
  const error: unknown = await goOn('rolled-back').catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(NoMatchError)
  expect(error).toMatchObject({ message: 'run RUN: h0 of its canary did not pass, and is not among these hosts' })
})

it('is not one that has passed, nor one for which another goes first', async () => {
  // Both come as far as what is wrong next.
  const next = ['--revert-in', '1s']
  await expect(goOn('changed', ...next)).rejects.toThrow(/^--revert-in 1: /)
  await expect(goOn('failed', '--canary', 'h1', ...next)).rejects.toThrow(/^--revert-in 1: /)
  await expect(goOn('failed', ...next)).rejects.toThrow(/of its canary/)
})
