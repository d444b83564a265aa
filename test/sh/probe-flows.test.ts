import { describe, expect, it } from 'vitest'
import type { FlowEntries } from '../../src/facts/asked.ts'
import { parseProbe } from '../../src/facts/parse.ts'
import { canonicalFlows } from '../../src/run/flows.ts'
import { PLATFORMS } from '../facts/platforms.ts'
import { type Platform, SHELLS, type Shell, Stage } from '../facts/stage.ts'

const FIB = `Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 192.0.2.0/24 2 0 2
        |-- 192.0.2.0
           /24 link UNICAST
        |-- 192.0.2.5
           /32 host LOCAL
        |-- 192.0.2.255
           /32 link BROADCAST
     |-- 198.51.100.0
        /28 host LOCAL
Local:
     |-- 127.0.0.0
        /8 host LOCAL
     |-- 127.0.0.1
        /32 host LOCAL
`
const IF_INET6 = `00000000000000000000000000000001 01 80 10 80       lo
20010db8000000000000000000000005 02 40 00 80     eth0
`
const IP6 = '2001:0db8:0000:0000:0000:0000:0000:0005'
const PEER6 = '2001:0db8:0000:0000:0000:0000:0000:0007'

/** The row of an entry: its original tuple, and that of the answer. */
function row(protocol: string, src: string, sport: number, dst: string, dport: number): string {
  const family = src.includes(':') ? 'ipv6     10' : 'ipv4     2'
  const state = protocol === 'tcp' ? 'tcp      6 431999 ESTABLISHED' : 'udp      17 29'
  const answer = `src=${dst} dst=${src} sport=${dport} dport=${sport}`
  return `${family} ${state} src=${src} dst=${dst} sport=${sport} dport=${dport} ${answer} [ASSURED] mark=0 zone=0 use=2\n`
}

const ROWS = {
  asked: row('tcp', '10.0.0.1', 40000, '192.0.2.5', 80),
  asked6: row('tcp', PEER6, 40000, IP6, 80),
  // What one-directional NOTRACK leaves: the answer is taken for a beginning.
  half: row('tcp', '192.0.2.5', 80, '10.0.0.2', 40001),
  half6: row('tcp', IP6, 80, PEER6, 40001),
  loopback: row('tcp', '127.0.0.1', 40002, '127.0.0.1', 80),
  block: row('tcp', '10.0.0.1', 40003, '198.51.100.9', 80),
  outside: row('tcp', '10.0.0.1', 40004, '198.51.100.16', 80),
  // Somebody else's port 80.
  client: row('tcp', '192.0.2.5', 40005, '10.0.0.3', 80),
  client6: row('tcp', IP6, 40005, PEER6, 80),
  forwarded: row('tcp', '10.0.0.1', 40006, '10.0.0.4', 80),
  dns: row('udp', '10.0.0.1', 40007, '192.0.2.5', 53),
  ping: 'ipv4     2 icmp     1 29 src=10.0.0.1 dst=192.0.2.5 type=8 code=0 id=80 src=192.0.2.5 dst=10.0.0.1 type=0 code=0 id=80 mark=0 zone=0 use=2\n',
}

/** Where a row's end is ours. */
const ENDS: Partial<Record<keyof typeof ROWS, string>> = {
  asked6: IP6,
  half6: IP6,
  client6: IP6,
  loopback: '127.0.0.1',
  block: '198.51.100.9',
}

const base = PLATFORMS['debian12-full'] ?? expect.unreachable()

function flowsOf(shell: Shell, flows: string, files: Platform['files']): FlowEntries | null {
  using stage = new Stage({ ...base, files: { ...base.files, ...files } }, shell)
  const { stdout, stderr, nonce } = stage.probe({ flows: canonicalFlows(flows) })
  expect(stderr).toBe('')
  return parseProbe('web-1', stdout, nonce).flows
}

/** A host with these entries. */
function hostWith(table: string): Platform['files'] {
  return { '/proc/net/nf_conntrack': [table, 0o440], '/proc/net/fib_trie': FIB, '/proc/net/if_inet6': IF_INET6 }
}

