/** What lies between the edges of what was asked for, and beside it: rules of others about some of its ports, or of its senders. */
import { describe, expect, it } from 'vitest'
import type { Change } from '../../../../src/change/change.ts'
import type { Facts } from '../../../../src/facts/facts.ts'
import { applyToFacts, makePlan, type Plan } from '../../../../src/plan/plan.ts'
import { judge } from '../../../../src/run/checks.ts'
import { notrack } from '../../../../src/strategy/notrack/notrack.ts'
import { makeFacts } from '../../../support/facts.ts'
import { filter, nft, rulesetOf, source } from '../../firewall/samples.ts'

const BEFORE = ['INPUT -i lo -j ACCEPT', 'INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT']
const open = (port: string | number, ...more: string[]): string =>
  ['INPUT', ...more, '-p tcp -m tcp --dport', port, '-m conntrack --ctstate NEW -j ACCEPT'].join(' ')
const NAT = (...rules: string[]): string =>
  `*nat\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n${rules.map(rule => `-A ${rule}\n`).join('')}COMMIT\n`

function planOf(options: Readonly<Record<string, unknown>>, text: string, facts: Partial<Facts> = {}): Plan {
  const about = { directories: ['/etc/iptables', '/etc/systemd/system'], ipv6: false }
  const ruleset = rulesetOf(source(text))
  const firewall = { owner: 'netfilter-persistent', backend: 'iptables-legacy', mixed: false } as const
  const seen = makeFacts({ ...about, firewall, ruleset, ...facts })
  return makePlan('h', { steps: [{ strategy: notrack, options }], force: false }, seen, { local: true })
}

const codes = ({ blockers }: Plan): string[] => blockers.map(({ code }) => code)
const messages = ({ blockers }: Plan): string => blockers.map(({ message }) => message).join('\n')

/** Lines of CTFIX-IN about ports. */
function letIn({ changes }: Plan): string[] {
  return changes.flatMap((change: Change) =>
    change.kind === 'chain' && change.target.includes('CTFIX-IN')
      ? (change.after?.rules ?? []).map(words => words.join(' ')).filter(line => line.includes('--dport'))
      : [],
  )
}

describe('a range of ports', () => {
  it('is let in only where it was: what lies between stays shut', () => {
    const plan = planOf({ tcp: '8000:9000' }, filter('DROP', ...BEFORE, open(8000), open(9000)))
    expect(codes(plan)).toEqual([])
    expect(letIn(plan)).toEqual(['-p tcp -m multiport --dports 8000,9000 -m conntrack --ctstate UNTRACKED -j ACCEPT'])
  })

  it('is let in where one in its midst was', () => {
    const plan = planOf({ tcp: '8000:9000' }, filter('DROP', ...BEFORE, open(8443)))
    expect(letIn(plan)).toEqual(['-p tcp -m tcp --dport 8443 -m conntrack --ctstate UNTRACKED -j ACCEPT'])
  })

  it('is whole where all of it was let in', () => {
    const plan = planOf({ tcp: '8000:9000' }, filter('DROP', ...BEFORE, open('8000:8500'), open('8501:9000')))
    expect(letIn(plan)).toEqual(['-p tcp -m tcp --dport 8000:9000 -m conntrack --ctstate UNTRACKED -j ACCEPT'])
  })

  it('is left alone where one in its midst is published', () => {
    const text = NAT('PREROUTING -p tcp -m tcp --dport 8443 -j DNAT --to-destination 172.17.0.2:443')
    expect(codes(planOf({ tcp: '8000:9000' }, text))).toContain('nat-on-flow')
    expect(codes(planOf({ tcp: '9000:9100' }, text))).toEqual([])
  })
})

