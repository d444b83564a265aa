/** Hosts that are broken while they are looked at, fleets, and Ctrl-C: through the command line. */
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { type Document, productFor } from './product.ts'
import { startProgram } from './simulated/child.ts'
import { createDebian, recordedProbe } from './simulated/debian.ts'
import type { Answer, SimHost } from './simulated/host.ts'
import { type SimulatedLab, startSimulated } from './simulated.ts'

interface Trouble {
  readonly what: string
  readonly status: 'ok' | 'unreachable' | 'failed'
  /** Of the error. */
  readonly says?: RegExp
  /** How often a connection is opened, where that is the point. */
  readonly connections?: number
  bring?(host: SimHost): unknown
}

const TROUBLES: readonly Trouble[] = [
  { what: 'healthy', status: 'ok', connections: 1 },
  {
    what: 'refuses',
    status: 'unreachable',
    says: /^cannot connect to 127\.0\.0\.1:\d+: connection refused \(3 attempts in \d+s\)$/,
    bring: host => host.failConnect('refuse'),
  },
  {
    what: 'hangs before its banner',
    status: 'unreachable',
    says: /the connection stands, but the SSH server does not speak/,
    bring: host => host.failConnect('hang'),
  },
  {
    what: 'stalls after its banner',
    status: 'unreachable',
    says: /the SSH server speaks, but the login does not end/,
    bring: host => host.failConnect('stall'),
  },
  {
    what: 'closes at once, always',
    status: 'unreachable',
    says: /the server closed the connection before it spoke \(\d+ attempts in \d+s\)$/,
    bring: host => host.failConnect('close'),
  },
  {
    what: 'closes at once, twice',
    status: 'ok',
    connections: 3,
    bring: host => host.failConnect('close', 2),
  },
  {
    what: 'says why it closes, with escapes',
    status: 'unreachable',
    says: /the server does not speak SSH 2: it said "Exceeded MaxStartups \\x1b\[31mred\\x1b\[0m"/,
    bring: host => host.failConnect('greet-and-close'),
  },
  {
    what: 'speaks no SSH',
    status: 'unreachable',
    says: /^cannot connect to 127\.0\.0\.1:\d+: /,
    bring: host => host.failConnect('babble'),
  },
  {
    what: 'wrong host key',
    status: 'unreachable',
    says: /^the host key of 127\.0\.0\.1:\d+ is not the known one: /,
    connections: 1,
    bring: host => host.failConnect('wrong-key'),
  },
  { what: 'unknown host key', status: 'unreachable', says: /host key/, connections: 1 },
  {
    what: 'denies the login',
    status: 'unreachable',
    says: /login denied \(tried publickey; .+\) as user ops$/,
    connections: 1,
    bring: host => host.failConnect('deny'),
  },
  {
    what: 'prints megabytes',
    status: 'failed',
    says: /^a command printed more than 4 MiB: x+…$/,
    bring: host => host.failExec({ kind: 'flood', bytes: 4_400_000 }),
  },
  { what: 'prints garbage', status: 'failed', says: /output/, bring: host => host.failExec({ kind: 'garbage' }) },
  { what: 'prints escapes', status: 'ok', bring: host => host.failExec({ kind: 'escapes' }) },
  {
    what: 'is cut off and prints escapes',
    status: 'failed',
    says: /^the probe ended with exit code 1: \\x1b\]0;title\\x07\\x1b\[2J\\u202eevil$/,
    bring: host => {
      host.answer(() => ({ exitCode: 1, stderr: '' }))
      host.failExec({ kind: 'escapes' })
    },
  },
  {
    what: 'has no sh',
    status: 'failed',
    says: /^no \/bin\/sh to run: sh: \/bin\/sh: not found$/,
    bring: host => host.failExec({ kind: 'no-sh' }),
  },
  {
    what: 'drops while the probe runs',
    status: 'unreachable',
    says: /^the connection was lost while a command ran/,
    connections: 1,
    bring: host => host.failExec({ kind: 'drop', afterBytes: 300 }),
  },
  {
    what: 'kills the probe',
    status: 'unreachable',
    says: /^a command was killed by SIGKILL/,
    bring: host => host.failExec({ kind: 'signal', name: 'KILL' }),
  },
  {
    what: 'opens no session',
    status: 'unreachable',
    says: /^the server does not run commands on this connection/,
    bring: host => host.failExec({ kind: 'no-session' }),
  },
  {
    what: 'refuses sudo',
    status: 'failed',
    says: /^sudo does not let ops become root without a password: sudo: Ein Passwort ist notwendig$/,
    bring: host => host.failExec({ kind: 'sudo-refused' }),
  },
  {
    what: 'has no sudo',
    status: 'failed',
    says: /^sudo cannot be run: sudo: not found$/,
    bring: host => host.failExec({ kind: 'no-sudo' }),
  },
  { what: 'healthy, the last', status: 'ok', connections: 1 },
]

