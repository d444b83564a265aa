import { describe, expect, it } from 'vitest'
import type { Change } from '../../../src/change/change.ts'
import { liftsRefusal } from '../../../src/change/file.ts'
import type { FileState } from '../../../src/facts/facts.ts'
import { type ChainState, chainTarget, NFT_TABLE, type NftRuleState, nftRuleTarget } from '../../../src/firewall/own.ts'
import { type RuleState, ruleTarget } from '../../../src/firewall/rule-state.ts'
import { compile } from '../../../src/plan/compile.ts'
import { diffLines } from '../../../src/plan/diff.ts'
import { makePlan, type Plan } from '../../../src/plan/plan.ts'
import { planSchema } from '../../../src/plan/plan-file.ts'
import { rollbackTask } from '../../../src/plan/rollback.ts'
import { entriesChange, stopService } from '../../support/changes.ts'
import { makeFacts } from '../../support/facts.ts'

const empty = makePlan('h', { steps: [], force: false }, makeFacts())
const value = (before: string, after: string, target = 'net.netfilter.nf_conntrack_max'): Change => ({
  kind: 'kernel-value',
  layer: 'runtime',
  target,
  before,
  after,
  why: 'w',
})
const file = (before: string | null, after: string | null): Change => {
  const state = (content: string | null) =>
    content === null ? null : { content, mode: '0644', owner: '0:0', label: null }
  return { kind: 'file', layer: 'persistent', target: '/etc/a', before: state(before), after: state(after), why: 'w' }
}
const spec: RuleState = {
  backend: 'iptables-legacy',
  family: 4,
  table: 'raw',
  chain: 'OUTPUT',
  position: null,
  spec: ['-j', 'ACCEPT'],
}
const rule: Change = { kind: 'rule', layer: 'runtime', target: ruleTarget(spec), before: null, after: spec, why: 'w' }
const module: Change = {
  kind: 'module',
  layer: 'runtime',
  target: 'nf_conntrack',
  before: null,
  after: 'loaded',
  why: 'w',
}

const chainState: ChainState = {
  backend: 'iptables-nft',
  family: 4,
  table: 'raw',
  chain: 'CTFIX-PRE',
  rules: [['-p', 'tcp', '--dport', '80', '-j', 'CT', '--notrack']],
}
const nftRuleState: NftRuleState = {
  family: 'ip',
  table: 'filter',
  chain: 'input',
  position: 2,
  text: 'tcp dport 80 accept',
  json: '{}',
}
const live = { layer: 'runtime', before: null, why: 'w' } as const
const TABLE = 'table inet ctfix {\n\tchain pre {\n\t\ttcp dport 80 notrack\n\t}\n}'
const chain: Change = { ...live, kind: 'chain', target: chainTarget(chainState), after: chainState }
const table: Change = { ...live, kind: 'nft-table', target: NFT_TABLE, after: { text: TABLE, json: '[]' } }
const nftRule: Change = { ...live, kind: 'nft-rule', target: nftRuleTarget(nftRuleState), after: nftRuleState }
const entries = entriesChange(7, [['-p', 'tcp', '--dport', '80']])

/** The plan back, where the targets are now what these looks say; they come in the order of going back. */
function back(changes: readonly Change[], looks: readonly string[], force = false): Plan {
  const ruleset = { sources: [], complete: true }
  const facts = makeFacts({ looks, ruleset })
  return makePlan('h', rollbackTask({ ...empty, changes }, 'RUN', force), facts, { local: true })
}

