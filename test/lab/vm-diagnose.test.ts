/** One machine with a real kernel, made sick in five ways: each time the right cause comes first. */
import { expect } from 'vitest'
import type { Finding } from '../../src/diagnose/finding.ts'
import { type Product, productFor } from './product.ts'
import { labSuite } from './suite.ts'
import { fillTable, readSymptom, stopTraffic } from './vm/traffic.ts'
import { startVm, type VmLab } from './vm.ts'

interface Diagnosed {
  readonly status: string
  readonly findings: readonly Finding[]
  readonly recommendation: {
    readonly steps: readonly { readonly strategy: string; readonly options: Readonly<Record<string, unknown>> }[]
    readonly why: string
    readonly command: string | null
  }
  readonly facts: { readonly passive: object; readonly census: { readonly rows: number } | null }
}

async function diagnosed(product: Product): Promise<Diagnosed> {
  const result = await product.run(['diagnose', '--window', '3s', '--detailed-exitcode', '--output', 'json'])
  expect(result.exitCode, result.stdout + result.stderr).toBe(2)
  const [host]: readonly Diagnosed[] = JSON.parse(result.stdout).hosts
  if (!host) throw new Error('no host in the document')
  expect(host.facts.passive).toEqual({ modules: 'same', tables: 'same' })
  const told = host.findings.map(({ severity, code, title, evidence }) =>
    [severity, code, title, ...evidence].join('\n   '),
  )
  process.stdout.write(
    `vm diagnose:\n${told.join('\n')}\n=> ${host.recommendation.command ?? host.recommendation.why}\n`,
  )
  return host
}

const codes = ({ findings }: Diagnosed): string[] => findings.map(({ code }) => code)
const strategies = ({ recommendation }: Diagnosed): string[] => recommendation.steps.map(({ strategy }) => strategy)
const evidence = ({ findings }: Diagnosed, code: string): string =>
  findings.find(finding => finding.code === code)?.evidence.join('\n') ?? ''

/** A namespace behind a wire that takes every packet and answers none. */
const SINK = `
ip netns add sink
ip link add lab1 type veth peer name eth0 netns sink
ip address add 10.98.0.1/24 dev lab1
ip link set lab1 up
ip -n sink address add 10.98.0.2/24 dev eth0
ip -n sink link set eth0 up
ip netns exec sink iptables-legacy -P INPUT DROP
`

/** Datagrams to so many ports of it, over and over until they are stopped, or for four minutes. */
function flood(ports: number): string {
  const program = `use Socket; socket(S, PF_INET, SOCK_DGRAM, 0); my $a = inet_aton("10.98.0.2"); my $end = time + 240;
while (time < $end) { for my $p (1 .. ${ports}) { send(S, "x", 0, sockaddr_in($p, $a)); } }`
  return `setsid perl -e '${program}' >/dev/null 2>&1 </dev/null &\necho $! >/run/lab-flood.pid; sleep 2`
}

/** Ends a flood and forgets its entries. */
const CALM = `
[ -e /run/lab-flood.pid ] && kill $(cat /run/lab-flood.pid) && rm /run/lab-flood.pid
conntrack -F >/dev/null 2>&1
dmesg -C`

const LIMITS = (max: number, buckets: number): string => `
echo ${buckets} >/sys/module/nf_conntrack/parameters/hashsize
echo ${max} >/proc/sys/net/netfilter/nf_conntrack_max`

labSuite(
  'vm 6.1, sick in five ways',
  () => startVm({ kernel: '6.1' }),
  ({ it }) => {
    let product: Product
    let own: { readonly max: number; readonly buckets: number }
    const back = (vm: VmLab): Promise<string> => vm.script(`${CALM}\n${LIMITS(own.max, own.buckets)}`)

    it('1: a limit that somebody raised by hand and nobody wrote down', async vm => {
      product = productFor(vm, vm.hosts(), { connectTimeout: '4m' })
      own = await readSymptom(vm)
      await vm.script(`${SINK}${LIMITS(50_000, 50_176)}`)
      const host = await diagnosed(product)
      expect(codes(host)).toEqual(['lost-at-reboot'])
      expect(strategies(host)).toEqual(['raise'])
      expect(host.recommendation.steps[0]?.options).toMatchObject({ max: 50_000, buckets: 50_176 })
    })

    it('2: NOTRACK of requests only', async vm => {
      await back(vm)
      await vm.script(`
iptables -t raw -A PREROUTING -p tcp --dport 7000 -j CT --notrack
iptables -I INPUT -p tcp --dport 7000 -j ACCEPT`)
      const host = await diagnosed(product)
      // The other is as true: its rules drop INVALID before they let ICMP in.
      expect(codes(host)).toEqual(['one-way-notrack', 'path-mtu-black-hole'])
      expect(evidence(host, 'one-way-notrack')).toContain('--dport 7000')
      await vm.script('iptables -t raw -F; iptables -D INPUT -p tcp --dport 7000 -j ACCEPT')
    })

    it('3: full under live traffic', async vm => {
      await back(vm)
      await fillTable(vm, { max: 600, resets: 18 })
      const host = await diagnosed(product)
      expect(codes(host)[0]).toBe('table-full')
      expect(host.findings[0]?.evidence.join()).toMatch(/drop: \+\d/)
      expect(evidence(host, 'filled-by')).toMatch(/tcp port 7000[\s\S]*10\.99\.0\.2/)
      expect(strategies(host)).toEqual(['raise'])
      await stopTraffic(vm)
    })

    it('4: a flood that overflows in silence', async vm => {
      await back(vm)
      await vm.script(`${LIMITS(600, 512)}\n${flood(4000)}`, 30_000)
      const host = await diagnosed(product)
      expect(codes(host)[0]).toBe('early-drop')
      expect(codes(host)).toContain('mostly-unreplied')
      expect(codes(host)).not.toContain('table-full')
      expect(evidence(host, 'filled-by')).toContain('10.98.0.2')
      expect(strategies(host)).toEqual(['raise'])
    })

    it('5: chains that are too long, refused in silence; --strategy auto comes to the same and says why', async vm => {
      await back(vm)
      await vm.script(`${LIMITS(60_000, 512)}\n${flood(20_000)}`, 30_000)
      const host = await diagnosed(product)
      expect(codes(host)[0]).toBe('long-chains')
      expect(codes(host)).toContain('few-buckets')
      expect(strategies(host)).toEqual(['raise'])
      expect(Number(host.recommendation.steps[0]?.options.buckets)).toBeGreaterThanOrEqual(60_000)

      const { document } = await product.json(['plan', '--strategy', 'auto'])
      const [planned] = document.hosts
      expect(planned?.status, JSON.stringify(planned)).toBe('would-change')
      expect(planned?.notes.join()).toMatch(/auto comes to raise: connections (are|were) refused in silence/)
      await vm.script(CALM)
      product[Symbol.dispose]()
    })
  },
)
