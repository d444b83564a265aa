/** What blacklist plans is what it then finds, in the order in which it can be done; and nobody is cut off by the way. */
import { describe, expect, it } from 'vitest'
import type { Facts, RulesetText } from '../../../src/facts/facts.ts'
import { applyToFacts, makePlan, type Plan, type Step, settledTask, type Task } from '../../../src/plan/plan.ts'
import { decisive, judge, passes } from '../../../src/run/checks.ts'
import { blacklist } from '../../../src/strategy/blacklist/blacklist.ts'
import { REFUSAL_FILE } from '../../../src/strategy/blacklist/refuse.ts'
import { filter } from '../firewall/samples.ts'
import { CASES, type Case } from './cases.ts'

const OURS = CASES.filter(({ strategy }) => strategy.name === 'blacklist')
const LOCAL = { local: true }
const PATH = { clientAddress: '198.51.100.7', clientPort: 50022, serverAddress: '192.0.2.5', serverPort: 22 }

function caseOf(name: string): Case {
  const found = OURS.find(({ path }) => path.endsWith(`/${name}.yaml`))
  if (!found) throw new Error(`no case ${name}`)
  return found
}

/** As a probe does that looks for our file, too. */
function seen(facts: Facts): Facts {
  const known = facts.files.some(({ path }) => path === REFUSAL_FILE)
  return known ? facts : { ...facts, files: [...facts.files, { path: REFUSAL_FILE, state: null, refused: null }] }
}

/** With these live rules, and with the same in the file that boot loads. */
function withSave(facts: Facts, ruleset: RulesetText): Facts {
  const state = { content: ruleset.sources[0]?.text ?? '', mode: '0644', owner: '0:0', label: null }
  const files = facts.files.map(file => (file.path === '/etc/iptables/rules.v4' ? { ...file, state } : file))
  return { ...facts, ruleset, files }
}

const task = (options: Step['options']): Task => ({ steps: [{ strategy: blacklist, options }], force: false })
const planOf = (options: Step['options'], facts: Facts): Plan => makePlan('h', task(options), facts, LOCAL)

/** The host as a plan leaves it: what a firewall that stopped had loaded is gone, and a kernel without the core tracks nothing. */
function done(facts: Facts, plan: Plan): Facts {
  const after = applyToFacts(facts, plan.changes)
  const stopped = plan.changes.some(({ kind }) => kind === 'service')
  const core = after.modules?.some(({ name }) => name === after.family) ?? false
  const empty: RulesetText = { sources: [], complete: true }
  return {
    ...after,
    ...(stopped ? { ruleset: empty } : {}),
    ...(core ? {} : { family: null, providedBy: 'absent' as const, count: null, max: null }),
  }
}

describe.each(OURS.filter(({ given }) => given.blockers.length === 0))('$path', ({ given, facts }) => {
  const first = planOf(given.options, seen(facts))
  const after = done(seen(facts), first)

  it('finds nothing to do once it is done', () => {
    for (const again of [
      planOf(given.options, after),
      makePlan('h', settledTask(first, task(given.options)), after, LOCAL),
    ]) {
      expect(again.blockers).toEqual([])
      expect(again.changes).toEqual([])
    }
  })

  it('shows what became of it', () => {
    const gone = makePlan('h', settledTask(first, task(given.options)), after, LOCAL).evidence?.[0]
    const later = first.steps[0]?.options.when === 'reboot' || facts.modules?.some(({ unloading }) => unloading)
    expect(gone).toMatchObject({ name: 'conntrack-gone', status: later && after.family !== null ? 'unknown' : 'pass' })
  })
})