describe('peers', () => {
  const peers = { tcp: 80, peers: '10.0.0.0/8' }
  it('of whom only some may come are not all let in', () => {
    const plan = planOf(peers, filter('DROP', ...BEFORE, open(80, '-s 10.1.0.0/16')))
    expect(codes(plan)).toContain('opens-port')
  })

  it('of whom some are banned stay banned', () => {
    const plan = planOf(peers, filter('DROP', ...BEFORE, 'INPUT -s 10.66.0.0/16 -j DROP', open(80)))
    expect(codes(plan)).toEqual(['opens-port'])
    expect(messages(plan)).toContain('from 10.66.0.0')
  })

  it('are the only ones whose entries go', () => {
    const flows = { entries: 7, complete: true, sample: [], addresses: ['192.0.2.5', '2001:db8::5'], tracked: 9 }
    const plan = planOf({ tcp: 443, peers: '192.168.10.1' }, filter('DROP', ...BEFORE, open(443)), {
      flows,
      ipv6: true,
    })
    const entries = plan.changes.find(({ kind }) => kind === 'entries')
    expect(entries).toMatchObject({
      before: {
        selectors: [
          ['-f', 'ipv4', '-p', 'tcp', '-d', '192.0.2.5', '--dport', '443', '-s', '192.168.10.1'],
          ['-f', 'ipv4', '-p', 'tcp', '-s', '192.0.2.5', '--sport', '443', '-d', '192.168.10.1'],
        ],
      },
    })
  })

  it('of one family leave the entries of the other, whatever else is asked', () => {
    const flows = { entries: 7, complete: true, sample: [], addresses: ['192.0.2.5'], tracked: 9 }
    const plan = planOf({ all: true, peers: '192.168.10.1' }, filter('ACCEPT'), { flows, ipv6: true })
    expect(JSON.stringify(plan.changes)).not.toContain('ipv6')
    expect(notrack.flowsOf?.({ all: true, peers: '192.168.10.1' })).toBe('any * - 0.0.0.0/0')
  })
})

describe('everything', () => {
  const text = filter('DROP', ...BEFORE, open(22), open(80), open(25))
  it('cuts off no service without saying so', () => {
    const plan = planOf({ all: true, tcp: [22, 80] }, text)
    expect(codes(plan)).toContain('cuts-off-service')
    expect(messages(plan)).toContain('connections to tcp port 25 would be dropped')
    expect(codes(planOf({ all: true, tcp: [22, 25, 80] }, text))).toEqual([])
  })

  it('is not for peers alone where others are let in', () => {
    const plan = planOf({ all: true, tcp: [22, 25, 80], peers: '10.0.0.1' }, text)
    expect(messages(plan)).toMatch(/some new IPv4 connections to tcp port 22, 25, 80 would be dropped/)
  })
})

describe('what this host begins', () => {
  it('may come back to ports of a service, which is then not cut off', () => {
    const plan = planOf({ local_out: true }, filter('DROP', ...BEFORE, open(50_051)))
    expect(messages(plan)).toContain('connections to tcp port 50051 would be dropped')
    expect(codes(planOf({ local_out: true, tcp: 50_051 }, filter('DROP', ...BEFORE, open(50_051))))).toEqual([])
  })
})

describe('helpers', () => {
  const CONTROL = open(21)
  const raw = '*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p tcp -m tcp --dport 21 -j CT --helper ftp\nCOMMIT\n'
  it('are put on a port by a rule, whether or not there is a module to be seen', () => {
    expect(codes(planOf({ tcp: 21 }, raw + filter('DROP', ...BEFORE, CONTROL)))).toEqual(['helper-on-port'])
    expect(codes(planOf({ tcp: 21 }, filter('DROP', ...BEFORE, CONTROL)))).toEqual([])
  })

  it('announce connections to ports that no rule opens: untracked, these would not be let in', () => {
    const passive = { tcp: '60000:60100' }
    const shut = planOf(passive, raw + filter('DROP', ...BEFORE, CONTROL))
    expect(codes(shut)).toEqual(['helper-announces'])
    expect(messages(shut)).toContain('tcp 60000-60100 is let in only where')
    expect(codes(planOf(passive, raw + filter('DROP', ...BEFORE, CONTROL, open('60000:60100'))))).toEqual([])
    // Nobody announces anything.
    expect(codes(planOf(passive, filter('DROP', ...BEFORE)))).toEqual([])
  })
})

