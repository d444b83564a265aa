/** apply in batches: what a canary, a budget, a gate and the fleet's own symptom stop, and what goes on afterwards. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { eventSchema, runSchema } from '../../../src/view/schema.ts'
import type { Document, Product } from '../product.ts'
import { startProgram } from '../simulated/child.ts'
import { MAX, stepwise } from '../simulated/debian.ts'
import { APPLY, asRoot, changes, contentsOf, IMPATIENT, onFleet } from './stage.ts'

const COUNT = '/proc/sys/net/netfilter/nf_conntrack_count'
const came = ({ hosts }: Document): string[] =>
  hosts.map(({ status, cause }) => (cause ? `${status} ${cause}` : status))
const skipped = (n: number): string[] => Array.from({ length: n }, () => 'skipped budget')

/** What the record of the only run, or the newest, has of batches. */
function recorded(product: Product): string[] {
  const lines = (contentsOf(join(product.directory, 'state')).get('events.ndjson') ?? '').split('\n')
  return lines.flatMap(line => {
    const { type, kind, status, index, hosts } = line === '' ? { type: '' } : JSON.parse(line)
    if (type === 'batch') return [`batch ${index}: ${hosts.join(' ')}`]
    return type === 'gate' ? [`${kind} ${status}`] : type === 'stopped' ? ['stopped'] : []
  })
}

function playbook({ directory }: Product, text: string): string {
  const file = join(directory, 'play.yaml')
  writeFileSync(file, text)
  return file
}

