/** Web traffic of a guest's port 80: bursts that fill a table, and a flow in which every failed request is counted. */
import { readFileSync } from 'node:fs'
import { processes } from '../vm/processes.ts'
import type { GuestShell } from '../vm/traffic.ts'
import { buildNet, CLIENTS, type Family, SERVER } from './net.ts'

export interface Requests {
  readonly requests: number
  readonly failed: number
  /** Seconds that the slowest of them took. */
  readonly slowest: number
  readonly seconds: number
}

/** What the guest's table holds. */
export interface TableRows {
  readonly all: number
  /** Rows from or to port 80, of each family. */
  readonly web: Readonly<Record<Family, number>>
}

const PROGRAM = readFileSync(new URL('load.pl', import.meta.url), 'utf8')

const PROCESSES = `${processes('/run/lab-load', 'load.pl')}
ulimit -n 65536`

/** In the place of the guest's own web server, which takes a process for each request. */
const serve = (mode: 'serve' | 'greet'): string => `
${PROCESSES}
cat >load.pl <<'END-OF-PROGRAM'
${PROGRAM}
END-OF-PROGRAM
systemctl stop lab-web
# A busy server's kernel remembers all of them; what it forgets would leave the table too soon.
sysctl -qw net.ipv4.tcp_max_tw_buckets=65536
launch serve perl load.pl ${mode}
until [ -n "$(ss -Hltn 'sport = :80')" ]; do
  kill -0 $(cat serve.pid) || { cat serve.log >&2; exit 1; }
  sleep 0.05
done`

/** Both families in turn, from each client. */
const TARGETS = CLIENTS[4].flatMap((client, i) => [`${SERVER[4]},${client}`, `${SERVER[6]},${CLIENTS[6][i]}`]).join(' ')

/** Puts a fast server on port 80 for as long as it is wanted. */
async function serveWeb(guest: GuestShell, mode: 'serve' | 'greet'): Promise<AsyncDisposable> {
  await buildNet(guest)
  await guest.script(serve(mode))
  const stop = `${PROCESSES}\nhalt flow\nhalt serve\nsystemctl start lab-web`
  return { [Symbol.asyncDispose]: async () => void (await guest.script(stop)) }
}

/** n short connections to port 80, as fast as they go. */
export async function burst(guest: GuestShell, n: number): Promise<Requests> {
  await using _server = await serveWeb(guest, 'greet')
  const script = `${PROCESSES}\nip netns exec near perl load.pl burst ${n} ${TARGETS}`
  return JSON.parse(await guest.script(script, 60_000 + n * 20))
}

interface Flow {
  stop(): Promise<Requests>
}

/** Short connections at a steady rate, and some that stay, until it is stopped. */
async function startFlow(guest: GuestShell, { rate = 12, kept = 6 } = {}): Promise<Flow> {
  await guest.script(
    `${PROCESSES}\nhalt flow\nlaunch flow ip netns exec near perl load.pl flow ${rate} ${kept} ${TARGETS}`,
  )
  return {
    async stop() {
      const script = `${PROCESSES}\nkill $(cat flow.pid)\nwhile runs flow; do sleep 0.1; done\ncat flow.log`
      return JSON.parse(await guest.script(script))
    },
  }
}

/** What becomes of live traffic while something else is done. */
export async function duringFlow(guest: GuestShell, work: () => Promise<void>): Promise<Requests> {
  await using _server = await serveWeb(guest, 'serve')
  const flow = await startFlow(guest)
  await work()
  return await flow.stop()
}

/** Reads the table, which also clears away rows whose time is over. */
export async function readTable(guest: GuestShell): Promise<TableRows> {
  const count = `awk '{ all++; if (/ [sd]port=80 /) web[$1]++ } END { print all + 0, web["ipv4"] + 0, web["ipv6"] + 0 }'`
  const [all = 0, v4 = 0, v6 = 0] = (await guest.script(`${count} /proc/net/nf_conntrack`))
    .trim()
    .split(' ')
    .map(Number)
  return { all, web: { 4: v4, 6: v6 } }
}
