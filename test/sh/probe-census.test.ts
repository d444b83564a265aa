import { describe, expect, it } from 'vitest'
import type { Census } from '../../src/facts/asked.ts'
import { parseProbe } from '../../src/facts/parse.ts'
import { probeProgram } from '../../src/facts/probe.ts'
import { PLATFORMS } from '../facts/platforms.ts'
import { type Platform, SHELLS, type Shell, Stage } from '../facts/stage.ts'

const base = PLATFORMS['debian12-full'] ?? expect.unreachable()
const NONCE = 'f1c7e5a2d0b94836'

/** An entry as the kernel prints it. */
function row(
  state: string,
  ports: readonly [from: number, to: number],
  flags: string,
  peer = '10.0.0.1',
  own = '192.0.2.5',
): string {
  const [sport, dport] = ports
  const family = peer.includes(':') ? 'ipv6     10' : 'ipv4     2'
  const there = `src=${peer} dst=${own} sport=${sport} dport=${dport}`
  const back = `src=${own} dst=${peer} sport=${dport} dport=${sport}`
  const alone = flags === '[UNREPLIED]'
  return `${family} ${state} ${there}${alone ? ' [UNREPLIED]' : ''} ${back}${alone ? '' : ` ${flags}`} mark=0 zone=0 use=2\n`
}

const TABLE = [
  row('tcp      6 431999 ESTABLISHED', [40000, 80], '[ASSURED]'),
  row('tcp      6 424559 ESTABLISHED', [40001, 80], '[ASSURED]'),
  row('tcp      6 1000 ESTABLISHED', [40002, 80], '[ASSURED]', '10.0.0.2'),
  // A clamp of the kernel, and no idling.
  row('tcp      6 299 ESTABLISHED', [443, 40003], '[UNREPLIED]', '192.0.2.5', '10.0.0.3'),
  row('tcp      6 59 TIME_WAIT', [40004, 80], '[ASSURED]'),
  row('tcp      6 61 TIME_WAIT', [40005, 80], '[ASSURED]'),
  row('tcp      6', [40006, 8080], '[OFFLOAD]'),
  row('udp      17 29', [40007, 53], '[UNREPLIED]', '2001:0db8:0000:0000:0000:0000:0000:0007', '2001:0db8::5'),
  'ipv4     2 icmp     1 29 src=10.0.0.1 dst=192.0.2.5 type=8 code=0 id=80 src=192.0.2.5 dst=10.0.0.1 type=0 code=0 id=80 mark=0 zone=0 use=2\n',
].join('')
const FIB = '  |-- 192.0.2.5\n     /32 host LOCAL\n'

const withTable = (table: string): Platform['files'] => ({
  '/proc/net/nf_conntrack': [table, 0o440],
  '/proc/net/fib_trie': FIB,
  '/proc/net/nf_conntrack_expect': ['1 proto=6 src=1\n2 proto=6 src=1\n', 0o440],
})

interface Changed {
  readonly files?: Platform['files']
  readonly platform?: Platform
  /** What of the program is another for once. */
  readonly program?: (text: string) => string
  readonly links?: Readonly<Record<string, string>>
  readonly directories?: readonly string[]
  readonly tools?: Readonly<Record<string, string>>
}

function look(shell: Shell, { platform = base, files, program = text => text, ...more }: Changed) {
  using stage = new Stage(
    {
      ...platform,
      files: { ...platform.files, ...files },
      links: { ...platform.links, ...more.links },
      directories: [...(platform.directories ?? []), ...(more.directories ?? [])],
      tools: { ...platform.tools, ...more.tools },
    },
    shell,
  )
  const { stdin, args } = probeProgram({ nonce: NONCE, census: true })
  const { stdout, stderr } = stage.run(program(stdin), [
    ...args.slice(0, -1).map(word => word.replace(/^'(.*)'$/s, '$1')),
    '',
  ])
  expect(stderr).toBe('')
  return parseProbe('web-1', stdout, NONCE)
}

function censusOf(shell: Shell, changed: Changed): Census {
  return look(shell, changed).census ?? expect.unreachable()
}