asRoot.concurrent('apply in batches', () => {
  test('a canary that does not pass: nobody else is as much as connected to; --resume goes on, the canary first', async () => {
    await onFleet(4, async ({ lab, hosts, product }) => {
      const third = hosts[2]
      if (!third) throw new Error('too few hosts')
      lab.host('sim-3').answer(stepwise(third.answer, n => n === 2 && third.put(MAX, '700\n')))
      const { result, document } = await product.json([...APPLY, '--canary', 'sim-3', '--serial', '2', ...IMPATIENT])
      expect(came(document)).toEqual(['skipped budget', 'skipped budget', 'failed stale', 'skipped budget'])
      const reason = 'the canary did not pass: sim-3 is failed'
      expect(runSchema.parse(JSON.parse(result.stdout)).stopped).toEqual({ reason, after_batch: 1 })
      expect(document.hosts[3]?.error?.message).toBe(`not attempted: ${reason}`)
      expect(result.stderr).toContain('3 batches over 4 hosts: canary 1, 2, 1\n')
      // Of 7 (stale) and 6 (a budget) the first is the run's.
      expect(result.exitCode).toBe(7)
      for (const name of ['sim-1', 'sim-2', 'sim-4']) expect(lab.host(name).counts.connections).toBe(0)
      expect(recorded(product)).toEqual(['batch 1: sim-3', 'stopped'])

      lab.host('sim-3').answer(third.answer)
      const again = await product.json(['apply', '--resume', document.run, '--yes', '--window', '1s'])
      expect(came(again.document), again.result.stderr).toEqual(['changed', 'changed', 'changed', 'changed'])
      expect(again.result.exitCode).toBe(0)
      expect(runSchema.parse(JSON.parse(again.result.stdout)).rules).toEqual([
        '3 batches over 4 hosts: canary 1, 2, 1',
        expect.stringMatching(/^ {2}stops at: any of the canary that does not pass; /),
        expect.stringMatching(/^ {2}between batches: /),
      ])
      expect(recorded(product).filter(line => !line.startsWith('symptom'))).toEqual([
        ...['batch 1: sim-3', 'stopped'],
        ...['batch 1: sim-3', 'batch 2: sim-1 sim-2', 'batch 3: sim-4'],
      ])
    })
  })

  test('a budget over the whole run: hosts that cannot be reached in several batches add up; exit 6', async () => {
    await onFleet(5, async ({ lab, product }) => {
      for (const name of ['sim-1', 'sim-3']) await lab.host(name).failConnect('deny')
      const words = [...APPLY, ...IMPATIENT, '--serial', '1', '--max-unreachable', '20%', '--output', 'ndjson']
      const { exitCode, stdout } = await product.run(words)
      const lines = stdout.trim().split('\n')
      const document: Document = JSON.parse(lines.at(-1) ?? '')
      expect(came(document)).toEqual(['unreachable', 'changed', 'unreachable', ...skipped(2)])
      expect(exitCode).toBe(6)
      const events = lines.slice(0, -1).map(line => eventSchema.parse(JSON.parse(line)))
      expect(events.filter(({ type }) => type === 'stopped')).toMatchObject([
        {
          reason: expect.stringContaining('2 of 5 hosts unreachable, at most 1 may be'),
          not_attempted: ['sim-4', 'sim-5'],
        },
      ])
    })
  })

  test('a playbook with a gate: it is asked after each batch but the last, and its no stops the run', async () => {
    await onFleet(4, async ({ lab, hosts, product }) => {
      const log = join(product.directory, 'asked')
      const gate = `{ echo "$CTFIX_BATCH/$CTFIX_BATCHES $CTFIX_CHANGED changed:" $(cat); } >>${log}; echo queue is long; [ "$CTFIX_BATCH" -lt 2 ]`
      const text = `- name: Room
  hosts: all
  strategy: raise
  serial: [1, 50%, 100%]
  gate: ${JSON.stringify(gate)}
  bake: 0s
  revert_in: 90s
`
      const { result, document } = await product.json([
        'apply',
        '--playbook',
        playbook(product, text),
        ...APPLY.slice(3),
      ])
      expect(came(document), result.stderr).toEqual(['changed', 'changed', 'changed', 'skipped budget'])
      expect(readFileSync(log, 'utf8')).toBe('1/3 1 changed: sim-1\n2/3 2 changed: sim-2 sim-3\n')
      expect(document.hosts[3]?.error?.message).toMatch(
        /^not attempted: the gate after batch 2 of 3 failed: .*: exit code 1\nqueue is long$/s,
      )
      expect(result.exitCode).toBe(6)
      // Two handshakes each, and one look more after the first batch at what it changed.
      expect(hosts.map((_, i) => lab.host(`sim-${i + 1}`).counts.handshakes)).toEqual([3, 2, 2, 0])
      const staged = lab.host('sim-1').requests.map(({ stdin }) => /guard\.sh" start "\$dir" (\S+)/.exec(stdin)?.[1])
      expect(staged.filter(seconds => seconds !== undefined)).toEqual(['90'])
    })
  })

  test('a secret in a gate is nowhere but in its command; --resume has to be given it again', async () => {
    await onFleet(2, async ({ product }) => {
      const gate = 'echo no luck with zeisig-7f3a; test --password zeisig-7f3a'
      const first = await product.run([...APPLY, '--serial', '1', '--gate', gate, '--output', 'ndjson'])
      expect(first.exitCode, first.stderr).toBe(6)
      const document: Document = JSON.parse(first.stdout.trim().split('\n').at(-1) ?? '')
      expect(document.hosts[1]?.error?.message).toContain('test --password ***: exit code')
      const written = [...contentsOf(join(product.directory, 'state')).values()]
      expect(written.some(text => text.includes('no luck with ***'))).toBe(true)
      expect([...written, first.stdout, first.stderr].join('\n')).not.toContain('zeisig')

      const goOn = ['apply', '--resume', document.run, '--yes', '--window', '1s']
      const without = await product.run(goOn)
      expect([without.exitCode, without.stderr]).toEqual([64, expect.stringContaining('--password ***')])
      const again = await product.json([...goOn, '--gate', 'true'])
      expect(came(again.document), again.result.stderr).toEqual(['changed', 'changed'])
    })
  })

  test('the symptom comes back on a host that was changed: the run stops there, and says where', async () => {
    await onFleet(3, async ({ lab, hosts, product }) => {
      const [first] = hosts
      if (!first) throw new Error('too few hosts')
      // The fifth command is the look after the batch.
      lab.host('sim-1').answer(stepwise(first.answer, n => n === 5 && first.drop()))
      const { result, document } = await product.json([...APPLY, '--serial', '1', '--bake', '1s'])
      expect(came(document), result.stderr).toEqual(['changed', ...skipped(2)])
      expect(document.hosts[1]?.error?.message).toMatch(
        /^not attempted: the symptom after batch 1 of 3: drops \+[\d,]+ since the change, on sim-1 \(drops \+[\d,]+\)$/,
      )
      expect(recorded(product)).toEqual([
        ...['batch 1: sim-1', 'bake begun', 'bake passed', 'symptom begun', 'symptom failed', 'stopped'],
      ])
      expect(result.exitCode).toBe(6)
    })
  })

  test('a changed host that cannot be looked at afterwards has not stood still', async () => {
    await onFleet(2, async ({ lab, hosts, product }) => {
      const [first] = hosts
      if (!first) throw new Error('too few hosts')
      lab.host('sim-1').answer(stepwise(first.answer, n => n === 4 && lab.host('sim-1').failConnect('refuse')))
      const { document } = await product.json([...APPLY, ...IMPATIENT, '--serial', '1'])
      expect(came(document)).toEqual(['changed', 'skipped budget'])
      expect(document.hosts[1]?.error?.message).toBe(
        'not attempted: the symptom after batch 1 of 2: cannot be seen on sim-1',
      )
    })
  })

  test('Ctrl-C while it waits between batches: at once, and the record can be gone on with', async () => {
    await onFleet(2, async ({ lab, product }) => {
      const child = startProgram(product, [...APPLY, '--serial', '1', '--bake', '1h', '--output', 'json'])
      await vi.waitFor(() => expect(recorded(product)).toContain('bake begun'), { timeout: 20_000, interval: 50 })
      const asked = performance.now()
      child.interrupt()
      const { exitCode, stdout } = await child.ended
      expect(performance.now() - asked).toBeLessThan(60_000)
      expect(exitCode).toBe(130)
      const document: Document = JSON.parse(stdout)
      expect(came(document)).toEqual(['changed', 'skipped interrupted'])
      expect(lab.host('sim-2').counts.connections).toBe(0)
      const again = await product.json(['apply', '--resume', document.run, '--yes', '--window', '1s', '--bake', '0'])
      expect([came(again.document), again.result.exitCode]).toEqual([['changed', 'changed'], 0])
      expect(changes(lab.host('sim-1'))).toBe(1)
    })
  })

  test('the fullest table first; connections of a batch are closed before the next begins, and are few', async () => {
    await onFleet(5, async ({ lab, hosts, product }) => {
      for (const [i, count] of [100, 500, 300, 600, 200].entries()) hosts[i]?.put(COUNT, `${count}\n`)
      let most = 0
      for (const [i, { answer }] of hosts.entries()) {
        lab.host(`sim-${i + 1}`).answer(stepwise(answer, () => (most = Math.max(most, lab.openConnections()))))
      }
      const words = [...APPLY, '--serial', '3', '--order', 'pressure', '--forks', '3', '--output', 'ndjson']
      const { exitCode, stdout, stderr } = await product.run([...words])
      expect(exitCode, stderr).toBe(0)
      const lines = stdout
        .trim()
        .split('\n')
        .map(line => JSON.parse(line))
      const begun = lines.flatMap(({ type, host, phase }) => (type === 'phase' && phase === 'apply' ? [host] : []))
      expect(begun.map(name => name.slice(4)).join(' ')).toBe('2 3 1 4 5')
      // Three that are held, and the proof of each.
      expect(most).toBeLessThanOrEqual(6)
      expect(hosts.map((_, i) => lab.host(`sim-${i + 1}`).counts.handshakes)).toEqual([3, 3, 3, 2, 2])
    })
  })

  test('who is asked is told the batches and limits first', async () => {
    await onFleet(3, async ({ lab, product }) => {
      const words = [...APPLY.filter(word => word !== '--yes'), '--serial', '1,100%', '--max-failed', '34%']
      const child = startProgram(product, words, { atTerminal: true })
      await child.says(/Apply to 3 of 3 hosts\?/)
      child.answer('no')
      const { stderr } = await child.ended
      const [before = ''] = stderr.split('Apply to 3')
      expect(before).toContain('2 batches over 3 hosts: 1, 2')
      expect(before).toMatch(/stops at: more than 1 failed or rolled back \(34% of 3\); any host that is unknown/)
      for (const name of ['sim-1', 'sim-2', 'sim-3']) expect(changes(lab.host(name))).toBe(0)
    })
  })

  test('no is no, and is said; Ctrl-C at the question ends the run as it does at any other time', async () => {
    await onFleet(2, async ({ lab, hosts, product }) => {
      const words = [...APPLY.filter(word => word !== '--yes'), '--output', 'json']
      const ask = async (answer: string): Promise<{ readonly said: string; readonly ended: unknown }> => {
        const child = startProgram(product, words, { atTerminal: true })
        await child.says(/Apply to 2 of 2 hosts\?/)
        child.answer(answer)
        const { exitCode, stdout, stderr } = await child.ended
        return { said: stderr, ended: [exitCode, ...came(JSON.parse(stdout))] }
      }
      const no = await ask('no')
      expect(no.ended).toEqual([0, 'would-change', 'would-change'])
      expect(no.said).toContain('ctfix: not confirmed, so nothing was changed')
      const interrupted = await ask('\u0003')
      expect(interrupted.ended).toEqual([130, 'skipped interrupted', 'skipped interrupted'])
      expect(interrupted.said).toMatch(/^ctfix: interrupted: no further host is started/m)
      for (const [i] of hosts.entries()) expect(changes(lab.host(`sim-${i + 1}`))).toBe(0)
    })
  })

  test('who said yes at the question gets the batches, each over the connections of its own time', async () => {
    await onFleet(3, async ({ lab, hosts, product }) => {
      const words = [...APPLY.filter(word => word !== '--yes'), '--serial', '1,100%', '--output', 'json']
      const child = startProgram(product, words, { atTerminal: true })
      await child.says(/Apply to 3 of 3 hosts\?/)
      // The survey of the first batch is held, the others' are closed.
      await vi.waitFor(() => expect(lab.openConnections()).toBe(1))
      child.answer('yes')
      const { exitCode, stderr } = await child.ended
      expect(exitCode, stderr).toBe(0)
      for (const host of hosts) expect(Number(host.read(MAX))).toBeGreaterThan(600)
      expect(recorded(product).filter(line => line.startsWith('batch'))).toEqual([
        'batch 1: sim-1',
        'batch 2: sim-2 sim-3',
      ])
    })
  })

  test('rollback goes back in batches as well', async () => {
    await onFleet(3, async ({ hosts, product }) => {
      const { document } = await product.json(APPLY)
      const back = await product.json(['rollback', document.run, '--yes', '--serial', '1,100%'])
      expect([came(back.document), back.result.exitCode]).toEqual([['changed', 'changed', 'changed'], 0])
      expect(hosts.map(host => host.read(MAX))).toEqual(hosts.map(() => '600\n'))
      expect(back.result.stderr).toContain('2 batches over 3 hosts: 1, 2')
      expect(back.document).toMatchObject({
        rules: ['2 batches over 3 hosts: 1, 2', expect.stringMatching(/^ {2}stops at/)],
      })
    })
  })
})