describe('the plan that takes a run back', () => {
  it('is each change the other way round, live values first', () => {
    const plan = back([value('600', '4096'), file(null, 'x\n')], ['file -rw-r--r-- 0:0 -\nx\n', 'value 4096\n'])
    expect(plan.blockers).toEqual([])
    expect(plan.changes.map(({ target, before, after }) => [target, before, after])).toEqual([
      ['net.netfilter.nf_conntrack_max', '4096', '600'],
      ['/etc/a', { content: 'x\n', mode: '0644', owner: '0:0', label: null }, null],
    ])
  })

  it('has nothing where the target is back already, 0 and empty files included', () => {
    expect(back([value('0', '5')], ['value 0\n']).changes).toEqual([])
    expect(back([file('', 'x')], ['file -rw-r--r-- 0:0 -\n']).changes).toEqual([])
    expect(back([file(null, 'x')], ['absent\n']).changes).toEqual([])
    expect(back([rule], ['absent\n']).changes).toEqual([])
    expect(back([module], ['absent\n']).changes).toEqual([])
    for (const change of [chain, table, nftRule]) expect(back([change], ['absent\n']).changes).toEqual([])
    const emptied: Change = { ...chain, before: { ...chainState, rules: [] } }
    expect(back([emptied], ['present\n']).changes).toEqual([])
  })

  it('has what went with a module after the module, and overwrites nothing that somebody set since', () => {
    const gone = (target: string, before: string): Change => ({
      ...{ kind: 'kernel-value', layer: 'runtime', target, before, after: null, why: 'w' },
    })
    const hashsize = '/sys/module/nf_conntrack/parameters/hashsize'
    const taken: Change = { ...module, before: 'loaded', after: null }
    const changes = [gone('net.netfilter.nf_conntrack_max', '4096'), gone(hashsize, '1024'), taken]
    const plan = back(changes, ['absent\n', 'absent\n', 'absent\n'])
    expect(plan.blockers).toEqual([])
    expect(plan.changes.map(({ target, before, after }) => [target, before, after])).toEqual([
      ['nf_conntrack', null, 'loaded'],
      [hashsize, null, '1024'],
      ['net.netfilter.nf_conntrack_max', null, '4096'],
    ])
    expect(diffLines(plan).slice(2, 3)).toEqual(['~ values of its table: absent → hashsize 1024, max 4096'])
    expect(diffLines({ ...empty, changes }).slice(0, 2)).toEqual([
      '~ values of its table: hashsize 1024, max 4096 → absent',
      '    w',
    ])
    // Somebody loaded it again.
    const there = back(changes, ['loaded\n', 'value 1024\n', 'value 600\n'])
    expect(there.blockers.map(({ code, message }) => [code, message])).toEqual([
      ['changed-since', expect.stringContaining('before 4096, ours absent, now 600')],
    ])
    // It never went: the kernel did not let it go.
    expect(back(changes, ['loaded\n', 'value 1024\n', 'value 4096\n']).changes).toEqual([])
    expect(planSchema.parse(JSON.parse(JSON.stringify({ ...empty, changes }))).changes).toEqual(changes)
  })

  it('leaves out entries, which do not come back, and asks for the rules where it changes any', () => {
    expect(back([value('600', '4096'), entries], ['value 4096\n']).changes).toMatchObject([{ kind: 'kernel-value' }])
    for (const [change, needs] of [
      [rule, true],
      [chain, true],
      [table, true],
      [nftRule, true],
      [module, false],
      [entries, false],
    ] as const) {
      const [step] = rollbackTask({ ...empty, changes: [change] }, 'RUN', false).steps
      expect(step?.strategy.needs.ruleset, change.kind).toBe(needs)
    }
  })

  it('takes chains, tables and rules of nft for ours however they are spelt and wherever they stand', () => {
    const looks = [
      `present\n${TABLE.replaceAll('\t', '  ')}\n`,
      'present 9\n',
      'present\n-p tcp -m tcp --dport 80 -j NOTRACK\n',
    ]
    const plan = back([chain, nftRule, table], looks)
    expect(plan.blockers).toEqual([])
    expect(plan.changes.map(({ kind, after }) => [kind, after])).toEqual([
      ['nft-table', null],
      ['nft-rule', null],
      ['chain', null],
    ])
  })

  it('takes a hash size that the kernel rounded up for ours', () => {
    const target = '/sys/module/nf_conntrack/parameters/hashsize'
    expect(back([value('1024', '4000', target)], ['value 4096\n']).blockers).toEqual([])
    expect(back([value('1024', '4000', target)], ['value 65536\n']).blockers).toMatchObject([{ code: 'changed-since' }])
  })

  it('finds a rule wherever it stands by now', () => {
    const plan = back([rule], ['present 7\n'])
    expect(plan.blockers).toEqual([])
    expect(plan.changes).toMatchObject([{ kind: 'rule', before: { position: 7 }, after: null }])
  })

  it('shows before, ours and now where somebody changed it since; forced, it goes all the same', () => {
    const [blocker] = back([value('600', '4096')], ['value 5000\n']).blockers
    expect(blocker).toEqual({
      code: 'changed-since',
      message: 'changed by somebody else since: net.netfilter.nf_conntrack_max: before 600, ours 4096, now 5000',
      forceable: true,
    })
    const forced = back([value('600', '4096')], ['value 5000\n'], true)
    expect([forced.blockers, forced.forced.length]).toEqual([[], 1])
    expect(forced.changes).toMatchObject([{ before: '5000', after: '600' }])
    const [edited] = back([file('a\n', 'b\n')], ['file -rw-r--r-- 0:0 -\nb\nc\n']).blockers
    expect(edited?.message).toContain('+c')
    expect(edited?.message).toContain(
      '--force writes what was there before the run, as the plan shows it; or edit by hand',
    )
    const [added] = back([chain], ['present\n-p tcp --dport 80 -j CT --notrack\n-j ACCEPT\n']).blockers
    expect(added?.message).toContain('\n  iptables-nft -t raw -A CTFIX-PRE -p tcp --dport 80 -j CT --notrack\n+ ')
    const [opened] = back([table], [`present\n${TABLE.replace('80', '81')}\n`]).blockers
    expect(opened?.message).toContain('+\t\ttcp dport 81 notrack')
    const [chmod] = back([file('a\n', 'b\n')], ['file -rw------- 0:0 -\nb\n']).blockers
    expect(chmod?.code).toBe('changed-since')
  })

  it('refuses what cannot be read back, forced or not', () => {
    for (const look of ['other\n', 'unreadable\n', 'file -rw-r--r-- 0:0 -\na\ufffd', '', 'nonsense']) {
      const plan = back([file('a\n', 'b\n')], [look], true)
      expect(plan.blockers, JSON.stringify(look)).toMatchObject([{ code: 'cannot-be-read', forceable: false }])
      expect(plan.changes).toEqual([])
    }
  })
})

