/** A watch over two hundred hosts, which are another process: on a terminal, as a person sees it, and what it takes. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { expect } from 'vitest'
import { watchSchema } from '../../src/view/watch-schema.ts'
import { createEmulator, type Emulator } from '../support/screen.ts'
import { inTerminal, type TerminalOptions, type TerminalRun } from '../support/terminal.ts'
import { PROGRAM } from './product.ts'
import { startWatchHosts, type WatchHosts } from './simulated/watch/hosts.ts'
import { labSuite } from './suite.ts'

const HOSTS = 200
const METER = new URL('simulated/watch/meter.js', import.meta.url).href
/** What is promised of a watch; tries from here come on top of that. */
const MOST_CORE = { alone: 0.15, trying: 0.25 }
const MOST_MB = 150

interface Watching extends Omit<TerminalOptions, 'react'> {
  readonly words?: readonly string[]
  /** Sees the screen after each write; what it answers is typed. */
  readonly seeing: (screen: Emulator, ms: number) => string | null
}

/** Watches in a terminal; its pid is in a file of the product's directory. */
async function watch(
  { product }: WatchHosts,
  { words = [], seeing, ...options }: Watching,
): Promise<TerminalRun & { readonly screen: Emulator }> {
  const screen = createEmulator(options.columns, options.rows)
  const start = performance.now()
  let fed = 0
  const fixed = ['-i', product.inventory, '--known-hosts', join(product.directory, 'known_hosts')]
  const program = [process.execPath, PROGRAM, 'watch', ...fixed, '--interval', '1s', ...words]
  const noted = ['sh', '-c', `echo $$ >${join(product.directory, 'pid')}; exec "$@"`, 'sh', ...program]
  const run = await inTerminal(noted, {
    ...options,
    env: { SSH_AUTH_SOCK: '', ...options.env },
    react(written) {
      screen.feed(written.slice(fed))
      fed = written.length
      const typed = screen.whole() ? seeing(screen, performance.now() - start) : null
      return typed === null ? null : { type: typed }
    },
  })
  return { ...run, screen }
}

const SMALL = { columns: 80, rows: 24 }
const text = (screen: Emulator): string => screen.rows().join('\n')
const textOf = ({ chunks }: Pick<TerminalRun, 'chunks'>): string => chunks.map(({ text: part }) => part).join('')
const LEFT = '\u001b[?25h\u001b[?1049l'

/** Types these one after the other, each at the first screen that matches. */
function typing(steps: readonly (readonly [RegExp, string])[]): Watching['seeing'] {
  const waiting = [...steps]
  return screen => {
    const [next] = waiting
    if (!next?.[0].test(text(screen))) return null
    waiting.shift()
    return next[1]
  }
}