describe('order', () => {
  it('rules before services, services before modules, what boot starts before the files that it would fail on', () => {
    const { facts, given } = caseOf('stateless-debian')
    const kinds = planOf(given.options, seen(facts)).changes.map(({ kind }) => kind)
    expect([...new Set(kinds)]).toEqual(['rule', 'module', 'file'])
    const { facts: other, given: asked } = caseOf('stop-systemd')
    const stop = planOf(asked.options, seen(other)).changes.map(({ kind }) => kind)
    expect([...new Set(stop)]).toEqual(['service', 'module', 'boot-service', 'file'])
  })

  it('values between rules and services: they come back once a service has loaded their module anew, and no rule fills it', () => {
    const { facts, given } = caseOf('stop-systemd')
    const values = { 'net.netfilter.nf_conntrack_max': '9', '/sys/module/nf_conntrack/parameters/hashsize': '8' }
    const host = { ...seen(facts), tracking: facts.tracking && { ...facts.tracking, values } }
    const changes = planOf(given.options, host).changes.map(({ target }) => target)
    expect(changes.slice(0, 2)).toEqual(Object.keys(values))
    const { facts: other, given: asked } = caseOf('stateless-debian')
    const stateless = { ...seen(other), tracking: other.tracking && { ...other.tracking, values } }
    const kinds = planOf(asked.options, stateless).changes.map(({ kind }) => kind)
    expect([...new Set(kinds)]).toEqual(['rule', 'kernel-value', 'module', 'file'])
    const later = planOf({ ...given.options, when: 'reboot' }, host).changes
    expect(later.some(({ kind }) => kind === 'kernel-value')).toBe(false)
  })

  it('what takes the place of a rule is there before it goes, from the end of the chain to its head', () => {
    const { facts, given } = caseOf('stateless-debian')
    const rules = planOf(given.options, seen(facts)).changes.flatMap(change => (change.kind === 'rule' ? [change] : []))
    const places = rules.flatMap(({ before, after }) => (before && !after ? [before.position ?? 0] : []))
    // Numbers at the moment of each removal: what it was, and what was put before it.
    expect(places).toEqual([6, 5, 3, 9])
    expect(rules.every(({ why }) => why !== '')).toBe(true)
    const replaced = rules.filter(({ after }) => after !== null).map(({ why }) => why)
    expect(replaced.every(why => /^in place of "-A INPUT .*-m conntrack /.test(why))).toBe(true)
  })
})

describe('our own connection and services', () => {
  const flows = [
    { protocol: 'tcp', port: 80 },
    { protocol: 'tcp', port: 443 },
  ] as const

  it.each([
    ['stateless-debian', flows],
    ['stateless-rhel', []],
  ] as const)('pass through what %s makes of the rules', (name, served) => {
    const { facts, given } = caseOf(name)
    const plan = makePlan('h', { ...task(given.options), flows: served }, { ...seen(facts), managementPath: PATH })
    expect(plan.blockers).toEqual([])
    expect(plan.changes.length).toBeGreaterThan(0)
  })

  it('are looked at: a rule that lets answers in without saying of whom is no way for a new connection', () => {
    const { facts, given } = caseOf('stateless-debian')
    const strict = filter(
      'DROP',
      'INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
      'INPUT -p tcp -m tcp --dport 22 -m conntrack --ctstate NEW -j ACCEPT',
      'INPUT -p udp -m udp --dport 514 -m conntrack --ctstate ESTABLISHED,NEW -j ACCEPT',
      'OUTPUT -m conntrack --ctstate NEW -j ACCEPT',
      'OUTPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
    )
    const ruleset: RulesetText = {
      complete: true,
      sources: [
        { backend: 'iptables-legacy', family: 4, format: 'save', text: strict.replace('OUTPUT ACCEPT', 'OUTPUT DROP') },
      ],
    }
    const served = [{ protocol: 'udp', port: 514 }] as const
    const plan = makePlan(
      'h',
      { ...task(given.options), flows: served },
      { ...withSave(seen(facts), ruleset), managementPath: PATH },
    )
    expect(plan.blockers).toEqual([])
    const left = applyToFacts(withSave(seen(facts), ruleset), plan.changes).ruleset?.sources[0]?.text
    expect(left).not.toMatch(/state/)
    expect(left).toContain('-A OUTPUT -p udp -m udp --sport 514 -j ACCEPT')
  })
})

describe('evidence', () => {
  const { facts } = caseOf('stop-systemd')
  const tracking = facts.tracking
  if (!tracking) throw new Error('no tracking')
  const evidence = (parts: Partial<typeof tracking>, more: Partial<Facts> = {}) =>
    planOf({ when: 'now' }, { ...seen(facts), ...more, tracking: { ...tracking, ...parts } }).evidence ?? []

  it('modprobe has to refuse every name that there is', () => {
    const refused = { nf_conntrack: 'refused', xt_conntrack: 'refused', xt_state: 'no-such-module' } as const
    expect(evidence({ dryRuns: refused })[1]).toMatchObject({ name: 'modprobe-refuses', status: 'pass', when: 'kept' })
    expect(evidence({ dryRuns: { ...refused, xt_conntrack: 'loads' } })[1]).toMatchObject({
      status: 'fail',
      detail: 'modprobe would still load xt_conntrack',
    })
    expect(evidence({ dryRuns: { nf_conntrack: 'unreadable' } })[1]).toMatchObject({ status: 'unknown' })
    expect(evidence({ dryRuns: {} })[1]).toMatchObject({ status: 'unknown' })
  })

  it('a firewall that boot starts has to be up', () => {
    const service = { name: 'nftables', running: true, enabled: true }
    expect(evidence({ services: [service] })[2]).toMatchObject({ name: 'firewall-service-up', status: 'pass' })
    // Who was told that it is down and went on is not taken back for it.
    expect(evidence({ services: [{ ...service, running: false }] })[2]).toMatchObject({
      status: 'fail',
      excusedBy: 'firewall-down',
    })
    expect(evidence({ services: [] })[2]).toBeUndefined()
  })

  it('an image that could not be listed is unknown, and said', () => {
    const initramfs = { path: '/boot/i', tool: 'dracut', holds: [], unread: true } as const
    expect(evidence({ initramfs })[2]).toMatchObject({ name: 'image-without', status: 'unknown' })
    const plan = planOf({ when: 'now' }, { ...seen(facts), tracking: { ...tracking, initramfs } })
    expect(plan.warnings.join()).toContain('what /boot/i holds could not be listed')
    expect(plan.changes.some(({ kind }) => kind === 'initramfs')).toBe(false)
  })

  it('without a list of modules nobody says that there is none: the name of its age is refused', () => {
    const bare = { ...seen(facts), family: null, providedBy: 'absent', modules: [], ruleset: null } as const
    const plan = (kernel: string): Plan =>
      planOf(
        {},
        {
          ...bare,
          kernel,
          ruleset: { sources: [], complete: true },
          tracking: { ...tracking, available: null, services: [] },
        },
      )
    const files = (kernel: string): string =>
      plan(kernel)
        .changes.map(change => (change.kind === 'file' ? change.after?.content : ''))
        .join()
    expect(files('2.6.18-8.el5')).toContain('install ip_conntrack /bin/false')
    expect(files('2.6.18-8.el5')).not.toContain('nf_conntrack')
    expect(files('2.6.32-754.el6')).toContain('install nf_conntrack /bin/false')
    expect(plan('6.1.0').evidence?.[1]).toMatchObject({ name: 'modprobe-refuses', status: 'unknown' })
  })

  it('conntrack that is still there has failed to go, unless it is on its way', () => {
    expect(evidence({})[0]).toMatchObject({ status: 'fail', detail: 'still loaded: nf_conntrack, xt_conntrack' })
    const modules = [{ name: 'nf_conntrack', refs: 0, users: [], unloading: true as const }]
    expect(evidence({}, { modules })[0]).toMatchObject({ status: 'unknown' })
    expect(evidence({}, { family: null, providedBy: 'absent', modules: [] })[0]).toMatchObject({ status: 'pass' })
  })
})

describe('a host that cannot be looked at shows nothing', () => {
  const { facts } = caseOf('loaded-unused')

  it.each<[string, Partial<Facts>, string]>([
    ['nobody may', { root: false }, 'needs-root'],
    ['its rules are unread', { ruleset: { sources: [], complete: false } }, 'rules-unread'],
    ['conntrack is built in', { providedBy: 'builtin' }, 'built-in'],
    ['somebody enabled ufw', { ufw: { enabled: true, sysctlFile: null } }, 'ufw-enabled'],
  ])('%s', (_, differences, code) => {
    const host = { ...seen(facts), ...differences, earlier: { stats: facts.stats, log: facts.log, secondsBefore: 10 } }
    const plan = planOf({}, host)
    expect(plan.blockers.map(blocker => blocker.code)).toEqual([code])
    expect(plan.evidence).toMatchObject([{ name: 'conntrack-gone', status: 'unknown' }])
    expect(passes(judge(host, plan, { files: true }))).toBe(false)
    expect(passes(decisive(judge(host, plan, { files: false }), 'later'))).toBe(code === 'ufw-enabled')
  })

  it('what boot makes of a cure is looked at again, with what somebody saved since', () => {
    const gone = done(seen(facts), planOf({}, seen(facts)))
    const host = { ...gone, earlier: { stats: null, log: facts.log, secondsBefore: 10 } }
    const state = (content: string) => ({ content, mode: '0644', owner: '0:0', label: null })
    const saved = filter('DROP', 'INPUT -m state --state ESTABLISHED -j ACCEPT')
    const files = host.files.map(file =>
      file.path === '/etc/iptables/rules.v4' ? { ...file, state: state(saved) } : file,
    )
    const reboot = (of: Facts) =>
      judge(of, planOf({}, of), { files: true }).find(({ name }) => name === 'survives-reboot')?.status
    expect(reboot(host)).toBe('pass')
    expect(reboot({ ...host, files })).toBe('fail')
    expect(reboot({ ...host, ufw: { enabled: true, sysctlFile: null } })).toBe('fail')
  })
})

describe('what goes has to be able to come back', () => {
  const { facts } = caseOf('no-way-back')
  const blockersOf = (options: Step['options'], of: Facts): (readonly [string, boolean])[] =>
    planOf(options, seen(of)).blockers.map(({ code, forceable }) => [code, forceable] as const)

  it('modules that are nowhere on the disk are taken out by nobody; until the next reboot they stay', () => {
    expect(blockersOf({ when: 'now' }, facts)).toEqual([['no-way-back', false]])
    expect(blockersOf({ when: 'reboot' }, facts)).toEqual([['no-way-back', true]])
    expect(blockersOf({ when: 'now' }, { ...facts, family: null, modules: [] })).toEqual([])
  })
})

describe('what boot loads is known', () => {
  const { facts, given } = caseOf('stateless-debian')
  const codes = (change: (facts: Facts) => Facts, options = given.options): (readonly [string, boolean])[] =>
    planOf(options, change(seen(facts))).blockers.map(({ code, forceable }) => [code, forceable] as const)
  const without = (facts: Facts): Facts => ({
    ...facts,
    files: facts.files.map(file => (file.path.startsWith('/etc/iptables/') ? { ...file, state: null } : file)),
  })

  it('rules about states are not rewritten where no file holds them, whoever insists', () => {
    expect(codes(without)).toEqual([['saved-unknown', false]])
    const stateless = '*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n'
    const other = { backend: 'iptables-legacy', family: 4, format: 'save', text: stateless } as const
    const plain = (facts: Facts): Facts => ({ ...facts, ruleset: { sources: [other], complete: true } })
    expect(codes(host => without(plain(host)), {})).toEqual([['saved-unknown', true]])
    expect(codes(host => without({ ...host, ruleset: { sources: [], complete: true } }), {})).toEqual([])
    const seenFile = (facts: Facts): Facts => ({
      ...facts,
      tracking: facts.tracking && { ...facts.tracking, savedSeen: ['/var/lib/iptables/rules-save'] },
    })
    expect(codes(host => seenFile(without(plain(host))), {})).toEqual([])
  })

  it.each(['shorewall', 'shorewall6', 'ferm'])('%s makes its rules at boot, and always asks for states', name => {
    const services = [{ name, running: true, enabled: true }]
    const host = (facts: Facts): Facts => ({ ...facts, tracking: facts.tracking && { ...facts.tracking, services } })
    expect(codes(host)).toEqual([['saved-rules-need-tracking', false]])
  })

  it('a saved line that only untracks is refused at boot, too', () => {
    const savedUntracking = [{ file: '/etc/own.rules', line: 3, text: '-A PREROUTING -j NOTRACK' }]
    const host = (facts: Facts): Facts => ({
      ...facts,
      tracking: facts.tracking && { ...facts.tracking, savedUntracking },
    })
    expect(codes(host)).toEqual([['saved-rules-need-tracking', false]])
  })

  it('a tunnel may have lived on answers, and the devices that the kernel makes by itself have not', () => {
    const host =
      (...interfaces: string[]) =>
      (facts: Facts): Facts => ({ ...facts, tracking: facts.tracking && { ...facts.tracking, interfaces } })
    expect(codes(host('lo', 'eth0', 'gre0', 'sit0', 'tunl0'))).toEqual([])
    for (const name of ['gre1', 'wg0', 'tun0', 'ipip7']) expect(codes(host(name))).toEqual([['tunnel-in-use', true]])
  })
})

describe('a service that stops comes back with its file', () => {
  const { facts, given } = caseOf('stop-systemd')
  const codes = (content: string): string[] => {
    const files = facts.files.map(file =>
      file.state && file.path === '/etc/sysconfig/iptables' ? { ...file, state: { ...file.state, content } } : file,
    )
    return planOf(given.options, { ...seen(facts), files }).blockers.map(({ code }) => code)
  }
  const saved = facts.files.find(({ path }) => path === '/etc/sysconfig/iptables')?.state?.content ?? ''

  it('so live rules have to be in it, however it is spelt', () => {
    expect(codes(saved)).toEqual([])
    expect(codes(saved.replaceAll('-A INPUT', '[5:300] -A INPUT'))).toEqual([])
    expect(codes(saved.replace(/^-A INPUT .*--dport 22 .*\n/m, ''))).toEqual(['live-differs'])
    expect(codes(saved.replace(':INPUT DROP', ':INPUT ACCEPT'))).toEqual(['live-differs'])
  })

  it('and firewalld with what is permanent, which is said', () => {
    const services = [{ name: 'firewalld', running: true, enabled: true }]
    const host: Facts = { ...seen(facts), tracking: facts.tracking && { ...facts.tracking, services } }
    expect(planOf({ ...given.options, when: 'now' }, host).warnings.join()).toContain('its permanent settings')
  })
})
