/** `ctfix apply --resume RUN`, and what `ctfix runs` says before and after. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runRecordSchema, runsSchema } from '../../../src/view/runs-schema.ts'
import { inTerminal } from '../../support/terminal.ts'
import { PROGRAM, type Product } from '../product.ts'
import { startProgram } from '../simulated/child.ts'
import { MAX, stepwise } from '../simulated/debian.ts'
import { APPLY, asRoot, changes, IMPATIENT, onFleet, onStage } from './stage.ts'

/** All that a person sees of it. */
async function atTerminal({ directory, inventory }: Product, words: readonly string[]): Promise<string> {
  const fixed = [
    '-i',
    inventory,
    '--known-hosts',
    join(directory, 'known_hosts'),
    '--state-dir',
    join(directory, 'state'),
  ]
  const { chunks } = await inTerminal([process.execPath, PROGRAM, ...words, ...fixed], { columns: 100, rows: 30 })
  return chunks.map(({ text }) => text).join('')
}

asRoot.concurrent('resume', () => {
  test('after kill -9: the host that is done stays, the one in doubt is looked at and kept, the others are done', async () => {
    await onFleet(4, async ({ lab, hosts, product }) => {
      const second = lab.host('sim-2')
      const { answer } = hosts[1] ?? {}
      if (!answer) throw new Error('no second host')
      // The third command is the proof: by then it is armed, changed, and not confirmed.
      second.answer(
        stepwise(answer, async n => {
          if (n !== 3) return
          second.answer(answer)
          await child.kill()
        }),
      )
      const child = startProgram(product, [...APPLY, '--forks', '1', '--revert-in', '5m'])
      await child.ended
      const [run = ''] = readdirSync(join(product.directory, 'state', 'runs'))
      const list = await product.run(['runs', 'list', '--output', 'json'])
      expect(runsSchema.parse(JSON.parse(list.stdout)).runs).toMatchObject([{ run, pending: ['sim-2'] }])
      const show = await product.run(['runs', 'show', run, '--output', 'json'])
      const shown = runRecordSchema.parse(JSON.parse(show.stdout))
      expect(
        shown.hosts.map(({ name, state, on_host }) => [name, state, on_host && 'state' in on_host && on_host.state]),
      ).toEqual([
        ['sim-1', 'changed', 'kept'],
        ['sim-2', 'in-doubt', 'armed'],
        ['sim-3', 'not-begun', null],
        ['sim-4', 'not-begun', null],
      ])
      const before = lab.host('sim-1').counts.connections
      const { result, document } = await product.json(['apply', '--resume', run, '--yes', '--window', '1s'])
      expect(result.exitCode, result.stderr).toBe(0)
      expect(document.run).toBe(run)
      expect(document.hosts.map(({ name, status }) => [name, status])).toEqual(
        ['sim-1', 'sim-2', 'sim-3', 'sim-4'].map(name => [name, 'changed']),
      )
      expect(lab.host('sim-1').counts.connections).toBe(before)
      // Asked what became of it, looked at, proved, kept: it was never changed a second time.
      const stages = second.requests.filter(({ stdin }) => stdin.includes('guard.sh" start'))
      expect(stages).toHaveLength(1)
      for (const host of hosts) expect(Number(host.read(MAX))).toBeGreaterThan(600)
      const again = await product.json(['apply', '--resume', run, '--yes'])
      expect([again.result.exitCode, again.document.hosts.length]).toEqual([0, 4])
      expect((await product.run(['runs', 'show', run])).stdout).not.toContain('in doubt')
      const rolled = await product.json(['rollback', run, '--yes'])
      expect(rolled.document.hosts.map(({ status }) => status)).toEqual(Array(4).fill('changed'))
      for (const host of hosts) expect(host.read(MAX)).toBe('600\n')
    })
  })

  test('one in doubt that cannot be asked is unknown, and stays in doubt until it is', async () => {
    await onStage(async ({ sim, host, product, before }) => {
      before(async n => {
        if (n === 3) await child.kill()
      })
      const child = startProgram(product, [...APPLY, '--revert-in', '5m'])
      await child.ended
      before(() => {})
      const [run = ''] = readdirSync(join(product.directory, 'state', 'runs'))
      await sim.failConnect('deny')
      const goOn = ['apply', '--resume', run, '--yes', '--window', '1s']
      const { result, document } = await product.json([...goOn, ...IMPATIENT])
      expect([document.hosts[0]?.status, result.exitCode]).toEqual(['unknown', 5])
      expect(document.hosts[0]?.error?.message).toMatch(
        /^it was begun before, and what became of that cannot be seen: /,
      )
      const list = await product.run(['runs', 'list', '--output', 'json'])
      expect(runsSchema.parse(JSON.parse(list.stdout)).runs[0]?.pending).toEqual(['sim-1'])
      await sim.heal()
      const again = await product.json(goOn)
      expect([again.document.hosts[0]?.status, again.result.exitCode]).toEqual(['changed', 0])
      expect(changes(sim)).toBe(1)
      expect(Number(host.read(MAX))).toBeGreaterThan(600)
    })
  })

  test.for([
    // The proof is not begun; the files are written, and nobody hears of it.
    ['armed', 'before', 3],
    ['kept', 'after', 4],
  ] as const)('a person says yes to going on with one that is %s: it is gone on with', async ([state, when, nth]) => {
    await onStage(async ({ sim, host, product, before }) => {
      let n = 0
      sim.answer(async request => {
        n += 1
        if (n === nth && when === 'before') await child.kill()
        const answer = await host.answer(request)
        if (n === nth && when === 'after') await child.kill()
        return answer
      })
      const child = startProgram(product, [...APPLY, '--revert-in', '5m'])
      await child.ended
      before(() => {})
      const [run = ''] = readdirSync(join(product.directory, 'state', 'runs'))
      const show = await product.run(['runs', 'show', run, '--output', 'json'])
      expect(runRecordSchema.parse(JSON.parse(show.stdout)).hosts).toMatchObject([{ on_host: { state } }])
      const again = startProgram(product, ['apply', '--resume', run, '--window', '1s'], { atTerminal: true })
      await again.says(/Go on with 1 of 1 hosts\?/)
      again.answer('y')
      const { exitCode, stdout, stderr } = await again.ended
      expect(exitCode, stdout + stderr).toBe(0)
      expect(stdout).toMatch(/changed 1/)
      expect(changes(sim)).toBe(1)
      expect(Number(host.read(MAX))).toBeGreaterThan(600)
    })
  })

  test('before anything was planned: what was asked for stands in the record', async () => {
    await onStage(async ({ host, product, before }) => {
      before(async n => {
        if (n === 1) await child.kill()
      })
      const child = startProgram(product, [...APPLY, '--set', 'max=9000'])
      await child.ended
      before(() => {})
      const [run = ''] = readdirSync(join(product.directory, 'state', 'runs'))
      const header = JSON.parse(readFileSync(join(product.directory, 'state', 'runs', run, 'run.json'), 'utf8'))
      expect(header).toMatchObject({
        command: 'apply',
        tasks: [{ hosts: ['sim-1'], steps: [{ strategy: 'raise', options: { max: 9000 } }] }],
      })
      const seen = await atTerminal(product, ['apply', '--resume', run, '--dry-run'])
      expect(seen).toContain('Connect')
      expect(seen).not.toContain('Change live values')
      const { result, document } = await product.json(['apply', '--resume', run, '--yes', '--window', '1s'])
      expect([document.hosts[0]?.status, result.exitCode]).toEqual(['changed', 0])
      expect(host.read(MAX)).toBe('9000\n')
    })
  })

  test('hosts that only -e could reach are reached again without it: gone on with, looked at, taken back', async () => {
    await onStage(async ({ host, product, before }) => {
      const text = readFileSync(product.inventory, 'utf8')
      const port = /ansible_port: (\d+)/.exec(text)?.[1]
      writeFileSync(product.inventory, text.replace(/ansible_port: \d+/, 'ansible_port: 1'))
      before(async n => {
        if (n === 3) await child.kill()
      })
      const child = startProgram(product, [...APPLY, '-e', `ansible_port=${port}`, '--revert-in', '5m'])
      await child.ended
      before(() => {})
      const [run = ''] = readdirSync(join(product.directory, 'state', 'runs'))
      const { result, document } = await product.json(['apply', '--resume', run, '--yes', '--window', '1s'])
      expect([document.hosts[0]?.status, result.exitCode]).toEqual(['changed', 0])
      expect(result.stderr).toContain(`ctfix: as in run ${run}, unless -e says otherwise: ansible_port=${port}\n`)
      const verified = await product.json(['verify', '--run', run, '--window', '1s'])
      expect(verified.document.hosts[0]?.status).toBe('ok')
      const asked = await product.run(['runs', 'show', run, '--output', 'json'])
      expect(runRecordSchema.parse(JSON.parse(asked.stdout)).hosts[0]?.on_host).toMatchObject({ state: 'kept' })
      const away = await product.json(['rollback', run, '--yes', ...IMPATIENT, '-e', 'ansible_port=1'])
      expect(away.document.hosts[0]?.status).toBe('unreachable')
      const back = await product.json(['rollback', run, '--yes'])
      expect([back.document.hosts[0]?.status, host.read(MAX)]).toEqual(['changed', '600\n'])
    })
  })

  test('what it cannot mean is one sentence and 64, before any host', async () => {
    await onStage(async ({ lab, product }) => {
      const { document } = await product.json(APPLY)
      const back = await product.json(['rollback', document.run, '--yes'])
      const contacts = lab.totals()
      const cases: [string[], RegExp][] = [
        [['--resume', document.run, '--strategy', 'raise'], /no --strategy, --playbook, --plan or --set with it/],
        [['--resume', 'x/y'], /expected the id of a run/],
        [['--resume', back.document.run], /was a rollback: give the same command again/],
      ]
      for (const [args, message] of cases) {
        const { exitCode, stderr } = await product.run(['apply', ...args, '--yes'])
        expect(exitCode, stderr).toBe(64)
        expect(stderr).toMatch(message)
        expect(stderr.trim().split('\n')).toHaveLength(1)
      }
      const none = await product.run(['apply', '--resume', '01NONE', '--yes'])
      expect([none.exitCode, none.stderr]).toEqual([65, expect.stringContaining('no run 01NONE in ')])
      const short = await product.run([
        'apply',
        '--strategy',
        'raise',
        '--yes',
        '--window',
        '30s',
        '--revert-in',
        '20s',
      ])
      expect([short.exitCode, short.stderr]).toEqual([
        64,
        expect.stringContaining('cannot be confirmed in less than 35 s'),
      ])
      expect(lab.totals()).toEqual(contacts)
    })
  })
})
