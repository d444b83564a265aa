/** `ctfix rollback RUN` as a user gives it: from anywhere, shown first, never over what somebody else did since. */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { runsSchema } from '../../../src/view/runs-schema.ts'
import { APPLY, asRoot, IMPATIENT, onFleet, only, onStage, SOON } from '../apply/stage.ts'
import { startProgram } from '../simulated/child.ts'
import { MAX, withoutRuns } from '../simulated/debian.ts'

const BACK = ['--yes', '--connect-timeout', '10']
const OWN_FILE = '/etc/sysctl.d/99-zz-ctfix.conf'

asRoot.concurrent('rollback', () => {
  test('from a colleague: shown first, then byte-identical; again there is nothing to do', async () => {
    await onStage(async ({ host, product }) => {
      const before = withoutRuns(host.tree())
      const { document } = await product.json(APPLY)
      const after = withoutRuns(host.tree())
      const elsewhere = ['--state-dir', join(product.directory, 'colleague')]
      const shown = await product.json(['rollback', document.run, '--dry-run', ...elsewhere])
      expect(only(shown.document).status, shown.result.stderr).toBe('would-change')
      expect(only(shown.document).diff).toContain(`net.netfilter.nf_conntrack_max: ${host.read(MAX).trim()} → 600`)
      expect(shown.result.exitCode).toBe(0)
      expect(withoutRuns(host.tree())).toEqual(after)
      const back = await product.json(['rollback', document.run, ...BACK, ...elsewhere])
      expect(only(back.document), back.result.stderr).toMatchObject({ status: 'changed', error: null })
      expect(back.document).toMatchObject({ strategy: ['rollback'], exit_code: 0 })
      expect(withoutRuns(host.tree())).toEqual(before)
      const again = await product.json(['rollback', document.run, ...BACK])
      expect(only(again.document)).toMatchObject({ status: 'ok', changes: [] })
    })
  })

  test('is a run like any other: recorded, and taken back itself', async () => {
    await onStage(async ({ host, product }) => {
      const { document } = await product.json(APPLY)
      const after = withoutRuns(host.tree())
      const back = await product.json(['rollback', document.run, ...BACK])
      const again = await product.json(['rollback', back.document.run, ...BACK])
      expect(only(again.document).status, again.result.stderr).toBe('changed')
      expect(withoutRuns(host.tree())).toEqual(after)
      const list = await product.run(['runs', 'list'])
      expect(
        list.stdout
          .trim()
          .split('\n')
          .slice(1)
          .map(line => line.split(/ {2,}/)[2]),
      ).toEqual(['apply', 'rollback', 'rollback'])
    })
  })

  test('where somebody changed the same since: all three are shown, refused with 9, and forced only if told', async () => {
    await onStage(async ({ host, product }) => {
      const before = withoutRuns(host.tree())
      const { document } = await product.json(APPLY)
      const ours = host.read(MAX).trim()
      host.put(MAX, '5000\n')
      host.put(OWN_FILE, `${host.read(OWN_FILE)}# by hand\n`)
      const then = withoutRuns(host.tree())
      const refused = await product.json(['rollback', document.run, ...BACK])
      const { status, blockers } = only(refused.document)
      expect([status, refused.result.exitCode]).toEqual(['blocked', 9])
      const said = blockers.map(({ code, message }) => `${code} ${message}`).join('\n')
      expect(said).toContain(
        `changed-since changed by somebody else since: net.netfilter.nf_conntrack_max: before 600, ours ${ours}, now 5000`,
      )
      expect(said).toContain('+# by hand')
      expect(withoutRuns(host.tree())).toEqual(then)
      const forced = await product.json(['rollback', document.run, ...BACK, '--force'])
      expect(only(forced.document).status, forced.result.stderr).toBe('changed')
      expect(withoutRuns(host.tree())).toEqual(before)
    })
  })

  test('of a change that waits for its confirmation: taken back now, not when its time is over', async () => {
    await onStage(async ({ host, product, before }) => {
      const then = withoutRuns(host.tree())
      const killed = Promise.withResolvers<void>()
      // The controller goes away for good when it is about to prove what it did.
      before(async n => {
        if (n !== 3) return
        await child.kill()
        killed.resolve()
        await new Promise(() => {})
      })
      const child = startProgram(product, [...APPLY, '--revert-in', '10m'])
      child.ended.catch(() => {})
      await killed.promise
      const [run = ''] = readdirSync(join(product.directory, 'state', 'runs'))
      expect(withoutRuns(host.tree())).not.toEqual(then)
      before(() => {})
      const show = await product.run(['runs', 'show', run])
      expect(show.stdout).toMatch(/sim-1 +in-doubt \(apply\) +host: armed, takes itself back in \d+ s/)
      expect(show.stdout).toContain(`--resume ${run}`)
      // Nobody else may change this host as long as that is open.
      const other = await product.json(APPLY)
      expect([only(other.document).status, other.result.exitCode]).toEqual(['blocked', 8])
      expect(only(other.document).error?.message).toMatch(
        new RegExp(`locked by run ${run} of \\S+.* since .*: its change is not confirmed`),
      )
      const back = await product.json(['rollback', run, ...BACK])
      expect(only(back.document).status, back.result.stderr).toBe('changed')
      expect(withoutRuns(host.tree())).toEqual(then)
      expect((await product.json(APPLY)).result.exitCode).toBe(0)
    })
  })

  test('of one host of a fleet; the others stay, and hosts that were not in the run are not counted as failed', async () => {
    await onFleet(3, async ({ hosts, product }) => {
      const [first, second, third] = hosts.map(host => withoutRuns(host.tree()))
      const { document } = await product.json([...APPLY, '--limit', 'sim-1,sim-2'])
      const elsewhere = ['--state-dir', join(product.directory, 'colleague')]
      const one = await product.json(['rollback', document.run, ...BACK, ...elsewhere, '--limit', 'sim-2'])
      expect(one.document.hosts.map(({ name, status }) => [name, status])).toEqual([['sim-2', 'changed']])
      const present = hosts.map(host => withoutRuns(host.tree()))
      expect(present.slice(1)).toEqual([second, third])
      expect(present[0]).not.toEqual(first)
      const all = await product.json(['rollback', document.run, ...BACK, ...elsewhere])
      expect(all.document.hosts.map(({ name, status }) => [name, status])).toEqual([
        ['sim-1', 'changed'],
        ['sim-2', 'ok'],
        ['sim-3', 'ok'],
      ])
      expect(all.result.exitCode).toBe(0)
      expect(hosts.map(host => withoutRuns(host.tree()))).toEqual([first, second, third])
    })
  })

  test('runs list and runs show say of a host that the run had never begun what the rollback said', async () => {
    await onFleet(2, async ({ lab, product }) => {
      await lab.host('sim-2').failConnect('deny')
      const { document } = await product.json([...APPLY, ...IMPATIENT])
      expect(document.hosts.map(({ status }) => status)).toEqual(['changed', 'unreachable'])
      const back = await product.json(['rollback', document.run, ...BACK])
      expect(back.document.hosts.map(({ status }) => status)).toEqual(['changed', 'ok'])
      const list = await product.run(['runs', 'list', '--output', 'json'])
      const states = runsSchema.parse(JSON.parse(list.stdout)).runs.map(({ hosts }) => hosts.map(({ state }) => state))
      expect(states).toEqual([
        ['changed', 'unreachable'],
        ['changed', 'ok'],
      ])
      const show = await product.run(['runs', 'show', back.document.run])
      expect(show.stdout).toMatch(/^sim-2 +ok .*the run changed nothing here$/m)
      // Also where the rollback is broken off before it comes to its end.
      rmSync(join(product.directory, 'state', 'runs', back.document.run, 'result.json'))
      const broken = await product.run(['runs', 'show', back.document.run])
      expect(broken.stdout).toMatch(/^sim-2 +ok .*the run changed nothing here$/m)
    })
  })

  test('a host of the run that the inventory has no more is named, and no success; one that it never touched is', async () => {
    await onFleet(3, async ({ hosts, lab, product }) => {
      await lab.host('sim-3').failConnect('deny')
      const before = withoutRuns(hosts[0]?.tree() ?? {})
      const { document } = await product.json([...APPLY, ...IMPATIENT])
      const { all } = parse(readFileSync(product.inventory, 'utf8'))
      writeFileSync(product.inventory, stringify({ all: { hosts: { 'sim-1': all.hosts['sim-1'] } } }))
      const limited = await product.json(['rollback', document.run, '--dry-run', '--limit', 'sim-1'])
      expect(limited.document.hosts.map(({ name }) => name)).toEqual(['sim-1'])
      for (const [flag, done] of [
        ['--dry-run', 'would-change'],
        ['--yes', 'changed'],
      ] as const) {
        const back = await product.json(['rollback', document.run, '--connect-timeout', '10', flag])
        expect(back.document.hosts.map(({ name, status }) => [name, status])).toEqual([
          ['sim-1', done],
          ['sim-2', 'failed'],
          ['sim-3', 'ok'],
        ])
        expect(back.document.hosts[1]?.error?.message).toBe(
          'it is not in this inventory any more: what the run did there stays',
        )
        expect(back.result.exitCode).toBe(1)
      }
      expect(withoutRuns(hosts[0]?.tree() ?? {})).toEqual(before)
      const list = await product.run(['runs', 'list'])
      expect(list.stdout).toMatch(/ rollback +[0-9A-Z]{26} +1 changed, 1 failed, 1 ok$/m)
    })
  })

  test('a record of ours that lost lines hides no host; one that cannot be read is said, and what to do', async () => {
    await onStage(async ({ host, product }) => {
      const before = withoutRuns(host.tree())
      const { document } = await product.json(APPLY)
      const record = join(product.directory, 'state', 'runs', document.run)
      writeFileSync(join(record, 'events.ndjson'), '')
      const back = await product.json(['rollback', document.run, ...BACK])
      expect(only(back.document).status, back.result.stderr).toBe('changed')
      expect(withoutRuns(host.tree())).toEqual(before)
      writeFileSync(join(record, 'run.json'), '{\n')
      const { exitCode, stderr } = await product.run(['rollback', document.run, ...BACK])
      expect([exitCode, stderr]).toEqual([
        65,
        expect.stringMatching(/run\.json: cannot read the run record: .*\n {2}try: /),
      ])
    })
  })

  test('of a run that no host knows: failed; of what is no id: 64, before any host', async () => {
    await onStage(async ({ lab, product }) => {
      const unknown = await product.json(['rollback', '01ABCDEFGHJKMNPQRSTVWXYZ00', ...BACK])
      expect([only(unknown.document).status, unknown.result.exitCode]).toEqual(['failed', 1])
      expect(only(unknown.document).error?.message).toContain('no record of run')
      const connections = lab.totals()
      const runs = readdirSync(join(product.directory, 'state', 'runs'))
      for (const text of ['../../etc', 'nosuch', unknown.document.run.toLowerCase(), `${unknown.document.run}0`]) {
        const wrong = await product.run(['rollback', text, ...BACK])
        expect(wrong.exitCode).toBe(64)
        expect(wrong.stderr).toBe(
          `ctfix: expected the id of a run (26 letters and digits), got ${text}\n  try: ctfix runs list\n`,
        )
      }
      expect(lab.totals()).toEqual(connections)
      expect(readdirSync(join(product.directory, 'state', 'runs'))).toEqual(runs)
    })
  })

  test('a record on the host that was tampered with is refused, in one sentence', async () => {
    await onStage(async ({ host, product }) => {
      const { document } = await product.json([...APPLY, ...SOON])
      host.put(`/var/lib/ctfix/${document.run}/plan.json`, '{"changes":[{"kind":"file","target":"relative"}]}')
      const back = await product.json(['rollback', document.run, ...BACK])
      expect([only(back.document).status, back.result.exitCode]).toEqual(['failed', 1])
      expect(only(back.document).error?.message).toContain('cannot be read')
      expect(existsSync(join(host.root, OWN_FILE))).toBe(true)
    })
  })
})
