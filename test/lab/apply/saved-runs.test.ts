/** Runs of a saved plan: used up by the first host that is begun and by one run only, gone on with, with nobody's secrets. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import type { Document } from '../product.ts'
import { productFor } from '../product.ts'
import { startProgram } from '../simulated/child.ts'
import { createDebian, MAX, stepwise } from '../simulated/debian.ts'
import { startSimulated } from '../simulated.ts'
import { asRoot, changes, contentsOf, onFleet } from './stage.ts'

const YES = ['--yes', '--window', '1s', '--connect-timeout', '20']
/** Many of these at once take their time. */
const PATIENT = { timeoutMs: 60_000 }
const statuses = ({ hosts }: Document): string[] => hosts.map(({ name, status }) => `${name} ${status}`)

asRoot.concurrent('a run of a saved plan', () => {
  test('interrupted before any host was begun: the plan is not used up', async () => {
    await onFleet(2, async ({ lab, hosts, product }) => {
      const file = join(product.directory, 'p.plan')
      await product.run(['plan', '--strategy', 'raise', '--out', file])
      const [first] = hosts
      if (!first) throw new Error('too few hosts')
      const child = startProgram(product, ['apply', '--plan', file, ...YES, '--output', 'json'], PATIENT)
      // Before the answer to its first look: no host can have been begun.
      lab.host('sim-1').answer(stepwise(first.answer, n => n === 1 && child.interrupt()))
      const { exitCode, stderr } = await child.ended
      expect(exitCode, stderr).toBe(130)
      expect([changes(lab.host('sim-1')), changes(lab.host('sim-2'))]).toEqual([0, 0])
      lab.host('sim-1').answer(first.answer)
      const { result, document } = await product.json(['apply', '--plan', file, ...YES])
      expect([result.exitCode, ...statuses(document)]).toEqual([0, 'sim-1 changed', 'sim-2 changed'])
    })
  })

  test('a plan that is interrupted is not written', async () => {
    await onFleet(1, async ({ lab, hosts, product }) => {
      const child = startProgram(
        product,
        ['plan', '--strategy', 'raise', '--out', join(product.directory, 'p.plan')],
        PATIENT,
      )
      const answer = hosts[0]?.answer
      if (answer) lab.host('sim-1').answer(stepwise(answer, n => n === 1 && child.interrupt()))
      expect((await child.ended).stderr).toMatch(/interrupted: \S+p\.plan is not written/)
      expect(readdirSync(product.directory)).not.toContain('p.plan')
    })
  })

  test('two at once: one of them carries it out, the other changes nothing', async () => {
    await onFleet(3, async ({ lab, hosts, product }) => {
      const file = join(product.directory, 'p.plan')
      await product.run(['plan', '--strategy', 'raise', '--out', file])
      // Both have looked before either goes on.
      const looked = Promise.withResolvers<void>()
      const [first] = hosts
      if (!first) throw new Error('too few hosts')
      lab.host('sim-1').answer(
        stepwise(first.answer, n => {
          if (n === 2) looked.resolve()
          return looked.promise
        }),
      )
      const both = await Promise.all(
        ['state', 'other'].map(state =>
          product.json(['apply', '--plan', file, ...YES, '--state-dir', join(product.directory, state)]),
        ),
      )
      const won = both.filter(({ document }) => document.hosts.every(({ status }) => status === 'changed'))
      expect(
        won.map(({ result }) => result.exitCode),
        JSON.stringify(both.map(({ document }) => statuses(document))),
      ).toEqual([0])
      const lost = both.filter(one => !won.includes(one))
      expect(lost.map(({ result }) => result.exitCode)).toEqual([7])
      expect(lost[0]?.document.hosts.map(({ cause }) => cause)).toEqual(['stale', 'stale', 'stale'])
      for (const name of ['sim-1', 'sim-2', 'sim-3']) expect(changes(lab.host(name))).toBe(1)
    })
  })

  test('a person is asked; what changed while they thought about it is left alone, and nothing hangs', async () => {
    await onFleet(2, async ({ lab, hosts, product }) => {
      const file = join(product.directory, 'p.plan')
      await product.run(['plan', '--strategy', 'raise', '--out', file])
      const child = startProgram(product, ['apply', '--plan', file, '--window', '1s'], {
        ...PATIENT,
        atTerminal: true,
      })
      await child.says(/Apply to 2 of 2 hosts\?/)
      hosts[1]?.put(MAX, '700\n')
      child.answer('y')
      const { exitCode, stdout } = await child.ended
      // One that hangs is ended, and not with 7.
      expect(exitCode, stdout).toBe(7)
      expect([changes(lab.host('sim-1')), changes(lab.host('sim-2'))]).toEqual([1, 0])
    })
  })

  test('broken off: it goes on with the same plan, and not with another one', async () => {
    await onFleet(3, async ({ lab, hosts, product }) => {
      const file = join(product.directory, 'p.plan')
      await product.run(['plan', '--strategy', 'raise', '--out', file])
      const [first, second] = hosts
      if (!first || !second) throw new Error('too few hosts')
      const child = startProgram(product, ['apply', '--plan', file, ...YES, '--serial', '1'], PATIENT)
      lab.host('sim-1').answer(
        stepwise(first.answer, async n => {
          if (n !== 3) return
          lab.host('sim-1').answer(first.answer)
          await child.kill()
        }),
      )
      await child.ended
      const [run = ''] = readdirSync(join(product.directory, 'state', 'runs'))
      second.put(MAX, '700\n')
      const { result, document } = await product.json(['apply', '--resume', run, ...YES, '--max-failed', '1'])
      expect(statuses(document)).toEqual(['sim-1 changed', 'sim-2 failed', 'sim-3 changed'])
      expect(document.hosts[1]?.error?.message).toContain('nf_conntrack_max was 600, is 700')
      expect([result.exitCode, changes(lab.host('sim-2'))]).toEqual([7, 0])
    })
  })

  test('broken off in the middle of a host that changed since: nobody was shown what would be done there now', async () => {
    await onFleet(1, async ({ lab, hosts, product }) => {
      const file = join(product.directory, 'p.plan')
      await product.run(['plan', '--strategy', 'raise', '--out', file])
      const [first] = hosts
      if (!first) throw new Error('too few hosts')
      const child = startProgram(product, ['apply', '--plan', file, ...YES], PATIENT)
      // The second command is the change: the record says that it was about to be asked for, the host knows of none.
      lab.host('sim-1').answer(async request => {
        if (!request.stdin.includes('guard.sh" start')) return first.answer(request)
        lab.host('sim-1').answer(first.answer)
        await child.kill()
        return { exitCode: 255 }
      })
      await child.ended
      const [run = ''] = readdirSync(join(product.directory, 'state', 'runs'))
      first.put(MAX, '700\n')
      const { result, document } = await product.json(['apply', '--resume', run, ...YES])
      expect([result.exitCode, document.hosts[0]?.status, document.hosts[0]?.cause]).toEqual([7, 'failed', 'stale'])
      expect(document.hosts[0]?.error?.message).toContain('nf_conntrack_max was 600, is 700')
      expect(first.read(MAX)).toBe('700\n')
    })
  })

  test('goes in the batches of the playbook that the plan was made from; flags go before them', async () => {
    await onFleet(4, async ({ lab, hosts, product }) => {
      const playbook = join(product.directory, 'play.yaml')
      writeFileSync(
        playbook,
        stringify([
          { name: 'p', hosts: 'all', strategy: 'raise', canary: 'sim-3', serial: [1, '50%'], revert_in: '90s' },
        ]),
      )
      const file = join(product.directory, 'p.plan')
      const made = await product.run(['plan', '--playbook', playbook, '--out', file, '--output', 'markdown'])
      expect(made.exitCode, made.stderr).toBe(0)
      expect(made.stdout).toContain(
        '## Batches and limits\n\n- `3 batches over 4 hosts: canary 1, 1, 2`\n- `stops at: ',
      )
      writeFileSync(playbook, 'nothing any more')
      const shown = await product.run(['show', file])
      expect(shown.stdout).toContain('3 batches over 4 hosts: canary 1, 1, 2')
      const limited = await product.run(['apply', '--plan', file, ...YES, '--limit', 'sim-1'])
      expect([limited.exitCode, limited.stderr]).toEqual([66, expect.stringContaining('no host of the canary')])
      const { stdout, exitCode } = await product.run(['apply', '--plan', file, ...YES, '--output', 'ndjson'])
      expect(exitCode).toBe(0)
      const events = stdout
        .trim()
        .split('\n')
        .map(line => JSON.parse(line))
      const batches = events.filter(({ type }) => type === 'batch')
      expect(batches.map(({ hosts: names, canary }) => [canary, ...names])).toEqual([
        [true, 'sim-3'],
        [false, 'sim-1'],
        [false, 'sim-2', 'sim-4'],
      ])
      const armed = lab.host('sim-1').requests.filter(({ stdin }) => /guard\.sh" start/.test(stdin))
      expect(armed.map(({ stdin }) => /\b90\b/.test(stdin))).toEqual([true])
      expect(hosts.every(host => host.read(MAX) !== '600\n')).toBe(true)
    })
  })

  test('no secret is in the plan, in its marks, or in what is shown of it', async () => {
    const [password, become, vaulted, env] = ['canary-login-1', 'canary-become-2', 'canary-other-3', 'canary-env-4']
    using host = createDebian()
    await using lab = await startSimulated(1, { password, answer: host.answer })
    using product = productFor(lab)
    const inventory = parse(readFileSync(product.inventory, 'utf8'))
    Object.assign(inventory.all.hosts['sim-1'], { ansible_become_password: become, some_token: vaulted })
    writeFileSync(product.inventory, stringify(inventory))
    const file = join(product.directory, 'p.plan')
    const options = { env: { SOME_TOKEN: env } }
    const ran = [
      await product.run(['plan', '--strategy', 'raise', '--out', file], options),
      await product.run(['show', file, '--output', 'json'], options),
      await product.run(['apply', '--plan', file, ...YES], options),
      await product.run(['show', file], options),
    ]
    expect(
      ran.map(({ exitCode }) => exitCode),
      ran.map(({ stderr }) => stderr).join(''),
    ).toEqual([0, 0, 0, 0])
    const files = contentsOf(product.directory)
    expect([...files.keys()]).toEqual(expect.arrayContaining(['p.plan', 'p.plan.used', 'saved-plan.json']))
    files.delete('inventory.yaml')
    const texts = [...files.values(), ...ran.flatMap(({ stdout, stderr }) => [stdout, stderr])]
    for (const secret of [password, become, vaulted, env]) {
      expect(
        texts.filter(text => text.includes(secret)),
        secret,
      ).toEqual([])
    }
  })
})