describe.each(SHELLS)('the census under %s', shell => {
  it('counts by state, port and peer, and who was idle for longer than timeouts would let it be', () => {
    const census = censusOf(shell, { files: withTable(TABLE) })
    expect(census).toMatchObject({ source: 'proc', rows: 9, cut: null, count: 600, expectations: 2 })
    const states = census.states.map(({ protocol, state, ...n }) => [`${protocol} ${state}`, ...Object.values(n)])
    expect(states.toSorted()).toEqual([
      ['icmp null', 1, 0, 0, 0],
      ['tcp ESTABLISHED', 5, 4, 1, 2],
      ['tcp TIME_WAIT', 2, 2, 0, 1],
      ['udp null', 1, 0, 1, 0],
    ])
    expect(census.ports[0]).toEqual({ protocol: 'tcp', port: 80, entries: 5, served: 5 })
    expect(census.ports).toContainEqual({ protocol: 'icmp', port: null, entries: 1, served: 1 })
    expect(census.peers[0]).toEqual({ address: '10.0.0.1', entries: 6 })
    // Begun from here: the other end is the peer, and the service its own.
    expect(census.ports).toContainEqual({ protocol: 'tcp', port: 40003, entries: 1, served: 0 })
    expect(census.peers).toContainEqual({ address: '10.0.0.3', entries: 1 })
    expect(census.half).toEqual([{ port: 443, entries: 1 }])
  })

  it('counts answers that were taken for beginnings, closing or not, and no request without an answer', () => {
    const half = (state: string, from: number): string => row(`tcp      6 50 ${state}`, [from, 40000], '[UNREPLIED]')
    const states = ['ESTABLISHED', 'FIN_WAIT', 'CLOSE_WAIT', 'LAST_ACK', 'TIME_WAIT']
    const table = [...states.map(state => half(state, 80)), half('SYN_SENT', 81), half('CLOSE', 82)].join('')
    expect(censusOf(shell, { files: withTable(table) }).half).toEqual([{ port: 80, entries: 5 }])
  })

  it('says whose services they are, loopback being its own, and that it cannot where the kernel names no address', () => {
    const table = [
      row('tcp      6 100 ESTABLISHED', [40000, 5432], '[ASSURED]', '192.0.2.5', '10.0.0.9'),
      row('tcp      6 100 ESTABLISHED', [40001, 5432], '[ASSURED]', '127.0.0.1', '127.0.0.53'),
    ].join('')
    const files = withTable(table)
    expect(censusOf(shell, { files }).ports).toEqual([{ protocol: 'tcp', port: 5432, entries: 2, served: 1 }])
    const silent = { ...files, '/proc/net/fib_trie': '' }
    expect(censusOf(shell, { files: silent }).ports).toEqual([
      { protocol: 'tcp', port: 5432, entries: 2, served: null },
    ])
  })

  it('takes no connection for idle whose last packet waits for its answer: the kernel gives those 300 s', () => {
    const clamps = { nf_conntrack_tcp_timeout_unacknowledged: '300\n', nf_conntrack_tcp_timeout_max_retrans: '300\n' }
    const files = Object.fromEntries(
      Object.entries(clamps).map(([name, text]) => [`/proc/sys/net/netfilter/${name}`, text]),
    )
    const table = [299, 300, 301, 431_999].map((left, i) =>
      row(`tcp      6 ${left} ESTABLISHED`, [40_000 + i, 80], '[ASSURED]'),
    )
    const { states } = censusOf(shell, { files: { ...withTable(table.join('')), ...files } })
    expect(states).toMatchObject([{ state: 'ESTABLISHED', entries: 4, idle: 1 }])
  })

  it('is cut at its rows, and says so', () => {
    const cut = (text: string): string => text.replace(/^census_rows=\d+$/m, 'census_rows=4')
    expect(censusOf(shell, { files: withTable(TABLE), program: cut })).toMatchObject({ rows: 4, cut: 'rows' })
  })

  it('is cut when its time is over, and says so', () => {
    const cut = (text: string): string => text.replace(/^census_seconds=\d+$/m, 'census_seconds=-1')
    const many = TABLE.repeat(400)
    expect(censusOf(shell, { files: withTable(many), program: cut })).toMatchObject({ rows: 2047, cut: 'seconds' })
  })

  it('names other namespaces with their counters', () => {
    const [counters = ''] = [base.files['/proc/net/stat/nf_conntrack']].flat()
    const { namespaces } = censusOf(shell, {
      files: {
        ...withTable(TABLE),
        '/proc/4242/comm': 'envoy\n',
        '/proc/4242/net/stat/nf_conntrack': String(counters),
      },
      links: { '/proc/4242/ns/net': 'net:[4026532180]', '/proc/4243/ns/net': 'net:[4026532180]' },
    })
    expect(namespaces).toEqual([{ id: 4026532180, program: 'envoy', entries: 600, lost: 53 }])
  })

  it('asks the tool where the kernel has no such file, and what it asks is loaded', () => {
    const { '/proc/net/nf_conntrack': _, ...files } = base.files
    const tools = {
      conntrack: `echo "$*" >>/tmp/asked; case $* in *ipv4*) cat <<'END'\n${TABLE}END\n;; esac`,
    }
    const platform = { ...base, files }
    const loaded = ['/sys/module/nf_conntrack_netlink']
    expect(censusOf(shell, { platform, tools, directories: loaded })).toMatchObject({ source: 'netlink', rows: 9 })
    expect(look(shell, { platform, tools }).census).toBeNull()
  })

  it('tells the table of expectations apart in the log', () => {
    const lines = `[ 10.0] nf_conntrack: nf_conntrack: expectation table full\n[ 11.0] nf_conntrack: nf_conntrack: table full in netns 4026532180, dropping packet`
    const { log } = look(shell, { files: withTable(TABLE), tools: { dmesg: `cat <<'END'\n${lines}\nEND` } })
    expect(log).toMatchObject({ lines: 0, expectationLines: 1, byNamespace: { 4026532180: 1 }, otherNamespaceLines: 1 })
  })
})