const asRoot = describe.runIf(process.getuid?.() === 0)

/** Escapes and what else a terminal would act on. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it looks for control characters
const HARMFUL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]/

async function probeAnswer(): Promise<Answer> {
  using debian = createDebian()
  return await recordedProbe(debian)
}

async function onTroubles(
  body: (
    lab: SimulatedLab,
    run: (args: readonly string[]) => ReturnType<ReturnType<typeof productFor>['run']>,
  ) => Promise<void>,
): Promise<void> {
  await using lab = await startSimulated(TROUBLES.length, { user: 'ops', answer: await probeAnswer() })
  const hosts = lab
    .hosts()
    .map((host, i) => (TROUBLES[i]?.what === 'unknown host key' ? { ...host, knownHosts: '' } : host))
  for (const [i, { bring }] of TROUBLES.entries()) await bring?.(lab.host(`sim-${i + 1}`))
  using product = productFor(lab, hosts)
  await body(lab, args => product.run([...args, '--connect-timeout', '15']))
}

asRoot.concurrent('broken hosts, each another way, in one run', () => {
  test('facts --output json: each its own clear line, in inventory order; exit 1', async () => {
    await onTroubles(async (lab, run) => {
      const start = performance.now()
      const result = await run(['facts', '--output', 'json'])
      expect(performance.now() - start).toBeLessThan(45_000)
      const document: Document = JSON.parse(result.stdout)
      expect(document.hosts.map(({ name }) => name)).toEqual(lab.hosts().map(({ name }) => name))
      const found = document.hosts.map(({ status, error }) => ({ status, says: error?.message ?? '' }))
      for (const [i, { what, status, says = /^$/, connections }] of TROUBLES.entries()) {
        const is = found[i]
        expect(`${what}: ${is?.status}`, is?.says).toBe(`${what}: ${status}`)
        expect(is?.says, what).toMatch(says)
        expect(is?.says, what).not.toMatch(/\n| {4}at |a bug of/)
        const { counts } = lab.host(`sim-${i + 1}`)
        if (connections !== undefined) expect(counts.connections, what).toBe(connections)
      }
      expect(result.exitCode).toBe(1)
      expect(document.exit_code).toBe(1)
      expect(result.stdout + result.stderr).not.toMatch(HARMFUL)
    })
  })

  test('plan for people: one line for each trouble, nothing a terminal would act on; exit 1', async () => {
    await onTroubles(async (lab, run) => {
      const result = await run(['plan', '--strategy', 'raise'])
      const lines = result.stderr.split('\n')
      for (const [i, { what, status, says }] of TROUBLES.entries()) {
        const own = lines.filter(line => line.includes(`  sim-${i + 1}  `))
        // Of more than twenty hosts only those with trouble have a line.
        expect(own, what).toHaveLength(status === 'ok' ? 0 : 1)
        if (status === 'ok') continue
        expect(own[0], what).toContain(status)
        const said = own[0]?.replace(/^.*? sim-\d+ +/, '') ?? ''
        // The line has the host's name: its address is left out.
        const whole = [said, `cannot connect to 127.0.0.1:1: ${said}`]
        expect(
          whole.some(text => says?.test(text)),
          `${what}: ${said}`,
        ).toBe(true)
      }
      const recap = result.stdout.slice(result.stdout.lastIndexOf('\nrecap'))
      const count = (wanted: Trouble['status']): number => TROUBLES.filter(({ status }) => status === wanted).length
      expect(recap).toContain(
        `targeted ${TROUBLES.length}  would-change ${count('ok')}  unreachable ${count('unreachable')}  failed ${count('failed')}`,
      )
      expect(result.exitCode).toBe(1)
      expect(result.stdout + result.stderr).not.toMatch(HARMFUL)
      expect(result.stdout + result.stderr).not.toMatch(/ {4}at /)
      expect(lab.totals().handshakes).toBeGreaterThan(0)
    })
  })
})

asRoot.concurrent('the exit code is the worst of the hosts', () => {
  test.for<[number, readonly string[], (lab: SimulatedLab) => unknown]>([
    [0, ['facts'], () => {}],
    [3, ['facts'], lab => lab.host('sim-2').failConnect('refuse')],
    [3, ['plan', '--strategy', 'raise', '--detailed-exitcode'], lab => lab.host('sim-2').failConnect('refuse')],
    [2, ['plan', '--strategy', 'raise', '--detailed-exitcode'], () => {}],
    [9, ['plan', '--strategy', 'raise', '--set', 'max=601'], lab => lab.host('sim-2').failConnect('refuse')],
    [1, ['plan', '--strategy', 'raise', '--set', 'max=601'], lab => lab.host('sim-2').failExec({ kind: 'garbage' })],
  ])('%i: %j', async ([code, args, bring]) => {
    await using lab = await startSimulated(3, { answer: await probeAnswer() })
    await bring(lab)
    using product = productFor(lab)
    const { exitCode, stdout } = await product.run([...args, '--connect-timeout', '15'])
    expect(exitCode, stdout).toBe(code)
  })
})

asRoot('--host-timeout', () => {
  test('a host that is reached and then hangs is given up, and the others are not', async () => {
    await using lab = await startSimulated(3, { answer: await probeAnswer() })
    lab.host('sim-2').failExec({ kind: 'hang' })
    using product = productFor(lab)
    const { result, document } = await product.json(['facts', '--host-timeout', '10s'])
    expect(document.hosts.map(({ status }) => status)).toEqual(['ok', 'unreachable', 'ok'])
    expect(document.hosts[1]?.error?.message).toBe('not looked at within 10s')
    expect(result.exitCode).toBe(3)
    await expect.poll(() => lab.openConnections()).toBe(0)
  })

  test('one in which no look can end is refused before any host is touched', async () => {
    await using lab = await startSimulated(1)
    using product = productFor(lab)
    const { exitCode, stderr } = await product.run(['verify', '--strategy', 'raise', '--host-timeout', '5s'])
    expect([exitCode, stderr.trim()]).toEqual([
      64,
      'ctfix: --host-timeout 5s: watching a host takes a --window of 10s by itself',
    ])
    expect(lab.totals().connections).toBe(0)
  })
})

asRoot('a fleet', () => {
  test('300 hosts: all ok, in inventory order, one handshake and one command each', async () => {
    await using lab = await startSimulated(300, { answer: await probeAnswer() })
    using product = productFor(lab)
    const { result, document } = await product.json(['facts'])
    expect(result.exitCode, result.stderr).toBe(0)
    expect(document.hosts.map(({ name }) => name)).toEqual(Array.from({ length: 300 }, (_, i) => `sim-${i + 1}`))
    expect(new Set(document.hosts.map(({ status }) => status))).toEqual(new Set(['ok']))
    expect(lab.totals()).toMatchObject({ handshakes: 300, execs: 300 })
    expect(result.stderr).toBe('')
  })

  test('what goes where: one document, an event a line, and progress on stderr only', async () => {
    await using lab = await startSimulated(5, { answer: await probeAnswer() })
    using product = productFor(lab)
    const plan = ['plan', '--strategy', 'raise']
    const [json, events, human] = await Promise.all([
      product.run([...plan, '--output', 'json']),
      product.run([...plan, '--output', 'ndjson']),
      product.run(plan),
    ])
    expect(JSON.parse(json.stdout)).toMatchObject({ schema: 1, command: 'plan', exit_code: 0 })
    expect(json.stdout).toMatch(/^\{\n[\s\S]*\n\}\n$/)
    const lines = events.stdout.split('\n')
    expect(lines.pop()).toBe('')
    const told = lines.map(line => JSON.parse(line))
    for (const line of told) expect(line.schema).toBe(1)
    expect(
      told
        .filter(({ type }) => type === 'outcome')
        .map(({ host }) => host)
        .toSorted(),
    ).toEqual(lab.hosts().map(({ name }) => name))
    expect(told.at(-1)).toMatchObject({ command: 'plan', summary: { targeted: 5, would_change: 5 } })
    expect(json.stderr + events.stderr).toBe('')
    expect(human.stderr.trim().split('\n')).toHaveLength(5)
    expect(human.stdout).not.toMatch(/^\[\d\/5\]/m)
  })
})

asRoot('Ctrl-C', () => {
  const slowly =
    (answer: Answer, ms: number): Answer =>
    async request => {
      await delay(ms)
      return answer(request)
    }

  test('those in flight finish, the others are not begun; all are in the document; exit 130', async () => {
    await using lab = await startSimulated(60, { answer: slowly(await probeAnswer(), 700) })
    using product = productFor(lab)
    const child = startProgram(product, ['facts', '--output', 'json', '--forks', '10', '-v'])
    await child.says(/: exec\n/)
    child.interrupt()
    const { exitCode, stdout, stderr } = await child.ended
    expect(exitCode).toBe(130)
    expect(stderr).toContain('interrupted: no further host is started')
    const { hosts, exit_code: code }: Document = JSON.parse(stdout)
    expect(code).toBe(130)
    expect(hosts.map(({ name }) => name)).toEqual(lab.hosts().map(({ name }) => name))
    const done = hosts.filter(({ status }) => status === 'ok').length
    expect(done).toBeGreaterThanOrEqual(1)
    expect(done).toBeLessThanOrEqual(20)
    const rest = hosts.filter(({ status }) => status !== 'ok')
    expect(rest).toHaveLength(60 - done)
    for (const { status, error } of rest) {
      expect(status).toBe('skipped')
      expect(error?.message).toBe('interrupted before it was touched')
    }
    expect(lab.totals().execs).toBe(done)
  })

  test('twice: leaves at once, and still says what became of each', async () => {
    await using lab = await startSimulated(20, { answer: slowly(await probeAnswer(), 20_000) })
    using product = productFor(lab)
    const child = startProgram(product, ['facts', '--output', 'json', '--forks', '5', '-v'])
    await child.says(/: exec\n/)
    child.interrupt()
    await child.says(/interrupted/)
    child.interrupt()
    const { exitCode, stdout, elapsedMs } = await child.ended
    expect(exitCode).toBe(130)
    expect(elapsedMs).toBeLessThan(8_000)
    const { hosts }: Document = JSON.parse(stdout)
    expect(hosts.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 'skipped'))
  })

  test('between the plans and the changes of an apply: nothing is changed, and it ends', async () => {
    await using lab = await startSimulated(4, { answer: slowly(await probeAnswer(), 700) })
    using product = productFor(lab)
    const child = startProgram(product, ['apply', '--strategy', 'raise', '--yes', '--output', 'json', '-v'])
    await child.says(/: exec\n/)
    child.interrupt()
    const { exitCode, stdout, elapsedMs } = await child.ended
    expect(exitCode).toBe(130)
    expect(elapsedMs).toBeLessThan(8_000)
    const { hosts }: Document = JSON.parse(stdout)
    expect(hosts.map(({ status }) => status)).toEqual(['skipped', 'skipped', 'skipped', 'skipped'])
    expect(lab.totals().execs).toBe(4)
  })
})
