/** Who reads the events of a run: slowly, or not to the end. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { PROGRAM, type Product, productFor } from '../product.ts'
import { withoutRuns } from '../simulated/debian.ts'
import { recordApply } from '../simulated/replay.ts'
import { startSimulated } from '../simulated.ts'
import { APPLY, asRoot, contentsOf, onFleet } from './stage.ts'

function start(
  { directory, inventory }: Product,
  [command = '', ...args]: readonly string[],
  out: 'pipe' | number = 'pipe',
): ChildProcess {
  const fixed = ['-i', inventory, '--known-hosts', join(directory, 'known_hosts')]
  const words = [PROGRAM, command, ...fixed, '--state-dir', join(directory, 'state'), '--output', 'ndjson', ...args]
  return spawn(process.execPath, words, {
    stdio: ['ignore', out, 'pipe'],
    env: { ...process.env, SSH_AUTH_SOCK: '', NO_COLOR: '1' },
  })
}

asRoot.concurrent('events', () => {
  test('hosts wait for a reader that does not read, and all of them come once it does', async () => {
    const plan = ['plan', '--strategy', 'raise']
    const replay = await recordApply(plan, { exitCode: 0 })
    const count = 250
    await using lab = await startSimulated(count)
    for (let i = 1; i <= count; i += 1) lab.host(`sim-${i}`).answer(replay.host())
    using product = productFor(lab)
    const child = start(product, [...plan, '--forks', '10'])
    const closed = once(child, 'close')
    // Until nobody more is asked.
    for (let before = -1; before < lab.totals().connections || before < 1; await delay(2000)) {
      before = lab.totals().connections
    }
    expect(lab.totals().connections).toBeLessThan(count / 2)
    let text = ''
    for await (const chunk of child.stdout?.setEncoding('utf8') ?? []) text += chunk
    expect(await closed).toEqual([0, null])
    const lines = text.trim().split('\n')
    expect(lines.filter(line => line.includes('"type":"outcome"')).length).toBe(count)
    expect(JSON.parse(lines.at(-1) ?? '').hosts.length).toBe(count)
    expect(lab.totals().connections).toBe(count)
  })

  test.for(['ndjson', 'json', 'human'])(
    'a full disk under stdout: the run comes to its end, and says so (%s)',
    async output => {
      await onFleet(2, async ({ product }) => {
        const full = openSync('/dev/full', 'w')
        const child = start(product, [...APPLY, '--forks', '1', '--output', output], full)
        const closed = once(child, 'close')
        let stderr = ''
        child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
          stderr += chunk
        })
        expect(await closed).toEqual([65, null])
        closeSync(full)
        expect(
          stderr.match(/^ctfix: cannot write to stdout: ENOSPC.*; a run is in its record: ctfix runs list$/gm),
        ).toHaveLength(1)
        expect(stderr).not.toMatch(/ at .*\.ts/)
        const result = JSON.parse(contentsOf(join(product.directory, 'state')).get('result.json') ?? '')
        expect(result.summary).toMatchObject({ targeted: 2, changed: 2 })
      })
    },
  )

  test('a reader that goes away after the first line: the run comes to its end, and the record has it', async () => {
    await onFleet(3, async ({ hosts, product }) => {
      const before = hosts.map(host => withoutRuns(host.tree()))
      const child = start(product, [...APPLY, '--forks', '1'])
      const closed = once(child, 'close')
      let stderr = ''
      child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
        stderr += chunk
      })
      if (!child.stdout) throw new Error('no pipe')
      await once(child.stdout, 'data')
      child.stdout.destroy()
      expect(await closed).toEqual([0, null])
      expect(stderr).not.toMatch(/EPIPE|at .*\.ts/)
      const result = JSON.parse(contentsOf(join(product.directory, 'state')).get('result.json') ?? '')
      expect(result.summary).toMatchObject({ targeted: 3, changed: 3 })
      for (const [i, host] of hosts.entries()) expect(withoutRuns(host.tree())).not.toEqual(before[i])
    })
  })
})
