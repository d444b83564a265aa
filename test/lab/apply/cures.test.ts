/** apply through the command line, our real scripts on a made-up host: it cures, or declines and touches nothing. */
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Plan } from '../../../src/plan/plan.ts'
import { HASHSIZE, MAX, withoutRuns } from '../simulated/debian.ts'
import { APPLY, asRoot, contentsOf, NAME, only, onStage } from './stage.ts'

const PASSWORD = 'canary-8f21-PASSWORD'

asRoot.concurrent('apply', () => {
  test('cures, keeps it, and says so: two handshakes, four commands', async () => {
    await onStage(async ({ lab, host, product }) => {
      const { result, document } = await product.json(APPLY)
      expect(only(document), result.stderr).toMatchObject({ status: 'changed', error: null })
      expect(result.exitCode).toBe(0)
      expect(lab.totals()).toMatchObject({ handshakes: 2, execs: 4 })
      const max = Number(host.read(MAX))
      expect(max).toBeGreaterThan(1200)
      expect(Number(host.read(HASHSIZE))).toBe(max)
      expect(host.read('/etc/sysctl.d/99-zz-ctfix.conf')).toContain(`net.netfilter.nf_conntrack_max = ${max}`)
      for (const { name, status } of only(document).checks) expect(`${name} ${status}`).toBe(`${name} pass`)
    })
  })

  test('the record here and the run directory there: complete, for nobody else to read, and no secret in either', async () => {
    await onStage(
      async ({ host, product }) => {
        const { result, document } = await product.json([...APPLY, '-v'])
        expect(result.exitCode, result.stdout).toBe(0)
        const { run } = document
        const recordDir = join(product.directory, 'state', 'runs', run)
        const record = contentsOf(recordDir)
        expect([...record.keys()].toSorted()).toEqual(['events.ndjson', 'result.json', 'run.json'])
        const events = (record.get('events.ndjson') ?? '').match(/"step":"\w+"|"type":"(planned|outcome)"/g)
        expect(events).toEqual(['"type":"planned"', '"step":"apply"', '"step":"persist"', '"type":"outcome"'])
        expect(JSON.parse(record.get('result.json') ?? '')).toEqual(document)

        const runDir = join(host.root, 'var/lib/ctfix', run)
        const staged = contentsOf(runDir)
        expect([...staged.keys()]).toEqual(
          expect.arrayContaining(['apply.sh', 'guard.sh', 'undo.sh', 'plan.json', 'owner', 'log', 'kept']),
        )
        for (const gone of ['armed', 'confirmed', 'worker']) expect(staged.has(gone), gone).toBe(false)
        expect(existsSync(join(host.root, 'var/lib/ctfix/lock'))).toBe(false)
        const plan: Plan & { run: string } = JSON.parse(staged.get('plan.json') ?? '')
        expect(plan).toMatchObject({ run, host: NAME, blockers: [] })

        for (const [directory, files] of [
          [recordDir, record],
          [runDir, staged],
        ] as const) {
          expect(statSync(directory).mode & 0o777).toBe(0o700)
          for (const [name, text] of files) {
            expect(text, name).not.toContain(PASSWORD)
            if (existsSync(join(directory, name))) expect(statSync(join(directory, name)).mode & 0o077, name).toBe(0)
          }
        }
        for (const text of [result.stdout, result.stderr]) expect(text).not.toContain(PASSWORD)
      },
      { password: PASSWORD },
    )
  })

  test('again there is nothing to do; verify --run asks for the recorded numbers', async () => {
    await onStage(async ({ lab, host, product }) => {
      const { result, document } = await product.json(APPLY)
      expect(result.exitCode, result.stdout).toBe(0)
      const first = lab.totals()
      const cured = host.tree()
      const again = await product.json(APPLY)
      expect(only(again.document), again.result.stderr).toMatchObject({ status: 'ok', changes: [] })
      expect(again.result.exitCode).toBe(0)
      const second = lab.totals()
      expect([second.handshakes - first.handshakes, second.execs - first.execs]).toEqual([1, 1])
      expect(host.tree()).toEqual(cured)

      // A load for which `auto` would come to more today: the run's own number is what is asked for.
      const max = Number(host.read(MAX))
      host.put('/proc/sys/net/netfilter/nf_conntrack_count', `${Math.floor(max * 0.7)}\n`)
      const verify = ['verify', '--run', document.run, '--window', '1s']
      const good = await product.json(verify)
      expect(only(good.document), good.result.stderr).toMatchObject({ status: 'ok', changes: [] })
      expect(good.document).toMatchObject({ strategy: ['raise'], exit_code: 0 })
      host.put('/proc/sys/net/netfilter/nf_conntrack_count', '600\n')
      host.put(MAX, '1000\n')
      const drifted = await product.json(verify)
      expect(only(drifted.document).status).toBe('would-change')
      expect(only(drifted.document).changes).toMatchObject([
        { target: 'net.netfilter.nf_conntrack_max', before: '1000', after: String(max) },
      ])
      expect(drifted.result.exitCode).toBe(1)
    })
  })

  test('through sudo it is the same', async () => {
    await onStage(
      async ({ lab, sim, host, product }) => {
        const { result, document } = await product.json(APPLY)
        expect(only(document).status, result.stdout).toBe('changed')
        expect(lab.totals()).toMatchObject({ handshakes: 2, execs: 4 })
        expect(new Set(sim.requests.map(({ user }) => user))).toEqual(new Set(['root']))
        expect(Number(host.read(MAX))).toBeGreaterThan(600)
      },
      { user: 'ops' },
    )
  })

  test('a dry run leaves the host byte-identical, and no record', async () => {
    await onStage(async ({ lab, host, product }) => {
      const before = host.tree()
      const { result, document } = await product.json([...APPLY, '--dry-run'])
      expect(result.exitCode, result.stderr).toBe(0)
      expect(only(document).status).toBe('would-change')
      expect(only(document).diff).toContain('net.netfilter.nf_conntrack_max: 600 →')
      expect(host.tree()).toEqual(before)
      expect(lab.totals()).toMatchObject({ handshakes: 1, execs: 1 })
      expect(existsSync(join(product.directory, 'state'))).toBe(false)
    })
  })

  test('a host that changed since the plan: stale, exit 7, nothing touched', async () => {
    await onStage(async ({ host, product, before }) => {
      let then = {}
      before(n => {
        if (n !== 2) return
        host.put(MAX, '700\n')
        then = host.tree()
      })
      const { result, document } = await product.json(APPLY)
      expect(only(document)).toMatchObject({ status: 'failed', cause: 'stale' })
      expect(only(document).error?.message).toContain(`${MAX} is now '700', and the plan was made on '600'`)
      expect(result.exitCode).toBe(7)
      expect(withoutRuns(host.tree())).toEqual(withoutRuns(then))
    })
  })

  test('a place for run directories that is none: nothing was changed, failed, exit 1', async () => {
    await onStage(async ({ host, product }) => {
      host.put('/var/lib/ctfix', 'a file\n')
      const then = host.tree()
      const { result, document } = await product.json(APPLY)
      expect(only(document).status).toBe('failed')
      expect(only(document).error?.message).toBe('nothing was changed: cannot make /var/lib/ctfix')
      expect(result.exitCode).toBe(1)
      expect(host.tree()).toEqual(then)
    })
  })

  test('a state directory that cannot be: one clear error before any host is touched', async () => {
    await onStage(async ({ lab, product }) => {
      const result = await product.run([...APPLY, '--state-dir', '/dev/null/state'])
      expect(result).toMatchObject({ exitCode: 65, stdout: '' })
      expect(result.stderr).toMatch(
        /^ctfix: \/dev\/null\/state\/runs\/\w+: cannot write the run record: [^\n]+\n {2}try: [^\n]*--state-dir\n$/,
      )
      expect(lab.totals().connections).toBe(0)
    })
  })

  test('a guard that would have less time than the proof needs is refused before any host is touched', async () => {
    await onStage(async ({ lab, product }) => {
      const result = await product.run([...APPLY, '--revert-in', '5s'])
      expect(result).toMatchObject({ exitCode: 64, stdout: '' })
      expect(result.stderr).toMatch(/--revert-in 5s?: with --window 1s? a host cannot be confirmed in less than 6 ?s/)
      expect(lab.totals().connections).toBe(0)
    })
  })
})