/** Of a service on every address of this machine. */
async function portOf(server: Server): Promise<number> {
  server.listen(0, '0.0.0.0')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

interface Metered {
  readonly ms: number
  readonly cpuMs: number
  readonly residentMb: number
}

labSuite(
  'a watch over two hundred hosts',
  () => startWatchHosts(HOSTS),
  ({ it }) => {
    const services = [null, createServer(socket => void socket.on('error', () => {}).resume())]
    for (const service of services) {
      const seen = service === null ? 'a look a second' : 'a look a second, and a service tried from here'
      it(`takes little of a core and of memory, at ${seen}`, async lab => {
        const probe = service === null ? [] : ['--probe', `tcp:${await portOf(service)}`]
        const file = join(lab.product.directory, 'meter')
        let liveAt: number | null = null
        let done = false
        const { exitCode } = await watch(lab, {
          ...{ columns: 160, rows: 50, timeoutMs: 120_000, words: probe },
          env: { NODE_OPTIONS: `--import=${METER}`, CTFIX_METER: file },
          seeing(screen, ms) {
            if (liveAt === null && text(screen).includes(`${HOSTS} live`)) liveAt = ms
            if (done || liveAt === null || ms - liveAt < 17_000) return null
            done = true
            return 'q'
          },
        })
        service?.close()
        expect(exitCode).toBe(0)
        const samples: Metered[] = readFileSync(file, 'utf8')
          .trim()
          .split('\n')
          .map(line => JSON.parse(line))
        const last = samples.at(-1) ?? expect.unreachable()
        const first = samples.findLast(({ ms }) => last.ms - ms >= 15_000) ?? expect.unreachable()
        const core = (last.cpuMs - first.cpuMs) / (last.ms - first.ms)
        const most = Math.max(...samples.map(({ residentMb }) => residentMb))
        process.stdout.write(
          `watch over ${HOSTS} hosts, ${seen}: ${(core * 100).toFixed(1)} % of a core, ${most.toFixed(0)} MB; until all were there ${(first.cpuMs / 1000).toFixed(1)} s of CPU\n`,
        )
        expect(core).toBeLessThan(service === null ? MOST_CORE.alone : MOST_CORE.trying)
        expect(most).toBeLessThan(MOST_MB)
      }, 180_000)
    }

    it('80 × 24: the worst first, sorted and filtered by keys, and the terminal left as it was', async lab => {
      const shots: string[] = []
      const steps = typing([
        [/200 live · 10 losing/, 's'],
        [/s sort: rate/, '/'],
        [/^\/_/m, 'sim-19'],
        [/^\/sim-19_/m, '\r'],
        [/11 of 200 hosts/, '?'],
        [/drops\/s {2}packets dropped/, '?'],
        [/q quit .*\/sim-19/, 'q'],
      ])
      const { exitCode, screen, ...run } = await watch(lab, {
        ...SMALL,
        env: { NO_COLOR: '1' },
        seeing(now, ms) {
          expect(now.wrapped()).toBe(0)
          const typed = steps(now, ms)
          if (typed !== null) shots.push(text(now))
          return typed
        },
      })
      expect(exitCode).toBe(0)
      expect(shots).toHaveLength(7)
      const [first = '', , , , filtered = ''] = shots
      const rows = first.split('\n')
      expect(rows).toHaveLength(24)
      expect(rows[0]).toMatch(/^200 hosts · 200 live · 10 losing · \d+k? drops\/s · \d+ early\/s · every 1s$/)
      expect(rows[1]).toMatch(/^host +usage +% rate\/s full in drops\/s/)
      // The ten that lose packets come first.
      for (const row of rows.slice(2, 12)) expect(row).toMatch(/^sim-\d*[24680]*4 +█{7}[█░] +(99|100) /)
      expect(rows[22]).toMatch(/^… 180 more · fullest \d+ % · no drops$/)
      expect(filtered).toContain('11 of 200 hosts')
      expect(filtered.split('\n').filter(row => row.startsWith('sim-19'))).toHaveLength(11)
      expect(textOf(run).endsWith(LEFT)).toBe(true)
      expect(screen.rows().join('')).toBe('')
    }, 120_000)

    it('a host that goes is shown as lost with its last numbers, and comes back by itself', async lab => {
      const shots: string[] = []
      const { exitCode } = await watch(lab, {
        ...{ ...SMALL, words: ['-l', 'sim-1,sim-2,sim-3,sim-4,sim-9'], timeoutMs: 120_000 },
        seeing(screen) {
          const now = text(screen)
          if (shots.length === 0 && / 5 live/.test(now)) {
            shots.push(now)
            lab.tell('refuse sim-9')
          } else if (shots.length === 1 && /4 live · 1 lost[\s\S]*^sim-9 .*[5-9]\d .*lost \ds/m.test(now)) {
            shots.push(now)
            lab.tell('heal sim-9')
          } else if (shots.length === 2 && / 5 live/.test(now)) {
            shots.push(now)
            return 'q'
          }
          return null
        },
      })
      expect(shots).toHaveLength(3)
      expect(exitCode).toBe(0)
    }, 150_000)

    for (const [name, end] of [
      ['Ctrl-C', 'type'],
      ['SIGTERM', 'signal'],
    ] as const) {
      it(`${name} gives the terminal back, and the exit code is 130`, async lab => {
        let done = false
        const { exitCode, screen, ...run } = await watch(lab, {
          ...{ ...SMALL, words: ['-l', 'sim-1'] },
          seeing(now) {
            if (done || !/1 live/.test(text(now))) return null
            done = true
            if (end === 'type') return '\u0003'
            process.kill(Number(readFileSync(join(lab.product.directory, 'pid'), 'utf8')), 'SIGTERM')
            return null
          },
        })
        expect(exitCode).toBe(130)
        expect(textOf(run).endsWith(LEFT)).toBe(true)
        expect(screen.rows().join('')).toBe('')
      }, 60_000)
    }

    it('a bug of ours gives the terminal back before it is shown', async lab => {
      const boom = "setTimeout(()=>{throw new Error('boom')},4000)"
      const { exitCode, screen, ...run } = await watch(lab, {
        ...{ ...SMALL, words: ['-l', 'sim-1'], seeing: () => null },
        env: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(boom)}` },
      })
      expect(exitCode).not.toBe(0)
      const [, after = ''] = textOf(run).split(LEFT)
      expect(after).toContain('Error: boom')
      expect(text(screen)).toContain('Error: boom')
    }, 60_000)

    it('--once: one table, two looks; and 3 when a host cannot be reached', async lab => {
      const some = ['watch', '--once', '--interval', '1s', '-l', 'sim-1,sim-2,sim-3,sim-4,sim-5']
      const well = await lab.product.run(some)
      expect(well.exitCode, well.stderr).toBe(0)
      expect(well.stdout.split('\n')).toHaveLength(7)
      expect(well.stdout).toMatch(/^host +usage +% +count \/ max +rate\/s/)
      expect(well.stdout.split('\n')[1]).toMatch(/^sim-4 .* now$/)
      lab.tell('refuse sim-2')
      const ill = await lab.product.run([...some, '--connect-timeout', '15s'])
      expect(ill.exitCode).toBe(3)
      expect(ill.stdout).toMatch(/^sim-2 .*cannot connect/m)
      const { stdout, exitCode } = await lab.product.run([...some, '--connect-timeout', '15s', '--output', 'json'])
      lab.tell('heal sim-2')
      expect(exitCode).toBe(3)
      const document = JSON.parse(stdout)
      expect(watchSchema.safeParse(document).error).toBeUndefined()
      expect(document.hosts.map(({ link }: { link: string }) => link)).toEqual([
        ...['live', 'unreachable', 'live', 'live', 'live'],
      ])
    }, 120_000)

    it('ndjson: every line is of the schema, and metrics are written whole', async lab => {
      const file = join(lab.product.directory, 'ctfix.prom')
      const words = ['watch', '--once', '--interval', '1s', '--output', 'ndjson', '--metrics', file]
      const { stdout, stderr, exitCode } = await lab.product.run(words)
      expect(exitCode, stderr).toBe(0)
      const lines = stdout.trimEnd().split('\n')
      expect(lines).toHaveLength(2 * HOSTS + 1)
      for (const line of lines) expect(watchSchema.safeParse(JSON.parse(line)).error).toBeUndefined()
      const metrics = readFileSync(file, 'utf8')
      expect(metrics.match(/^ctfix_host_up\{host="sim-\d+"\} 1$/gm)).toHaveLength(HOSTS)
      expect(metrics.endsWith('# EOF\n')).toBe(true)
    }, 120_000)
  },
)
