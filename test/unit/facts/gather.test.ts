/** A probe that came to nothing: whose fault it was. */
import { expect, test } from 'vitest'
import { CommandError, ProbeError } from '../../../src/errors.ts'
import { gatherFacts } from '../../../src/facts/gather.ts'
import type { Connection, ExecResult } from '../../../src/transport/connection.ts'
import { hostOf } from '../transport/hosts.ts'

function answering(answer: (command: string) => ExecResult): Connection {
  const exec = (command: string): Promise<ExecResult> => Promise.resolve(answer(command))
  return { host: hostOf({ user: 'ops' }), alive: true, exec, [Symbol.asyncDispose]: () => Promise.resolve() }
}

const stderr = 'Could not chdir to home directory /nonexistent: No such file or directory\n'

test.each([
  ['This account is currently not available.\n', 'This account is currently not available.'],
  ['', stderr.trim()],
])('an account without a shell that runs commands: %j', async (stdout, says) => {
  const error = await gatherFacts(answering(() => ({ exitCode: 1, stdout, stderr }))).catch((thrown: unknown) => thrown)
  if (!(error instanceof CommandError)) throw error
  expect(error.message).toBe(`web-1: nothing could be run: the login shell ended with exit code 1: ${says}`)
  expect([error.begun, error.hint]).toEqual([false, expect.stringContaining('getent passwd ops')])
})

test('a probe that began is its own', async () => {
  const begun = answering(command => ({ exitCode: 1, stdout: command, stderr: 'sh: no space\n' }))
  const error = await gatherFacts(begun).catch((thrown: unknown) => thrown)
  if (!(error instanceof ProbeError)) throw error
  expect(error.message).toBe('web-1: the probe ended with exit code 1: sh: no space')
})

test('a shell that reads the program as something else: what it did not understand is no missing /bin/sh', async () => {
  const fish = "fish: Unsupported use of '='\nLC_ALL=C\n^~~~~~~^\n"
  const failed = (said: string) =>
    gatherFacts(answering(() => ({ exitCode: 127, stdout: '', stderr: said }))).catch((thrown: unknown) => thrown)
  expect(await failed(fish)).toMatchObject({
    message: "web-1: nothing could be run: the login shell ended with exit code 127: fish: Unsupported use of '='",
  })
  expect(await failed('bash: line 1: /bin/sh: No such file or directory\n')).toMatchObject({
    message: 'web-1: no /bin/sh to run: bash: line 1: /bin/sh: No such file or directory',
  })
})

test('a forced command ends well, and says something else', async () => {
  const forced = answering(() => ({ exitCode: 0, stdout: 'backups only\n', stderr: '' }))
  await expect(gatherFacts(forced)).rejects.toMatchObject({
    hint: 'the last line it printed: backups only; a forced command answers so: command= in authorized_keys, ForceCommand in sshd_config',
  })
})
