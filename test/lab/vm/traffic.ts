/**
 * Traffic that fills a guest's connection table for real. The other end is a network namespace in the guest, so all of
 * it crosses the guest's own firewall, and none of it this machine's network.
 */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { processes } from './processes.ts'

/** The part of a lab host that traffic needs: scripts through its side door. */
export interface GuestShell {
  script(text: string, timeoutMs?: number): Promise<string>
}

export interface Symptom {
  readonly count: number
  readonly max: number
  readonly buckets: number
  /** Packets dropped because no entry could be made, over all processors. */
  readonly drop: number
  /** `table full` lines that the kernel log still holds. */
  readonly lines: number
}

export interface FillOptions {
  readonly max?: number
  /** New connections tried each second once the table is full. */
  readonly attempts?: number
  /** Live connections reset each second: room that somebody then wins, about one SSH login in six among them. */
  readonly resets?: number
  readonly timeoutMs?: number
}

const PROGRAM = readFileSync(new URL('traffic.pl', import.meta.url), 'utf8')

const PROCESSES = processes('/run/lab-traffic', 'traffic.pl')

/** The namespace \`client\` behind a veth pair, and a listener for it on the host. */
const SETUP = `
set -e
${PROCESSES}
cat >traffic.pl <<'END-OF-PROGRAM'
${PROGRAM}
END-OF-PROGRAM
if ! ip netns pids client >/dev/null 2>&1; then
  ip netns add client
  ip link add lab0 type veth peer name eth0 netns client
  ip address add 10.99.0.1/24 dev lab0
  ip -6 address add fd99::1/64 dev lab0 nodad
  ip link set lab0 up
  ip -n client address add 10.99.0.2/24 dev eth0
  ip -n client -6 address add fd99::2/64 dev eth0 nodad
  ip -n client link set lo up
  ip -n client link set eth0 up
fi
ulimit -n 65536
runs serve || launch serve perl traffic.pl serve
until [ -n "$(ss -Hltn 'sport = :7000')" ]; do
  kill -0 $(cat serve.pid) || { cat serve.log >&2; exit 1; }
  sleep 0.05
done
`

const STOP = `
${PROCESSES}
halt rush
halt crowd
halt serve
ip netns delete client 2>/dev/null || true
ip link delete lab0 2>/dev/null || true`

const SYMPTOM = `
cd /proc/sys/net/netfilter && [ -e nf_conntrack_count ] || { echo 'the guest has no connection table' >&2; exit 1; }
echo "$(cat nf_conntrack_count) $(cat nf_conntrack_max) $(cat nf_conntrack_buckets)" \
  "$(perl -ane 'if ($. == 1) { ($i) = grep { $F[$_] eq "drop" } 0..$#F } else { $s += hex $F[$i] } END { print $s + 0 }' \
    /proc/net/stat/nf_conntrack)" "$(dmesg | grep -c 'table full')"`

export async function readSymptom(guest: GuestShell): Promise<Symptom> {
  const [count, max, buckets, drop, lines] = (await guest.script(SYMPTOM)).trim().split(' ').map(Number)
  return { count: count ?? 0, max: max ?? 0, buckets: buckets ?? 0, drop: drop ?? 0, lines: lines ?? 0 }
}

/** Resolves when the table is full, the kernel has said so, and packets are being dropped at this moment. */
export async function fillTable(guest: GuestShell, options: FillOptions = {}): Promise<Symptom> {
  const { max = 600, attempts = 20, resets = 8, timeoutMs = 120_000 } = options
  const before = await readSymptom(guest)
  // A few more than fit, so that there is always somebody who does not.
  const crowd = `launch crowd ip netns exec client perl traffic.pl crowd ${max + 20} ${attempts} ${resets}`
  await guest.script(`${SETUP}\nhalt crowd\nsysctl -qw net.netfilter.nf_conntrack_max=${max}\n${crowd}`)
  const deadline = Date.now() + timeoutMs
  for (let last = before; ; ) {
    await sleep(500)
    const now = await readSymptom(guest)
    if (now.count >= max && now.lines > before.lines && now.drop > last.drop && last.drop > before.drop) return now
    if (Date.now() > deadline) throw new Error(`the table does not fill: ${JSON.stringify({ before, now })}`)
    last = now
  }
}

/** Longer than an entry of a connection that was reset stays (`tcp_timeout_close`, 10 s). */
const OUTLASTS_MS = 12_000

/**
 * Resolves when the traffic that runs has filled the table (again), packets are being dropped, and it stays so: what
 * others left behind fills the table for ten seconds, and then there is room until the traffic has taken it.
 */
export async function untilFull(guest: GuestShell, timeoutMs = 120_000): Promise<void> {
  const deadline = Date.now() + timeoutMs
  let since: Symptom | null = null
  for (let from = 0; ; await sleep(500)) {
    const now = await readSymptom(guest)
    if (now.count < 0.95 * now.max) since = null
    else if (since === null) [since, from] = [now, Date.now()]
    if (since && Date.now() - from > OUTLASTS_MS && now.drop > since.drop) return
    if (Date.now() > deadline) throw new Error(`the table does not fill again: ${JSON.stringify(now)}`)
  }
}

/**
 * Lets n more connections wait for the moment the limit is not `max` any more: a limit raised by less than n fills
 * again at once, however fast or slow this machine is. They end with the disposable.
 */
export async function rushWhenRaised(guest: GuestShell, max: number, n: number): Promise<AsyncDisposable> {
  await guest.script(`${SETUP}\nhalt rush\nlaunch rush ip netns exec client perl traffic.pl rush ${max} ${n}`)
  return { [Symbol.asyncDispose]: async () => void (await guest.script(`${PROCESSES}\nhalt rush`)) }
}

/** How many of n fresh connections from the namespace get an answer within two seconds each. */
export async function probeNewConnections(guest: GuestShell, n: number): Promise<number> {
  const probe = `ip netns exec client perl traffic.pl probe ${n}`
  return Number(await guest.script(`${SETUP}\n${probe}`, 60_000 + n * 100))
}

/** Ends all traffic and removes the namespace; entries of its connections stay until their time is over. */
export async function stopTraffic(guest: GuestShell): Promise<void> {
  await guest.script(STOP)
}
