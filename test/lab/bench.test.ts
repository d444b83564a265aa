/** The bench itself: everybody takes part, and what can be promised on any machine holds. */
import { expect, test } from 'vitest'
import { goals } from '../../tools/bench/goals.ts'
import { thisMachine } from '../../tools/bench/machine.ts'
import { race } from '../../tools/bench/race.ts'
import { asMarkdown, asText } from '../../tools/bench/report.ts'
import { scale } from '../../tools/bench/scale.ts'

test('all contestants go over the same two hosts', async () => {
  const done = await race(2, 1, () => {})
  const names = done.entrants.map(({ name }) => name)
  expect(names).toEqual([
    'ctfix facts',
    'ctfix apply',
    'ctfix apply, nothing to do',
    'ssh host true (curve25519)',
    'ssh host true (as it comes)',
    'clush true (curve25519)',
    'ansible-playbook (pipelining)',
    'ansible-playbook (mitogen)',
  ])
  for (const { name, laps, error } of done.entrants) {
    expect([name, error]).toEqual([name, null])
    expect(laps).toHaveLength(1)
    for (const { ms, hostsCpuMs } of laps) expect([name, ms > 0, hostsCpuMs > 0]).toEqual([name, true, true])
  }
  const bench = { machine: thisMachine(), races: [done], scales: [], helpMs: 100 }
  for (const page of [asText(bench), asMarkdown(bench, { intro: '', outro: '' })])
    for (const name of names) expect(page).toContain(name)
  expect(goals(bench).map(({ what }) => what)).toContain('ctfix apply against ansible-playbook (pipelining), 2 hosts')
})

test('500 simulated hosts: little memory, and nothing that holds up the others', async () => {
  const runs = await scale(500)
  expect(runs.map(({ command }) => command)).toEqual(['facts', 'plan'])
  for (const { command, residentMb, longestWorkMs } of runs) {
    expect(longestWorkMs, `ctfix ${command}: work without a pause, in ms`).toBeGreaterThan(0)
    expect(longestWorkMs, `ctfix ${command}: work without a pause, in ms`).toBeLessThan(200)
    expect(residentMb, `ctfix ${command}: MB resident`).toBeLessThan(250)
  }
})
