/** apply through the command line, our real scripts on made-up hosts, and everything that can go wrong between. */
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, test, vi } from 'vitest'
import type { Plan, Task } from '../../src/plan/plan.ts'
import { applyTo } from '../../src/run/commands.ts'
import { newRunId } from '../../src/run/run-id.ts'
import { survey } from '../../src/run/survey.ts'
import type { Tools } from '../../src/run/tools.ts'
import { raise } from '../../src/strategy/raise.ts'
import { assemble } from '../../src/transport/connect.ts'
import type { Connect } from '../../src/transport/connection.ts'
import { createSsh2Connect } from '../../src/transport/ssh2.ts'
import { fromLab, knownHostsOf, never } from '../unit/transport/hosts.ts'
import { type Document, type Product, productFor, type Result } from './product.ts'
import { startProgram } from './simulated/child.ts'
import { createDebian, type FakeHost, HASHSIZE, MAX, stepwise, withoutRuns } from './simulated/debian.ts'
import type { SimHost, SimHostOptions, SimRequest } from './simulated/host.ts'
import { type SimulatedLab, startSimulated } from './simulated.ts'

const PROGRAM = fileURLToPath(new URL('../../bin/ctfix.js', import.meta.url))
const NAME = 'sim-1'
const APPLY = ['apply', '--strategy', 'raise', '--yes', '--window', '1s', '--connect-timeout', '3']
const PASSWORD = 'canary-8f21-PASSWORD'

interface Stage {
  readonly lab: SimulatedLab
  readonly sim: SimHost
  readonly host: FakeHost
  readonly product: Product
  /** Steps in before the n-th command. An apply: 1 look, 2 change, 3 proof, 4 files; a way back is one more. */
  before(step: (n: number, request: SimRequest) => unknown): void
}

async function onStage(body: (stage: Stage) => Promise<void>, options: SimHostOptions = {}): Promise<void> {
  using host = createDebian()
  await using lab = await startSimulated(1, { ...options, answer: host.answer })
  using product = productFor(lab)
  const sim = lab.host(NAME)
  await body({ lab, sim, host, product, before: step => sim.answer(stepwise(host.answer, step)) })
}

function only({ hosts }: Document): Document['hosts'][number] {
  const [first] = hosts
  if (!first || hosts.length !== 1) throw new Error(`expected one host, got ${hosts.length}`)
  return first
}

/** Files below a directory, by their path in it. */
function contentsOf(directory: string): Map<string, string> {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
  return new Map(files.map(file => [file.name, readFileSync(join(file.parentPath, file.name), 'utf8')]))
}

/** Whether a change was ever asked for: the program that stages and changes, told by what it runs. */
const changes = ({ requests }: SimHost): number => requests.filter(({ stdin }) => stdin.includes('apply.sh')).length
const undos = ({ requests }: SimHost): number =>
  requests.filter(({ stdin }) => /^\/bin\/sh \S+undo\.sh/.test(stdin)).length

