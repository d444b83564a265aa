/** A saved plan: what was shown is done, byte for byte, once and in time, or nothing. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import type { Document, Product } from '../product.ts'
import { MAX } from '../simulated/debian.ts'
import { asRoot, changes, contentsOf, onFleet } from './stage.ts'

const TASK = ['--strategy', 'raise,timeouts']
const YES = ['--yes', '--window', '1s', '--connect-timeout', '20']

async function planned(product: Product, more: readonly string[] = []): Promise<{ file: string; document: Document }> {
  const file = join(product.directory, 'window.plan')
  const { result, document } = await product.json(['plan', ...TASK, '--out', file, ...more])
  expect(result.stderr).toContain(`plan: ${file}, until `)
  return { file, document }
}

const applied = (product: Product, file: string, more: readonly string[] = []) =>
  product.json(['apply', '--plan', file, ...YES, ...more])

const statuses = ({ hosts }: Document): string[] =>
  hosts.map(({ name, status, cause }) => [name, status, cause ?? ''].join(' ').trim())

/** The inventory with other variables for one host; null: without it. */
function rewrite({ inventory }: Product, name: string, vars: object | null): void {
  const { all } = parse(readFileSync(inventory, 'utf8'))
  const { [name]: known, ...others } = all.hosts
  writeFileSync(inventory, stringify({ all: { hosts: { ...others, ...(vars && { [name]: { ...known, ...vars } }) } } }))
}

asRoot.concurrent('a saved plan', () => {
  test('is shown as it was planned, and done as it was shown, and verified by what it wanted', async () => {
    await onFleet(2, async ({ hosts, product }) => {
      const { file, document } = await planned(product)
      const shown = await product.json(['show', file])
      const { saved, ...rest } = Object(shown.document)
      expect(rest).toEqual(document)
      expect(saved).toMatchObject({ state: 'ready', used: null })
      const { result, document: done } = await applied(product, file)
      expect(result.exitCode, result.stderr).toBe(0)
      expect(statuses(done)).toEqual(['sim-1 changed', 'sim-2 changed'])
      expect(done.hosts.map(host => host.changes)).toEqual(document.hosts.map(host => host.changes))
      expect(done.hosts.map(({ diff }) => diff)).toEqual(document.hosts.map(({ diff }) => diff))
      for (const host of hosts) {
        const kept = JSON.parse(contentsOf(join(host.root, 'var/lib/ctfix')).get('plan.json') ?? '')
        expect(kept.changes).toEqual(document.hosts[0]?.changes)
      }
      const verified = await product.json(['verify', '--plan', file, '--window', '1s'])
      expect(statuses(verified.document)).toEqual(['sim-1 ok', 'sim-2 ok'])
    })
  })

  test('says where nothing is to be done: that, too, is looked at again', async () => {
    await onFleet(2, async ({ lab, hosts, product }) => {
      await product.run(['apply', ...TASK, ...YES])
      const { file, document } = await planned(product, ['--detailed-exitcode'])
      expect(statuses(document)).toEqual(['sim-1 ok', 'sim-2 ok'])
      expect((await product.run(['show', file, '--detailed-exitcode'])).exitCode).toBe(0)
      const had = changes(lab.host('sim-2'))
      hosts[1]?.put(MAX, '700\n')
      const { result, document: done } = await applied(product, file)
      expect(statuses(done)).toEqual(['sim-1 ok', 'sim-2 failed stale'])
      expect(done.hosts[1]?.error?.message).toBe(
        'the host changed since the plan was made: net.netfilter.nf_conntrack_max would have to be changed, too',
      )
      expect([result.exitCode, changes(lab.host('sim-2'))]).toEqual([7, had])
    })
  })

  const OTHERS: [string, string, string, RegExp][] = [
    ['has another value', MAX, '700\n', /made: net\.netfilter\.nf_conntrack_max was 600, is 700$/],
    ['was booted', '/proc/sys/kernel/random/boot_id', 'b1\n', /^it was booted since the plan was made$/],
    [
      'is another machine',
      '/etc/machine-id',
      'feed\n',
      /^another machine answers: its id is feed, the plan was made on 0/,
    ],
    ['has a file by now', '/etc/modprobe.d/zz-ctfix.conf', '# mine\n', /zz-ctfix\.conf is not what it was/],
  ]
  test.for(OTHERS)('a host that %s is left alone; the others are done', async ([_, path, content, message]) => {
    await onFleet(2, async ({ lab, hosts, product }) => {
      const { file } = await planned(product)
      hosts[1]?.put(path, content)
      const before = hosts[1]?.tree()
      const looked = await applied(product, file, ['--dry-run'])
      expect(statuses(looked.document)).toEqual(['sim-1 would-change', 'sim-2 failed stale'])
      const { result, document } = await applied(product, file)
      expect(statuses(document)).toEqual(['sim-1 changed', 'sim-2 failed stale'])
      expect(document.hosts[1]?.error?.message).toMatch(message)
      expect(hosts[1]?.tree()).toEqual(before)
      expect([result.exitCode, changes(lab.host('sim-2'))]).toEqual([7, 0])
    })
  })

  test('stale hosts count as failed: a budget stops the run', async () => {
    await onFleet(3, async ({ lab, hosts, product }) => {
      const { file } = await planned(product)
      hosts[0]?.put(MAX, '700\n')
      const { document } = await applied(product, file, ['--serial', '1', '--max-failed', '0'])
      expect(statuses(document)).toEqual(['sim-1 failed stale', 'sim-2 skipped budget', 'sim-3 skipped budget'])
      expect(changes(lab.host('sim-2'))).toBe(0)
      // Nobody was begun, so it is not used.
      expect(statuses((await applied(product, file, ['--limit', 'sim-2'])).document)).toEqual(['sim-2 changed'])
    })
  })

  test('a host that is reached otherwise, is gone from the inventory, or could not be planned: nobody connects to it', async () => {
    await onFleet(4, async ({ lab, product }) => {
      await lab.host('sim-4').failConnect('refuse')
      const { file } = await planned(product, ['--connect-timeout', '10'])
      rewrite(product, 'sim-1', { ansible_user: 'admin' })
      rewrite(product, 'sim-2', null)
      const had = ['sim-1', 'sim-2', 'sim-4'].map(name => lab.host(name).counts.connections)
      const { result, document } = await applied(product, file)
      expect(statuses(document)).toEqual([
        'sim-1 failed stale',
        'sim-2 failed stale',
        'sim-3 changed',
        'sim-4 failed stale',
      ])
      expect(document.hosts.map(({ error }) => error?.message ?? '')).toEqual([
        expect.stringMatching(/^reached as admin@127\.0\.0\.1:\d+, but the plan was made as root@127\.0\.0\.1:\d+$/),
        'it is not in this inventory any more',
        '',
        expect.stringMatching(/^nothing was planned for it; when the plan was made it was unreachable: /),
      ])
      expect(['sim-1', 'sim-2', 'sim-4'].map(name => lab.host(name).counts.connections)).toEqual(had)
      expect(result.exitCode).toBe(7)
      const verified = await product.json(['verify', '--plan', file, '--window', '1s', '--limit', 'sim-3'])
      expect(statuses(verified.document)).toEqual(['sim-3 ok'])
    })
  })
})