describe('a plan that was written down', () => {
  it('is read back as it was', () => {
    const owned: Change = {
      ...live,
      kind: 'file',
      layer: 'persistent',
      target: '/etc/a/b',
      after: { content: '', mode: '0644', owner: '0:0', label: null, ownDirectory: true },
    }
    const changes = [value('0', '1'), rule, module, file('', null), owned, chain, table, nftRule, entries]
    const { evidence: _, ...plan }: Plan = { ...empty, changes }
    expect(planSchema.parse(JSON.parse(JSON.stringify(plan)))).toEqual(plan)
  })

  it('is believed nothing that could leave its place', () => {
    const { kind, layer, before, after, why } = file(null, 'x')
    for (const change of [
      { kind, layer, before, after, why, target: 'relative' },
      { ...module, target: '../../etc/passwd' },
      { ...table, target: 'nft table inet filter' },
      { ...chain, after: { ...chainState, table: 'raw\n*nat' } },
      { ...chain, after: { ...chainState, rules: [['-j', 'ACCEPT\n-F INPUT']] } },
      { ...nftRule, after: { ...nftRuleState, text: 'accept\nflush ruleset' } },
      { ...entries, after: { count: 1, selectors: [] } },
      { ...file(null, null), after: { content: 'x', mode: '0644; reboot', owner: '0:0', label: null } },
    ]) {
      expect(planSchema.safeParse({ ...empty, changes: [change] }).success, JSON.stringify(change)).toBe(false)
    }
  })
})

describe('a refusal of modules', () => {
  const REFUSAL = '# Written by ctfix.\ninstall nf_conntrack /bin/false\nblacklist nf_conntrack\n'
  const target = '/etc/modprobe.d/00-ctfix-blacklist.conf'
  const refusal: Change = { ...file(null, REFUSAL), target } as Change
  const out: Change = { ...module, before: 'loaded', after: null }
  const stop = stopService('iptables')
  const shown = `file -rw-r--r-- 0:0 -\n${REFUSAL}`
  const plan = back([rule, stop, out, refusal], [shown, 'absent\n', 'stopped\n', 'present 1\n'])
  const body = (script: string, name: string): string[] => {
    const from = script.indexOf(`do_${name}() {`)
    return script.slice(from, script.indexOf('\n}\n', from)).split('\n').slice(2)
  }
  const { apply, undo } = compile(plan, '')

  it('is lifted before modules, services and rules that load modules come back', () => {
    expect(plan.changes.map(({ kind }) => kind)).toEqual(['file', 'module', 'service', 'rule'])
    const steps = body(apply, 'change').map(line => line.replace('  still "$1" armed && ', '').split(' ', 2).join(' '))
    expect(steps).toEqual([
      ': ||',
      'rm -f',
      `settle_file ${target}`,
      'load_module nf_conntrack',
      'start_service iptables',
      'take_rule iptables-legacy',
    ])
    expect(body(apply, 'files').join('\n')).toContain(`rm -f ${target}`)
  })

  it('and is in force again last when that is taken back', () => {
    const steps = body(undo, 'undo').flatMap(line => /^ {2}([a-z]+_[a-z]+) /.exec(line)?.[1] ?? [])
    expect(steps).toEqual(['put_rule', 'stop_service', 'unload_module', 'restore_gone'])
  })

  it('any other change of a file waits for the confirmation', () => {
    const lines = (text: string): FileState => ({ content: text, mode: '0644', owner: '0:0', label: null })
    const change = (before: string | null, after: string | null, path = target): Change => ({
      ...{ kind: 'file', layer: 'persistent', target: path, why: 'w' },
      before: before === null ? null : lines(before),
      after: after === null ? null : lines(after),
    })
    const lifts = (one: Change): boolean => one.kind === 'file' && liftsRefusal(one)
    const own = 'alias eth0 e1000\n'
    expect(lifts(change(own + REFUSAL, own, '/etc/modprobe.conf'))).toBe(true)
    expect(lifts(change(REFUSAL, null))).toBe(true)
    expect(lifts(change(null, REFUSAL))).toBe(false)
    expect(lifts(change(REFUSAL, `${REFUSAL}options a b=1\n`))).toBe(false)
    expect(lifts(change(`${REFUSAL}options a b=1\n`, null))).toBe(false)
    expect(lifts(change('options a b=1\n', null))).toBe(false)
    expect(lifts(change(REFUSAL, null, '/etc/a'))).toBe(false)
  })
})