describe.each(SHELLS)('live entries of flows under %s', shell => {
  it.each<[string, (keyof typeof ROWS)[]]>([
    ['tcp 80', ['asked', 'asked6', 'half', 'half6', 'loopback', 'block']],
    ['tcp 79:81,443', ['asked', 'asked6', 'half', 'half6', 'loopback', 'block']],
    ['tcp 8,800', []],
    ['udp 53', ['dns']],
    ['any 53,80', ['asked', 'asked6', 'half', 'half6', 'loopback', 'block', 'dns']],
    ['tcp 80 10.0.0.0/8', ['asked', 'half', 'block']],
    ['tcp 80 10.0.0.2,2001:db8::7', ['asked6', 'half', 'half6']],
    ['tcp 80 - 192.0.2.5', ['asked', 'half']],
    ['tcp 80 - 0.0.0.0/0', ['asked', 'half', 'loopback', 'block']],
    ['tcp 80 - ::/0', ['asked6', 'half6']],
    ['out *', ['half', 'half6', 'loopback', 'client', 'client6']],
    ['out * - 192.0.2.5', ['half', 'client']],
    ['udp 53;tcp 80 10.0.0.1 192.0.2.5', ['asked', 'dns']],
    ['icmp *', ['ping']],
  ])('%s', (flows, wanted) => {
    using stage = new Stage({ ...base, files: { ...base.files, ...hostWith('') } }, shell)
    const found = (rows: readonly string[]) => {
      stage.write('/proc/net/nf_conntrack', rows.join(''))
      const { stdout, stderr, nonce } = stage.probe({ flows: canonicalFlows(flows) })
      expect(stderr).toBe('')
      return parseProbe('web-1', stdout, nonce).flows
    }
    const names = Object.keys(ROWS) as (keyof typeof ROWS)[]
    const addresses = [...new Set(wanted.map(name => ENDS[name] ?? '192.0.2.5'))].toSorted()
    const all = found(names.map(name => ROWS[name]))
    expect(all).toMatchObject({ entries: wanted.length, tracked: names.length, addresses })
    const others = names.filter(name => !wanted.includes(name))
    expect(found(others.map(name => ROWS[name]))).toMatchObject({ entries: 0, sample: [], complete: true })
  })

  it('are those of the older table, too, where every address may be ours', () => {
    const table = [ROWS.asked, ROWS.client, ROWS.dns].join('').replaceAll('ipv4     2 ', '')
    const files = { '/proc/net/nf_conntrack': '', '/proc/net/ip_conntrack': [table, 0o440] } as const
    const old = PLATFORMS.centos5 ?? expect.unreachable()
    using stage = new Stage({ ...old, files: { ...old.files, '/proc/net/ip_conntrack': [table, 0o440] } }, shell)
    const { stdout, nonce } = stage.probe({ flows: 'tcp 80 - -' })
    expect(parseProbe('old-1', stdout, nonce).flows).toMatchObject({ entries: 2, tracked: 3 })
    expect(flowsOf(shell, 'tcp 80', files)).toMatchObject({ entries: 0, tracked: 0 })
  })

  it('are not looked for unless somebody asks', () => {
    expect(flowsOf(shell, '', hostWith(ROWS.asked))).toBeNull()
  })

  it('takes the ports that the host chooses itself for its own, or the default of the kernel', () => {
    const begun = row('tcp', '192.0.2.5', 20_000, '10.0.0.3', 443) + row('tcp', '192.0.2.5', 40_000, '10.0.0.3', 443)
    const range = { '/proc/sys/net/ipv4/ip_local_port_range': '10000\t30000\n' }
    expect(flowsOf(shell, 'tcp own', { ...hostWith(begun), ...range })?.sample).toEqual([
      expect.stringContaining('sport=20000'),
    ])
    expect(flowsOf(shell, 'tcp own', hostWith(begun))?.sample).toEqual([expect.stringContaining('sport=40000')])
  })
})

describe('live entries of flows', () => {
  it('are counted up to a bound, and three are shown', () => {
    const many = flowsOf('dash', 'tcp 80', hostWith(ROWS.asked.repeat(300_001)))
    expect(many).toMatchObject({ entries: 300_000, tracked: 300_000, complete: false })
    expect(many?.sample).toEqual(Array(3).fill(ROWS.asked.trim()))
  })
})