asRoot.concurrent('a saved plan is refused before any host is touched', () => {
  test('when it was used: by its id here, by the mark beside the file elsewhere; it says by whom', async () => {
    await onFleet(1, async ({ lab, product }) => {
      const { file } = await planned(product)
      const first = await applied(product, file)
      const had = lab.totals().connections
      const copy = join(product.directory, 'copy.plan')
      cpSync(file, copy)
      const elsewhere = ['--state-dir', join(product.directory, 'other')]
      for (const words of [[file], [copy], [file, ...elsewhere]]) {
        const { exitCode, stdout, stderr } = await product.run(['apply', '--plan', ...words, ...YES])
        expect([exitCode, stdout]).toEqual([7, ''])
        expect(stderr).toMatch(/^ctfix: the plan was used already: 20\S+Z, by \S+@\S+ \(pid \d+\), in run /)
        expect(stderr).toContain(first.document.run)
      }
      expect(lab.totals().connections).toBe(had)
      const { stdout, exitCode } = await product.run(['show', file])
      expect([exitCode, stdout]).toEqual([0, expect.stringContaining(`in run ${first.document.run}: it cannot`)])
    })
  })

  test('when its time is over, or somebody edited it; both are shown all the same', async () => {
    await onFleet(1, async ({ lab, product }) => {
      const { file } = await planned(product, ['--expires', '1s'])
      await delay(1100)
      const had = lab.totals().connections
      const late = await product.run(['apply', '--plan', file, ...YES])
      expect([late.exitCode, late.stderr]).toEqual([7, expect.stringMatching(/window\.plan: the plan expired at 20/)])
      expect((await product.json(['show', file])).document).toMatchObject({ saved: { state: 'expired' } })
      writeFileSync(file, readFileSync(file, 'utf8').replace(/"after": "4096"/, '"after": "4097"'))
      for (const command of ['apply', 'verify']) {
        const { exitCode, stderr } = await product.run([command, '--plan', file, ...(command === 'apply' ? YES : [])])
        expect([exitCode, stderr]).toEqual([7, expect.stringContaining('edited since it was written')])
      }
      const shown = await product.run(['show', file, '-i', '/nowhere'])
      expect([shown.exitCode, shown.stdout]).toEqual([0, expect.stringContaining('EDITED since it was written')])
      writeFileSync(file, readFileSync(file, 'utf8').slice(0, 999))
      const cut = await product.run(['apply', '--plan', file, ...YES])
      expect([cut.exitCode, cut.stderr]).toEqual([
        65,
        expect.stringMatching(/window\.plan:\d+:\d+: expected JSON, got/),
      ])
      expect(lab.totals().connections).toBe(had)
    })
  })

  test.for([
    [['--strategy', 'raise'], '--strategy and --plan: give one of them'],
    [['--playbook', 'x.yaml'], '--playbook and --plan: give one of them'],
    [['--set', 'max=1'], '--set needs --strategy'],
    [['--force'], '--force: a saved plan'],
    [['--resume', 'R'], '--resume goes on with what the run was for'],
  ] as const)('with %s: usage', async ([words, message]) => {
    await onFleet(1, async ({ product }) => {
      const { exitCode, stderr } = await product.run(['apply', '--plan', 'x.plan', '--yes', ...words])
      expect([exitCode, stderr]).toEqual([64, expect.stringContaining(message)])
    })
  })

  test.for([
    [['--expires', '1h'], '--expires needs --out'],
    [['--out', 'x.plan', '--expires', '31d'], 'at most 2592000 s (30d)'],
    [['--out', '/nowhere/x.plan'], 'expected a file in a directory we may write to'],
    [['--out', '/etc/hostname'], 'it is left alone'],
  ] as const)('plan %s: usage', async ([words, message]) => {
    await onFleet(1, async ({ lab, product }) => {
      const { exitCode, stderr } = await product.run(['plan', ...TASK, ...words])
      expect([exitCode, stderr]).toEqual([64, expect.stringContaining(message)])
      expect(lab.totals().connections).toBe(0)
    })
  })
})
