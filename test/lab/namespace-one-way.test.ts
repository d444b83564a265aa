/** What diagnose calls one-sided leaves half entries in the table of a real kernel, and what it does not call so leaves none. */
import { expect } from 'vitest'
import { oneWay } from '../../src/diagnose/rules/one-way-notrack.ts'
import { makeFacts } from '../support/facts.ts'
import { requireTools, run } from './container/exec.ts'
import { LabUnavailable } from './lab.ts'
import { labSuite } from './suite.ts'

/**
 * A router with a service of its own between a client and a server, all in a network and a mount namespace that end with
 * the script. Rules come on stdin; $1 is who asks, $2 whom. Prints the entries that nobody replied to.
 */
const SCRIPT = `
set -e
mount -t tmpfs none /run
mkdir /run/netns
ip link set lo up
for n in a c; do
  ip netns add $n
  ip link add name to$n type veth peer name eth0 netns $n
  ip link set to$n up
  ip -n $n link set eth0 up
done
ip address add 10.77.1.1/24 dev toa
ip address add 10.77.2.1/24 dev toc
ip -n a address add 10.77.1.2/24 dev eth0
ip -n c address add 10.77.2.2/24 dev eth0
ip -n a route add default via 10.77.1.1
ip -n c route add default via 10.77.2.1
echo 1 >/proc/sys/net/ipv4/ip_forward
serve='use IO::Socket::INET; my $s = IO::Socket::INET->new(LocalPort => 8080, Listen => 9, ReuseAddr => 1) or die;
while (my $c = $s->accept) { my $line = <$c>; print $c "x" x 3000; close $c; }'
ask='use IO::Socket::INET; for (1 .. 5) { my $c = IO::Socket::INET->new(PeerAddr => $ARGV[0], PeerPort => 8080, Timeout => 5)
or die "no connection\\n"; print $c "x\\n"; my $all = join "", <$c>; length $all == 3000 or die "no answer\\n"; }'
iptables-legacy-restore
iptables-legacy -A INPUT -m conntrack --ctstate NEW -j ACCEPT
perl -e "$serve" </dev/null >/dev/null 2>&1 &
ip netns exec c perl -e "$serve" </dev/null >/dev/null 2>&1 &
tries=0
for at in 10.77.1.1 10.77.2.2; do
  until perl -e "$ask" $at 2>/dev/null; do tries=$((tries + 1)); [ $tries -lt 40 ]; sleep 0.1; done
done
conntrack -F >/dev/null 2>&1
case $1 in
  router) perl -e "$ask" $2 ;;
  *) ip netns exec $1 perl -e "$ask" $2 ;;
esac
grep -c UNREPLIED /proc/net/nf_conntrack || :
`
const [OWN, FAR] = ['10.77.1.1', '10.77.2.2']
const rule = (chain: string, match: string): string => `-A ${chain} -p tcp -m tcp ${match} -j CT --notrack`
const [ASKED, ANSWERED] = ['--dport 8080', '--sport 8080']

async function halfEntries(rules: readonly string[], asks: string, whom: string): Promise<number> {
  const input = `*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n${rules.join('\n')}\nCOMMIT\n`
  const inside = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc']
  const { exitCode, stdout, stderr } = await run('unshare', [...inside, 'sh', '-c', SCRIPT, 'sh', asks, whom], {
    input,
    timeoutMs: 60_000,
  })
  expect(exitCode, stderr).toBe(0)
  return Number(stdout.trim())
}

/** True when diagnose would say that one direction only is untracked. */
function isFound(rules: readonly string[], forwards: boolean): boolean {
  const text = `*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n${rules.join('\n')}\nCOMMIT\n`
  const sources = [{ backend: 'iptables-legacy', family: 4, format: 'save', text }] as const
  return (
    oneWay(makeFacts({ ruleset: { complete: true, sources }, forwarding: { ipv4: forwards, ipv6: false } })) !== null
  )
}

async function start(): Promise<AsyncDisposable> {
  requireTools('one-way', {
    unshare: 'util-linux',
    'iptables-legacy': 'iptables',
    conntrack: 'conntrack',
    perl: 'perl',
  })
  if (process.getuid?.() !== 0) throw new LabUnavailable('The one-way lab needs root on this machine.')
  return { [Symbol.asyncDispose]: async () => {} }
}

labSuite('NOTRACK of one direction', start, ({ it }) => {
  const cases: readonly (readonly [string, readonly string[], asks: string, whom: string, forwards: boolean])[] = [
    ['a router, both in PREROUTING', [rule('PREROUTING', ASKED), rule('PREROUTING', ANSWERED)], 'a', FAR, true],
    ['a router, requests only', [rule('PREROUTING', ASKED)], 'a', FAR, true],
    ['a service, both in PREROUTING', [rule('PREROUTING', ASKED), rule('PREROUTING', ANSWERED)], 'a', OWN, false],
    ['a service, both directions', [rule('PREROUTING', ASKED), rule('OUTPUT', ANSWERED)], 'a', OWN, false],
    ['a service, requests only', [rule('PREROUTING', ASKED)], 'a', OWN, false],
    ['a client, requests only', [rule('OUTPUT', ASKED)], 'router', FAR, false],
    ['a client, both directions', [rule('OUTPUT', ASKED), rule('PREROUTING', ANSWERED)], 'router', FAR, false],
    ['all that a service sends', [rule('OUTPUT', `-s ${OWN}/32`)], 'a', OWN, false],
  ]
  for (const [name, rules, asks, whom, forwards] of cases) {
    it(name, async () => {
      expect((await halfEntries(rules, asks, whom)) > 0).toBe(isFound(rules, forwards))
    })
  }
})