it('rules of a family that was not asked for are no obstacle', () => {
  const text = NAT('PREROUTING -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 8080')
  expect(codes(planOf({ tcp: 80, families: 6 }, text, { ipv6: true }))).toEqual([])
  expect(codes(planOf({ tcp: 80 }, text, { ipv6: true }))).toEqual(['nat-on-flow'])
})

it('flows of an earlier run are tracked again, and the plan says so', () => {
  const text = filter('DROP', ...BEFORE, open(80), open(8088))
  const first = planOf({ tcp: 8088 }, text)
  expect(first.warnings.join()).not.toContain('earlier run')
  const facts = makeFacts({
    directories: ['/etc/iptables'],
    ipv6: false,
    firewall: { owner: 'netfilter-persistent', backend: 'iptables-legacy', mixed: false },
    ruleset: rulesetOf(source(text)),
  })
  const later = applyToFacts(facts, first.changes)
  const task = { steps: [{ strategy: notrack, options: { tcp: 80 } }], force: false }
  expect(makePlan('h', task, later, { local: true }).warnings.join()).toContain(
    'take the place of those of an earlier run',
  )
})

it('what this host begins has ports of its own range, whichever that is', () => {
  const plan = planOf({ local_out: true }, filter('ACCEPT'), { localPorts: { from: 1024, to: 65_000 } })
  expect(codes(plan)).toEqual([])
  expect(JSON.stringify(plan.changes)).toContain('"--dport","1024:65000"')
  expect(JSON.stringify(plan.changes)).not.toContain('32768')
})

describe('translated connections', () => {
  it.each([
    ['REDIRECT --to-ports 8080', ['nat-on-flow']],
    ['REDIRECT --to-ports 8000-8100', ['nat-on-flow']],
    ['REDIRECT --to-ports 8081', []],
    ['DNAT --to-destination 127.0.0.1:8080', ['nat-on-flow']],
    ['DNAT --to-destination 172.17.0.2:8080', []],
  ])('are sent to a port by %s: %j', (target, expected) => {
    expect(codes(planOf({ tcp: 8080 }, NAT(`PREROUTING -p tcp -m tcp --dport 80 -j ${target}`)))).toEqual(expected)
    expect(codes(planOf({ udp: 8080 }, NAT(`PREROUTING -p tcp -m tcp --dport 80 -j ${target}`)))).toEqual([])
  })

  it('come back to ports that systems choose', () => {
    const text = NAT('POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE')
    const forwarding = { forwarding: { ipv4: true, ipv6: false } }
    expect(codes(planOf({ tcp: '60000:60100' }, text, forwarding))).toEqual(['nat-gateway'])
    expect(codes(planOf({ tcp: 443 }, text, forwarding))).toEqual([])
    expect(codes(planOf({ tcp: '60000:60100' }, text))).toEqual([])
  })

  const firewalld = {
    firewall: { owner: 'firewalld', backend: 'nft', mixed: false },
    ownNft: { table: null, rules: [] },
    ruleset: rulesetOf(nft('firewalld')),
  } as const
  it('need the errors about them: these are tracked on', () => {
    const nat = { inUse: true, evidence: ['ip nat POSTROUTING: masquerade'] }
    const plan = planOf({ tcp: 22 }, '', { ...firewalld, nat })
    expect(codes(plan)).toEqual(['breaks-path-mtu'])
    expect(JSON.stringify(plan.changes)).not.toContain('icmp')
    const forced = makePlan(
      'h',
      { steps: [{ strategy: notrack, options: { tcp: 22 } }], force: true },
      makeFacts({ ...firewalld, nat }),
    )
    const check = judge(makeFacts(), forced, { files: false }).find(({ name }) => name === 'icmp-errors-pass')
    expect(check).toMatchObject({ status: 'pass', detail: expect.stringContaining('forced past') })
  })

  it('of others pass by, and so do errors about them', () => {
    const plan = planOf({ tcp: 22 }, '', { ...firewalld, forwarding: { ipv4: true, ipv6: false } })
    expect(codes(plan)).toEqual([])
    expect(JSON.stringify(plan.changes)).toMatch(/fib daddr type local icmp type \{[^}]+\} counter notrack/)
  })
})

