/** Ctrl-C while hosts are looked at: nobody is asked about a run that is over. */
import { expect, it } from 'vitest'
import { carryOut } from '../../../src/cli/carry-out.ts'
import type { Session } from '../../../src/cli/session.ts'
import type { Prepared } from '../../../src/run/commands.ts'
import { makeFacts } from '../../support/facts.ts'
import { planFor } from '../../support/outcomes.ts'
import { makeHosts } from '../run/rollout/hosts.ts'

it('asks nothing, touches nobody, and closes what it holds', async () => {
  const stop = new AbortController()
  const said: string[] = []
  const view = { async settle() {}, plans() {}, ask: () => said.push('ask') }
  const session = {
    run: 'RUN',
    view,
    stop: stop.signal,
    onLook: () => {},
    tools: { run: 'RUN', emit: () => {} },
  } as unknown as Session
  const hosts = makeHosts(3)
  const open = new Set<string>()
  const outcomes = await carryOut(session, {
    hosts,
    prepare: async host => {
      if (host.name === 'h1') stop.abort()
      open.add(host.name)
      const connection = {
        alive: true,
        async [Symbol.asyncDispose]() {
          open.delete(host.name)
        },
      }
      const act = () => Promise.reject(new Error('touched'))
      return { host, facts: makeFacts(), plan: planFor(), connection, act } as unknown as Prepared
    },
    forks: 1,
    yes: false,
    stopsAtPlan: false,
    question: () => {
      said.push('question')
      return ''
    },
  })
  expect(outcomes.map(({ host, status, cause }) => [host, status, cause])).toEqual(
    hosts.map(({ name }) => [name, 'skipped', 'interrupted']),
  )
  expect([said, [...open]]).toEqual([[], []])
}, 5000)
