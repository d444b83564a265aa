/** Hosts of a run are reached as the run reached them, `-e` and all. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { openFleetAsThen } from '../../../src/cli/as-then.ts'
import type { SharedOptions } from '../../../src/cli/options.ts'
import { UsageError } from '../../../src/errors.ts'
import { temporary } from '../transport/hosts.ts'

const ASKED: SharedOptions = {
  ...{ inventory: ['web-1,'], becomeMethod: 'sudo', knownHosts: [], forks: 50, connectTimeout: 60, user: 'me' },
  ...{ output: 'human', color: false },
}
const said: string[] = []
beforeEach(() => {
  said.length = 0
  vi.spyOn(process.stderr, 'write').mockImplementation(text => said.push(String(text)) > 0)
})
afterEach(() => {
  vi.restoreAllMocks()
})

const KEPT = { ansible_port: '2222', ansible_user: 'ops' }

async function hostOf(extra_vars: { kept: Record<string, unknown>; left: string[] } | null, ...extraVars: string[]) {
  const recorded = extra_vars && { run: 'R', extra_vars }
  const { hosts } = await openFleetAsThen({ ...ASKED, extraVars }, recorded)
  return hosts[0]
}

it('as it was given, and says so', async () => {
  expect(await hostOf({ kept: KEPT, left: [] })).toMatchObject({ port: 2222, user: 'ops' })
  expect(said).toEqual(['ctfix: as in run R, unless -e says otherwise: ansible_port=2222 ansible_user=ops\n'])
})

it('what is given now goes before it', async () => {
  expect(await hostOf({ kept: KEPT, left: [] }, 'ansible_port=22')).toMatchObject({ port: 22, user: 'ops' })
  expect(said).toEqual(['ctfix: as in run R, unless -e says otherwise: ansible_user=ops\n'])
})

it('a run of which nothing is known, or that was given nothing, is as good as none', async () => {
  expect(await hostOf(null)).toMatchObject({ port: 22, user: 'me' })
  expect(await hostOf({ kept: {}, left: [] })).toMatchObject({ port: 22, user: 'me' })
  expect(said).toEqual([])
})

it('a way in that no record keeps has to be said again: another machine might answer', async () => {
  const left = { kept: {}, left: ['ansible_ssh_common_args', 'ansible_password'] }
  const error = await hostOf(left).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(UsageError)
  expect(error).toMatchObject({
    message: 'run R was given ansible_ssh_common_args by -e, of which no record keeps the value',
    hint: 'the same -e again, or -e ansible_ssh_common_args=… with what holds now',
  })
  expect((await hostOf(left, "ansible_ssh_common_args='-J gate'"))?.ssh?.options).toEqual([['proxyjump', 'gate']])
})

it('a password stands in no one’s way: who needs it is told how', async () => {
  using directory = temporary()
  const file = join(directory.path, 'vars.yml')
  writeFileSync(file, 'ansible_become_password: hunter2\n')
  const left = { kept: {}, left: ['ansible_become_password'] }
  expect(await hostOf(left)).toMatchObject({ port: 22 })
  expect(said).toEqual([
    'ctfix: run R was given ansible_become_password by -e, and no record keeps a password: -e @FILE, -k or -K\n',
  ])
  said.length = 0
  await hostOf(left, `@${file}`)
  expect(said).toEqual([])
})