it('the host reaches its own service, by lo', () => {
  const text = filter(
    'DROP',
    'INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
    'INPUT -p tcp -m tcp --dport 80 -j ACCEPT',
  )
  const plan = planOf({ tcp: 80 }, text)
  expect(codes(plan)).toEqual([])
  expect(JSON.stringify(plan.changes)).toContain('"-i","lo","-p","tcp","-m","tcp","--sport","80"')
})

it('errors of ICMPv6 are let in by their own numbers in a table of IPv6', () => {
  const table = { family: 'ip6', name: 'filter' }
  const chain = {
    family: 'ip6',
    table: 'filter',
    name: 'input',
    type: 'filter',
    hook: 'input',
    prio: 0,
    policy: 'drop',
  }
  const state = (names: string[], verdict: string): object => ({
    rule: {
      family: 'ip6',
      table: 'filter',
      chain: 'input',
      expr: [{ match: { op: 'in', left: { ct: { key: 'state' } }, right: names } }, { [verdict]: null }],
    },
  })
  const port = { match: { op: '==', left: { payload: { protocol: 'tcp', field: 'dport' } }, right: 80 } }
  const rule = { rule: { family: 'ip6', table: 'filter', chain: 'input', expr: [port, { accept: null }] } }
  const text = JSON.stringify({
    nftables: [{ table }, { chain }, state(['established', 'related'], 'accept'), state(['invalid'], 'drop'), rule],
  })
  const conf =
    'flush ruleset\ntable ip6 filter {\n\tchain input { type filter hook input priority 0; policy drop; }\n}\n'
  const plan = planOf({ tcp: 80 }, '', {
    firewall: { owner: 'nftables', backend: 'nft', mixed: false },
    ownNft: { table: null, rules: [] },
    ruleset: rulesetOf({ backend: 'nft', family: null, format: 'json', text }),
    ipv6: true,
    files: [
      { path: '/etc/nftables.conf', state: { content: conf, mode: '0644', owner: '0:0', label: null }, refused: null },
    ],
  })
  expect(codes(plan)).toEqual([])
  const accepts = plan.changes.flatMap(change => (change.kind === 'nft-rule' ? [change.after?.text] : []))
  expect(accepts.join('\n')).toContain('icmpv6 type { destination-unreachable, packet-too-big')
  expect(accepts.join('\n')).not.toMatch(/icmp type/)
})

it('traffic of errors alone has exercised no flow', () => {
  const evidence = (lines: string): string | undefined =>
    planOf({ tcp: 80 }, `*raw\n:PREROUTING ACCEPT [0:0]\n:CTFIX-PRE - [0:0]\n${lines}COMMIT\n`).evidence?.find(
      ({ name }) => name === 'flows-exercised',
    )?.status
  const errors = '[8:400] -A CTFIX-PRE -p icmp -m icmp --icmp-type 3 -j CT --notrack\n'
  expect(evidence(`${errors}[0:0] -A CTFIX-PRE -p tcp -m tcp --dport 80 -j CT --notrack\n`)).toBe('unknown')
  expect(evidence(`${errors}[1:60] -A CTFIX-PRE -p tcp -m tcp --dport 80 -j CT --notrack\n`)).toBe('pass')
})

it('entries that nothing here can remove are unknown, not a failure', () => {
  const flows = { entries: 3, complete: true, sample: ['x'], addresses: ['192.0.2.5', '192.0.2.6'], tracked: 9 }
  const { evidence, changes } = planOf({ tcp: '60000:60100' }, filter('ACCEPT'), { flows })
  expect(changes.map(({ kind }) => kind)).not.toContain('entries')
  expect(evidence?.find(({ name }) => name === 'no-entries-of-flows')?.status).toBe('unknown')
})