describe.runIf(process.getuid?.() === 0).concurrent('apply', () => {
  test('cures, keeps it, and says so; again there is nothing to do; verify --run asks for the recorded numbers', async () => {
    await onStage(
      async ({ lab, host, product }) => {
        const { result, document } = await product.json([...APPLY, '-v'])
        expect(only(document), result.stderr).toMatchObject({ status: 'changed', error: null })
        expect(result.exitCode).toBe(0)
        const first = lab.totals()
        expect(first).toMatchObject({ handshakes: 2, execs: 4 })
        const max = Number(host.read(MAX))
        expect(max).toBeGreaterThan(1200)
        expect(Number(host.read(HASHSIZE))).toBe(max)
        expect(host.read('/etc/sysctl.d/99-zz-ctfix.conf')).toContain(`net.netfilter.nf_conntrack_max = ${max}`)
        for (const { name, status } of only(document).checks) expect(`${name} ${status}`).toBe(`${name} pass`)

        const { run } = document
        const record = contentsOf(join(product.directory, 'state', 'runs', run))
        expect([...record.keys()].toSorted()).toEqual(['events.ndjson', 'result.json', 'run.json'])
        const events = (record.get('events.ndjson') ?? '')
          .trim()
          .split('\n')
          .map(line => JSON.parse(line))
        expect(events.map(({ type, step }) => step ?? type)).toEqual(['planned', 'apply', 'persist', 'outcome'])
        expect(JSON.parse(record.get('result.json') ?? '')).toEqual(document)
        const recordDir = join(product.directory, 'state', 'runs', run)
        expect(statSync(recordDir).mode & 0o777).toBe(0o700)
        for (const name of record.keys()) expect(statSync(join(recordDir, name)).mode & 0o077).toBe(0)

        const runDir = join(host.root, 'var/lib/ctfix', run)
        const staged = contentsOf(runDir)
        expect([...staged.keys()].toSorted()).toEqual(['apply.sh', 'log', 'persist.sh', 'plan.json', 'undo.sh'])
        expect(statSync(runDir).mode & 0o777).toBe(0o700)
        for (const name of staged.keys()) expect(statSync(join(runDir, name)).mode & 0o077).toBe(0)
        const plan: Plan & { run: string } = JSON.parse(staged.get('plan.json') ?? '')
        expect(plan).toMatchObject({ run, host: NAME, blockers: [] })
        for (const text of [result.stdout, result.stderr, ...record.values(), ...staged.values()]) {
          expect(text).not.toContain(PASSWORD)
        }

        const cured = host.tree()
        const again = await product.json(APPLY)
        expect(only(again.document), again.result.stderr).toMatchObject({ status: 'ok', changes: [] })
        expect(again.result.exitCode).toBe(0)
        const second = lab.totals()
        expect([second.handshakes - first.handshakes, second.execs - first.execs]).toEqual([1, 1])
        expect(host.tree()).toEqual(cured)

        // A load for which `auto` would come to more today: the run's own number is what is asked for.
        host.put('/proc/sys/net/netfilter/nf_conntrack_count', `${Math.floor(max * 0.7)}\n`)
        const verify = ['verify', '--run', run, '--window', '1s']
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
      },
      { password: PASSWORD },
    )
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

  test('a cure that does not cure is taken back: exit 4, the host as before', async () => {
    await onStage(async ({ sim, host, product, before }) => {
      let then = host.tree()
      before((n, { command }) => {
        if (n !== 3 || !/ -- [0-9a-f]{16} 1 /.test(command)) return
        setTimeout(() => {
          host.drop()
          then = { ...then, '/proc/net/stat/nf_conntrack': host.tree()['/proc/net/stat/nf_conntrack'] ?? '' }
        }, 500)
      })
      const { result, document } = await product.json(APPLY)
      expect(only(document).status, result.stdout).toBe('rolled-back')
      expect(only(document).error?.message).toMatch(/^not cured: drops-still: drop \+[\d,]+ in /)
      expect(result.exitCode).toBe(4)
      expect(withoutRuns(host.tree())).toEqual(withoutRuns(then))
      expect([changes(sim), undos(sim)]).toEqual([1, 1])
      const events = contentsOf(join(product.directory, 'state')).get('events.ndjson') ?? ''
      expect(events.match(/"step":"\w+"|"outcome"/g)).toEqual(['"step":"apply"', '"step":"undo"', '"outcome"'])
    })
  })

  test('the connection drops while the change runs: unknown, exit 5, what to do, and never sent twice', async () => {
    await onStage(async ({ lab, sim, product, before }) => {
      before(n => {
        if (n === 1) sim.failExec({ kind: 'drop', afterBytes: 0 }, 1)
      })
      const { result, document } = await product.json(APPLY)
      const { status, error } = only(document)
      expect(status).toBe('unknown')
      expect(error?.message).toContain('the connection was lost while a command ran')
      expect(error?.hint).toContain(`ctfix facts --limit ${NAME}`)
      expect(error?.hint).toContain(`sh /var/lib/ctfix/${document.run}/undo.sh /var/lib/ctfix/${document.run}`)
      expect(result.exitCode).toBe(5)
      expect(lab.totals().execs).toBe(2)
      expect(changes(sim)).toBe(1)
    })
  })

  test('what the hint of an unknown outcome says does take it back', async () => {
    await onStage(async ({ lab, sim, host, product, before }) => {
      const then = host.tree()
      before(n => {
        if (n === 1) sim.failExec({ kind: 'drop', afterBytes: 0 }, 1)
      })
      const { document } = await product.json(APPLY)
      expect(Number(host.read(MAX))).toBeGreaterThan(600)
      const [, command = 'exit 99'] = /on the host: (.*)$/.exec(only(document).error?.hint ?? '') ?? []
      expect(await host.inspect(command)).toMatchObject({ exitCode: 0 })
      expect(withoutRuns(host.tree())).toEqual(then)
      expect(lab.totals().execs).toBe(2)
    })
  })

  test('the proof drops: taken back over the old connection', async () => {
    await onStage(async ({ lab, sim, host, product, before }) => {
      const then = host.tree()
      before(n => {
        if (n === 2) sim.failExec({ kind: 'drop', afterBytes: 100 }, 1)
      })
      const { result, document } = await product.json(APPLY)
      expect(only(document).status, result.stdout).toBe('rolled-back')
      expect(only(document).error?.message).toContain('could not be proved: the connection was lost')
      expect(result.exitCode).toBe(4)
      expect(lab.totals()).toMatchObject({ handshakes: 2, execs: 4 })
      expect(withoutRuns(host.tree())).toEqual(then)
    })
  })

  test('both connections die during the proof: taken back over a third', async () => {
    await onStage(async ({ lab, sim, host, product, before }) => {
      const then = host.tree()
      before(n => (n === 3 ? lab.sever(NAME) : undefined))
      const { result, document } = await product.json(APPLY)
      expect(only(document).status, result.stdout).toBe('rolled-back')
      expect(result.exitCode).toBe(4)
      expect(lab.totals().handshakes).toBe(3)
      expect([changes(sim), undos(sim)]).toEqual([1, 1])
      expect(withoutRuns(host.tree())).toEqual(then)
    })
  })

  test('both connections die and no other comes: unknown, exit 5, both reasons and the way back', async () => {
    await onStage(async ({ lab, sim, product, before }) => {
      before(async n => {
        if (n !== 3) return
        await sim.failConnect('refuse')
        await lab.sever(NAME)
      })
      const { result, document } = await product.json(APPLY)
      const { status, error } = only(document)
      expect(status).toBe('unknown')
      expect(error?.message).toMatch(/could not be proved: .*no connection is left to take it back over: .*refused/)
      expect(error?.hint).toContain('undo.sh')
      expect(result.exitCode).toBe(5)
    })
  })

  test.for(['refuse', 'close', 'deny', 'wrong-key'] as const)(
    'after the change no new connection (%s): taken back over the old one',
    async fault => {
      await onStage(async ({ lab, sim, host, product, before }) => {
        const then = host.tree()
        before(n => (n === 2 ? sim.failConnect(fault) : undefined))
        const { result, document } = await product.json(APPLY)
        expect(only(document).status, result.stdout).toBe('rolled-back')
        expect(only(document).error?.message).toMatch(
          /^no new connection after the change: (cannot connect to|the host key of) 127/,
        )
        expect(result.exitCode).toBe(4)
        expect(lab.totals().execs).toBe(3)
        expect(withoutRuns(host.tree())).toEqual(then)
      })
    },
  )

  test('undo fails: rollback-failed, exit 5, and where to look', async () => {
    await onStage(async ({ host, product, before }) => {
      before(n => {
        if (n !== 3) return
        // Nobody can read or write a directory: not even root, who passes every test of modes.
        rmSync(join(host.root, MAX))
        mkdirSync(join(host.root, MAX))
      })
      const { result, document } = await product.json(APPLY)
      const { status, error } = only(document)
      expect(status, result.stdout).toBe('rollback-failed')
      expect(error?.message).toContain(`taking it back failed: ctfix: cannot read ${MAX}`)
      expect(error?.hint).toContain(`/var/lib/ctfix/${document.run}`)
      expect(result.exitCode).toBe(5)
      // What could be taken back was.
      expect(host.read(HASHSIZE)).toBe('2560\n')
    })
  })

  test('a file that cannot be written: the live values go back too', async () => {
    await onStage(async ({ host, product, before }) => {
      let then = host.tree()
      before(n => {
        if (n !== 4) return
        rmSync(join(host.root, 'etc/modprobe.d'), { recursive: true })
        host.put('/etc/modprobe.d', 'not a directory\n')
        const changed = Object.entries(host.tree()).filter(([path]) => path.startsWith('/etc/modprobe.d'))
        const kept = Object.entries(then).filter(([path]) => !path.startsWith('/etc/modprobe.d'))
        then = Object.fromEntries([...kept, ...changed])
      })
      const { result, document } = await product.json(APPLY)
      expect(only(document).status, result.stdout).toBe('rolled-back')
      expect(only(document).error?.message).toContain('a change failed and all was taken back')
      expect(result.exitCode).toBe(4)
      expect(withoutRuns(host.tree())).toEqual(withoutRuns(then))
    })
  })

  test('the connection drops while the files are written: unknown, never sent twice', async () => {
    await onStage(async ({ sim, product, before }) => {
      before(n => {
        if (n === 3) sim.failExec({ kind: 'drop', afterBytes: 0 }, 1)
      })
      const { result, document } = await product.json(APPLY)
      expect(only(document).status, result.stdout).toBe('unknown')
      expect(only(document).error?.hint).toContain('undo.sh')
      expect(result.exitCode).toBe(5)
      expect(sim.counts.execs).toBe(4)
    })
  })

  test('the server runs no second command on a connection: nothing was sent, so unreachable and not unknown', async () => {
    await onStage(async ({ sim, host, product, before }) => {
      const then = host.tree()
      before(n => {
        if (n === 1) sim.failExec({ kind: 'no-session' }, 1)
      })
      const { result, document } = await product.json(APPLY)
      expect(only(document).status, result.stdout).toBe('unreachable')
      expect(result.exitCode).toBe(3)
      expect(host.tree()).toEqual(then)
    })
  })

  test('the server takes the proof but not the command that writes the files: taken back', async () => {
    await onStage(async ({ sim, host, product, before }) => {
      const then = host.tree()
      before(n => {
        if (n === 3) sim.failExec({ kind: 'no-session' }, 1)
      })
      const { result, document } = await product.json(APPLY)
      expect(only(document).status, result.stdout).toBe('rolled-back')
      expect(result.exitCode).toBe(4)
      expect(withoutRuns(host.tree())).toEqual(then)
    })
  })

  test('a place for run directories that is none: nothing was changed, failed, exit 1', async () => {
    await onStage(async ({ host, product }) => {
      host.put('/var/lib/ctfix', 'a file\n')
      const then = host.tree()
      const { result, document } = await product.json(APPLY)
      expect(only(document).status).toBe('failed')
      expect(only(document).error?.message).toMatch(/^nothing was changed: ctfix: cannot make \/var\/lib\/ctfix\//)
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
})

/** Several hosts, each with a root of its own; the hosts are closed with the lab. */
async function onFleet(
  n: number,
  body: (fleet: { lab: SimulatedLab; hosts: readonly FakeHost[]; product: Product }) => Promise<void>,
): Promise<void> {
  using stack = new DisposableStack()
  const hosts = Array.from({ length: n }, () => stack.use(createDebian()))
  await using lab = await startSimulated(n)
  for (const [i, { answer }] of hosts.entries()) lab.host(`sim-${i + 1}`).answer(answer)
  using product = productFor(lab)
  await body({ lab, hosts, product })
}

describe.runIf(process.getuid?.() === 0).concurrent('apply to several', () => {
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
        const { result, document } = await product.json([...APPLY, '--forks', forks])
        const fourthIs = forks === '9' ? 'unknown' : 'changed'
        expect(document.hosts.map(({ name, status }) => `${name} ${status}`)).toEqual([
          'sim-1 unreachable',
          'sim-2 failed',
          'sim-3 rolled-back',
          `sim-4 ${fourthIs}`,
          'sim-5 changed',
        ])
        expect(result.exitCode).toBe(forks === '9' ? 5 : 4)
        expect(document.summary).toMatchObject({ targeted: 5, unreachable: 1, failed: 1, rolled_back: 1 })
        for (const i of [0, 2]) expect(withoutRuns(hosts[i]?.tree() ?? {})).toEqual(before[i])
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
        const slow = stepwise(second.answer, async n => {
          if (n !== 1) return
          await vi.waitFor(() => expect(lab.host('sim-1').counts.execs).toBe(1), 10_000)
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

  test('Ctrl-C during a change: that host is brought to its end, the next is not touched; exit 130', async () => {
    await onFleet(2, async ({ lab, hosts, product }) => {
      const [first, second] = hosts
      if (!first || !second) throw new Error('too few hosts')
      const untouched = second.tree()
      const child = startProgram(product, [...APPLY, '--forks', '1', '--output', 'json', '-v'])
      lab.host('sim-1').answer(stepwise(first.answer, n => n === 2 && child.interrupt()))
      const { exitCode, stdout } = await child.ended
      expect(exitCode).toBe(130)
      const document: Document = JSON.parse(stdout)
      expect(document.hosts.map(({ status }) => status)).toEqual(['changed', 'skipped'])
      expect(second.tree()).toEqual(untouched)
      expect(first.read('/etc/sysctl.d/99-zz-ctfix.conf')).toContain('nf_conntrack_max')
    })
  })

  test('Ctrl-C twice during a proof: leaves at once, and says which host is left and the way back, which works', async () => {
    await onFleet(1, async ({ lab, hosts, product }) => {
      const [host] = hosts
      if (!host) throw new Error('too few hosts')
      const then = host.tree()
      const child = startProgram(product, [...APPLY, '--window', '2s', '--output', 'json'])
      const twice = async (): Promise<void> => {
        child.interrupt()
        await child.says(/interrupted/)
        child.interrupt()
      }
      lab.host(NAME).answer(stepwise(host.answer, n => n === 3 && twice()))
      const { exitCode, stderr } = await child.ended
      expect(exitCode).toBe(130)
      const [, wayBack = 'exit 99'] = /^ctfix: sim-1: left in the middle of a change; .*: (sh .*)$/m.exec(stderr) ?? []
      expect(Number(host.read(MAX))).toBeGreaterThan(600)
      expect(await host.inspect(wayBack)).toMatchObject({ exitCode: 0 })
      expect(withoutRuns(host.tree())).toEqual(then)
      const events = contentsOf(join(product.directory, 'state')).get('events.ndjson') ?? ''
      expect(events).toContain('"step":"apply"')
      expect(events).not.toContain('"outcome"')
    })
  })

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
        /\/runs\/\w+: nothing was changed: cannot write the run record: EFBIG/,
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

/** The same run without the command line, on connections that have less patience than ours. */
describe.runIf(process.getuid?.() === 0).concurrent('apply, impatient', () => {
  const task: Task = { steps: [{ strategy: raise, options: {} }], force: false }

  async function applyWith(lab: SimulatedLab, deadlineMs: (n: number) => number) {
    const [entry] = lab.hosts()
    if (!entry) throw new Error('no host')
    const ssh = createSsh2Connect({ knownHosts: await knownHostsOf([entry]), policy: 'strict' })
    const open = assemble(ssh, { budgetMs: 3_000 })
    let n = 0
    const connect: Connect = async (host, signal) => {
      const connection = await open(host, signal)
      return {
        host,
        get alive() {
          return connection.alive
        },
        exec(command, options) {
          n += 1
          return connection.exec(command, { ...options, deadlineMs: deadlineMs(n) })
        },
        [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
      }
    }
    const tools: Tools = { run: newRunId(), connect, emit: () => {}, signal: never, windowSeconds: 1 }
    return applyTo(await survey(fromLab(entry), task, tools), task, tools)
  }

  test('the change hangs: unknown after its deadline, not sent again', async () => {
    await onStage(async ({ lab, sim, before }) => {
      before(n => {
        if (n === 1) sim.failExec({ kind: 'hang' }, 1)
      })
      const { status, error } = await applyWith(lab, n => (n === 2 ? 300 : 20_000))
      expect(status).toBe('unknown')
      expect(error?.message).toBe('gave up on a command after 0.3s: what it did is not known')
      expect(error?.hint).toContain('undo.sh')
      expect(sim.counts.execs).toBe(2)
      await vi.waitFor(() => expect(lab.openConnections()).toBe(0))
    })
  })

  test('the proof hangs: taken back over the old connection', async () => {
    await onStage(async ({ lab, sim, host, before }) => {
      const then = host.tree()
      before(n => {
        if (n === 2) sim.failExec({ kind: 'hang' }, 1)
      })
      const { status, error } = await applyWith(lab, n => (n === 3 ? 300 : 20_000))
      expect(status).toBe('rolled-back')
      expect(error?.message).toContain('could not be proved: gave up on a command')
      expect(withoutRuns(host.tree())).toEqual(then)
    })
  })

  test('the way back hangs on both connections: tried over a third, then unknown', async () => {
    await onStage(async ({ lab, sim, before }) => {
      before(n => {
        if (n === 2) sim.failExec({ kind: 'hang' })
      })
      const { status, error } = await applyWith(lab, n => (n >= 3 ? 300 : 20_000))
      expect(status).toBe('unknown')
      expect(error?.message).toContain('could not be proved')
      expect(error?.hint).toContain('undo.sh')
    })
  })
})
