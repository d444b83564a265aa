/** apply to several hosts at once. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import type { Document, Result } from '../product.ts'
import { MAX, stepwise, withoutRuns } from '../simulated/debian.ts'
import { APPLY, asRoot, changes, contentsOf, IMPATIENT, onFleet, only, onStage } from './stage.ts'

const PROGRAM = fileURLToPath(new URL('../../../bin/ctfix.js', import.meta.url))

asRoot.concurrent('apply to several', () => {
  test.for(['1', '2', '9'])(
    'each comes out as itself, in inventory order, the worst is the exit code (--forks %s)',
    async forks => {
      await onFleet(5, async ({ lab, hosts, product }) => {
        const [, second, third, fourth] = hosts
        if (!second || !third || !fourth) throw new Error('too few hosts')
        const before = hosts.map(host => host.tree())
        await lab.host('sim-1').failConnect('deny')
        lab.host('sim-2').answer(stepwise(second.answer, n => n === 2 && second.put(MAX, '700\n')))
        lab.host('sim-3').answer(stepwise(third.answer, n => n === 2 && lab.host('sim-3').failConnect('refuse')))
        const stepped = stepwise(
          fourth.answer,
          n => n === 1 && lab.host('sim-4').failExec({ kind: 'drop', afterBytes: 0 }, 1),
        )
        if (forks === '9') lab.host('sim-4').answer(stepped)
        const { result, document } = await product.json([...APPLY, ...IMPATIENT, '--forks', forks])
        const fourthIs = forks === '9' ? 'rolled-back' : 'changed'
        expect(document.hosts.map(({ name, status }) => `${name} ${status}`)).toEqual([
          'sim-1 unreachable',
          'sim-2 failed',
          'sim-3 rolled-back',
          `sim-4 ${fourthIs}`,
          'sim-5 changed',
        ])
        expect(result.exitCode).toBe(4)
        const rolledBack = forks === '9' ? 2 : 1
        expect(document.summary).toMatchObject({ targeted: 5, unreachable: 1, failed: 1, rolled_back: rolledBack })
        for (const i of forks === '9' ? [0, 2, 3] : [0, 2]) {
          expect(withoutRuns(hosts[i]?.tree() ?? {})).toEqual(before[i])
        }
        const outcomes = (contentsOf(join(product.directory, 'state')).get('events.ndjson') ?? '').match(
          /"type":"outcome"/g,
        )
        expect(outcomes).toHaveLength(5)
      })
    },
  )

  test.for([false, true])(
    'a connection that was kept dies before the change (and the host changed: %s)',
    async changed => {
      await onFleet(2, async ({ lab, hosts, product }) => {
        const [first, second] = hosts
        if (!first || !second) throw new Error('too few hosts')
        const looked = Promise.withResolvers<void>()
        lab.host('sim-1').answer(async request => {
          const answer = await first.answer(request)
          looked.resolve()
          return answer
        })
        const slow = stepwise(second.answer, async n => {
          if (n !== 1) return
          await looked.promise
          // It is on its way there.
          await delay(500)
          if (changed) first.put(MAX, '700\n')
          await lab.sever('sim-1')
        })
        lab.host('sim-2').answer(slow)
        const { result, document } = await product.json(APPLY)
        const expected = changed
          ? { status: 'failed', cause: 'stale', error: { message: 'the host changed since the plan was shown' } }
          : { status: 'changed', error: null }
        expect(document.hosts, result.stdout).toMatchObject([expected, { status: 'changed' }])
        expect(result.exitCode).toBe(changed ? 7 : 0)
        expect(lab.host('sim-1').counts.handshakes).toBe(changed ? 2 : 3)
        expect(changes(lab.host('sim-1'))).toBe(changed ? 0 : 1)
      })
    },
  )

  test('a record that cannot be written any more: no change is begun, and that is said', async () => {
    await onStage(async ({ sim, host, product }) => {
      const then = host.tree()
      const fixed = ['-i', product.inventory, '--known-hosts', join(product.directory, 'known_hosts')]
      const words = [PROGRAM, ...APPLY, ...fixed, '--state-dir', join(product.directory, 'state'), '--output', 'json']
      // Files may have 1 KiB: run.json fits, the plan does not; as on a full disk.
      const limited = 'trap "" XFSZ; ulimit -f 2; exec "$@"'
      const { exitCode, stdout, stderr } = await runWords('sh', ['-c', limited, 'sh', process.execPath, ...words])
      const document: Document = JSON.parse(stdout)
      expect(only(document).status, stderr).toBe('failed')
      expect(only(document).error?.message).toMatch(
        /^nothing was changed: cannot write the run record: \/\S+\/runs\/\w+: EFBIG/,
      )
      expect(stderr).toMatch(/^ctfix: the run record is incomplete: EFBIG[^\n]*\n$/)
      expect(exitCode).toBe(1)
      expect(host.tree()).toEqual(then)
      expect(changes(sim)).toBe(0)
    })
  })
})

function runWords(command: string, words: readonly string[]): Promise<Result> {
  return new Promise(resolve => {
    const env = { ...process.env, NODE_DISABLE_COMPILE_CACHE: '1', NO_COLOR: '1' }
    const child = execFile(command, words, { env, timeout: 30_000 }, (_, stdout, stderr) => {
      resolve({ exitCode: child.exitCode ?? -1, stdout, stderr })
    })
  })
}
