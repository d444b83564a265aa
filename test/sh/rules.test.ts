/** Rules and modules are put in, taken out and looked at under every shell, by stub tools that keep what they change. */
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ChainChange, Change, ModuleChange, RuleChange } from '../../src/change/change.ts'
import { applyScript, expectScript, lookScript, undoScript } from '../../src/change/kinds.ts'
import { type ChainState, chainTarget } from '../../src/firewall/own.ts'
import { type RuleState, ruleTarget } from '../../src/firewall/rule-state.ts'
import { canonicalWords, joinWords, splitWords } from '../../src/firewall/words.ts'
import { type Script, sh } from '../../src/lang/sh.ts'
import { SHELLS, type Stage } from '../facts/stage.ts'
import { RULES } from '../lab/simulated/tools.ts'
import { parseLook } from '../support/looks.ts'
import { stageOfRules } from '../support/rules-stage.ts'
import { hastyLibrary } from '../support/shells.ts'

const SAVED = `*raw
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:OURS.x - [0:0]
-A PREROUTING -p tcp -m tcp --dport 1 -j ACCEPT
-A PREROUTING -j OURS.x
-A OURS.x -p udp -m udp --dport 53 -j CT --notrack
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -s 10.0.0.1/32 -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -m comment --comment "it's \\"the\\" *door \\\\ $HOME" -j ACCEPT
-A INPUT -s 10.0.0.1/32 -j ACCEPT
-A INPUT -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j DROP
-A INPUT -s 10.0.0.1/32 -j ACCEPT
-A OUTPUT -j ACCEPT
COMMIT
`

function rule(chain: string, spec: string, parts: Partial<RuleState> = {}): RuleState {
  const table = chain === 'PREROUTING' || chain === 'OURS.x' ? 'raw' : 'filter'
  return { backend: 'iptables-legacy', family: 4, table, chain, position: null, spec: splitWords(spec), ...parts }
}

const about = (state: RuleState) => ({ kind: 'rule', layer: 'runtime', target: ruleTarget(state), why: 'w' }) as const
const add = (state: RuleState): RuleChange => ({ ...about(state), before: null, after: state })
const remove = (state: RuleState): RuleChange => ({ ...about(state), before: state, after: null })

function chain(...rules: readonly string[]): ChainChange {
  const after: ChainState = {
    backend: 'iptables-legacy',
    family: 4,
    table: 'raw',
    chain: 'CTFIX-PRE',
    rules: rules.map(splitWords),
  }
  return { kind: 'chain', layer: 'runtime', target: chainTarget(after), before: null, after, why: 'w' }
}

function load(target: string): ModuleChange {
  return { kind: 'module', layer: 'runtime', target, before: null, after: 'loaded', why: 'w' }
}
const unload = (target: string): ModuleChange => ({ ...load(target), before: 'loaded', after: null })

describe.each(SHELLS)('rules.sh under %s', shell => {
  let stage: Stage

  beforeEach(() => {
    stage = stageOfRules(shell, SAVED)
  })
  afterEach(() => stage[Symbol.dispose]())

  const read = (path: string): string => readFileSync(stage.path(path), 'utf8')
  const rules = (): string[] =>
    read(RULES[4])
      .split('\n')
      .filter(line => line.startsWith('-A'))
  function run(...scripts: readonly Script[]): { status: number | null; stdout: string; stderr: string } {
    const body = scripts.map(({ text }) => `  ${text} || return 1`).join('\n')
    return stage.run(`${hastyLibrary()}\nmain() {\n${body}\n}\nmain </dev/null\n`)
  }
  const look = (change: Change): unknown => parseLook(change, run(lookScript(change)).stdout)

  it('adds a rule at its place, once, and takes it back to the byte', () => {
    const change = add(rule('PREROUTING', '-p tcp -m tcp --dport 80 -j CT --notrack', { position: 1 }))
    expect(look(change)).toEqual({ state: null })
    expect(run(expectScript(change), applyScript(change), applyScript(change))).toMatchObject({ status: 0, stderr: '' })
    expect(rules()[0]).toBe('-A PREROUTING -p tcp -m tcp --dport 80 -j CT --notrack')
    expect(rules().filter(line => line.includes('--dport 80'))).toHaveLength(1)
    expect(look(change)).toEqual({ state: { ...change.after, position: 1 } })
    expect(run(expectScript(change)).status).toBe(1)
    expect(run(undoScript(change), undoScript(change)).status).toBe(0)
    expect(read(RULES[4])).toBe(SAVED)
  })

  it('adds at the end of the chain, not of the table', () => {
    expect(run(applyScript(add(rule('PREROUTING', '-p icmp -m icmp --icmp-type 3/4 -j ACCEPT')))).status).toBe(0)
    expect(rules()[2]).toBe('-A PREROUTING -p icmp -m icmp --icmp-type 3/4 -j ACCEPT')
  })

  it('takes a rule out, whatever its comment says, and puts it back where it was', () => {
    const line = rules()[5] ?? ''
    const change = remove(rule('INPUT', line.slice('-A INPUT '.length), { position: 3 }))
    expect(look(change)).toMatchObject({ state: { position: 3 } })
    expect(run(expectScript(change), applyScript(change), applyScript(change))).toMatchObject({ status: 0, stderr: '' })
    expect(rules()).not.toContain(line)
    expect(run(undoScript(change), undoScript(change)).status).toBe(0)
    expect(read(RULES[4])).toBe(SAVED)
  })

  it('tells equal rules apart', () => {
    const changes = [3, 2, 1].map(copy => remove(rule('INPUT', '-s 10.0.0.1 -j ACCEPT', { copy, position: copy * 2 })))
    for (const change of changes) expect(run(expectScript(change)).status).toBe(0)
    expect(run(...changes.map(applyScript)).status).toBe(0)
    expect(rules().filter(text => text.includes('10.0.0.1'))).toEqual([])
    expect(run(...changes.toReversed().map(undoScript)).status).toBe(0)
    expect(read(RULES[4])).toBe(SAVED)
  })

  it('knows a rule in another spelling', () => {
    const change = add(rule('OURS.x', '-p udp --dport 53 -j NOTRACK'))
    expect(look(change)).toMatchObject({ state: { position: 1 } })
    expect(look(add(rule('INPUT', '-p tcp --syn -j DROP')))).toMatchObject({ state: { position: 5 } })
    expect(run(expectScript(change))).toMatchObject({ status: 1 })
  })

  it('refuses a plan whose rule is gone', () => {
    const { status, stderr } = run(expectScript(remove(rule('INPUT', '-s 10.0.0.9/32 -j ACCEPT'))))
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: 'ctfix: a rule is no longer in filter INPUT, and the plan was made with it\n',
    })
  })

  it('loads no table by looking, and says what it cannot list', () => {
    const change = add(rule('PREROUTING', '-j ACCEPT', { table: 'nat' }))
    expect(look(change)).toEqual({ state: null })
    expect(run(expectScript(change)).status).toBe(0)
    expect(read('/proc/net/ip_tables_names')).toBe('raw\nfilter\n')
    stage.write('/usr/sbin/iptables-legacy-save', '#!/bin/sh\nexit 1\n', 0o755)
    expect(look(change)).toEqual({ refused: 'it could not be read' })
    expect(run(expectScript(change)).status).toBe(1)
    expect(run(applyScript(change)).status).toBe(1)
  })

  it('leaves no rule that reads otherwise than it was written', () => {
    // As a version would that prints states in an order of its own.
    stage.write('/usr/sbin/iptables-legacy-save', `#!/bin/sh\nsed s/NEW,RELATED/RELATED,NEW/ ${RULES[4]}\n`, 0o755)
    const change = add(rule('INPUT', '-m conntrack --ctstate NEW,RELATED -j ACCEPT'))
    const { status, stderr } = run(applyScript(change))
    expect(status).toBe(1)
    expect(stderr).toContain('reads otherwise')
    expect(read(RULES[4])).toBe(SAVED)
  })

  it('fails where there is no such chain, and when a tool knows no lock it goes without', () => {
    expect(run(applyScript(add(rule('NOWHERE', '-j ACCEPT')))).status).toBe(1)
    const tool = read('/usr/sbin/iptables-legacy').replace('--wait', '--old').replace('-w) shift ;;', '')
    stage.write('/usr/sbin/iptables-legacy', tool, 0o755)
    expect(run(applyScript(add(rule('INPUT', '-j ACCEPT')))).status).toBe(0)
    expect(read(RULES[4])).toBe(SAVED.replace('-A OUTPUT', '-A INPUT -j ACCEPT\n-A OUTPUT'))
  })

  it('works on IPv6 by its own tool', () => {
    const change = add(rule('PREROUTING', '-s fe80::1 -j DROP', { family: 6, position: 1 }))
    expect(run(applyScript(change)).status).toBe(0)
    expect(read(RULES[6])).toContain('-A PREROUTING -s fe80::1/128 -j DROP')
    expect(read(RULES[4])).toBe(SAVED)
    expect(look(change)).toMatchObject({ state: { position: 1 } })
  })

  it('loads a chain of ours and takes it out, also by tools that know neither a lock nor CT', () => {
    const restore = read('/usr/sbin/iptables-legacy-restore')
    const old = restore
      .replace('--wait', '--old')
      .replace('-w -n', '-n')
      .replace('cat >', "sed '/-j CT/s/.*/-A NONSENSE/' >")
    for (const tool of [restore, old]) {
      stage.write('/usr/sbin/iptables-legacy-restore', tool, 0o755)
      const change = chain('-p tcp -m tcp --dport 80 -j CT --notrack', '-p tcp -m tcp --dport 443 -j CT --notrack')
      expect(look(change)).toEqual({ state: null })
      expect(run(expectScript(change), applyScript(change), applyScript(change))).toMatchObject({
        status: 0,
        stderr: '',
      })
      expect(look(change)).toMatchObject({ state: { rules: [expect.anything(), expect.anything()] } })
      expect(read(RULES[4]).includes('NOTRACK')).toBe(tool === old)
      expect(run(expectScript({ ...change, before: change.after, after: null })).status).toBe(0)
      expect(run(undoScript(change), undoScript(change)).status).toBe(0)
      expect(read(RULES[4])).toBe(SAVED)
    }
    expect(run(applyScript(chain('-j NONSENSE'))).stderr).toContain('cannot load chain CTFIX-PRE of raw')
  })

  it('loads and unloads modules, never one that is in use', () => {
    const modules = read('/proc/modules')
    expect(look(unload('xt_conntrack'))).toEqual({ state: 'loaded' })
    expect(run(applyScript(unload('xt_conntrack')))).toMatchObject({ status: 1 })
    stage.write('/proc/modules', modules.replace('xt_conntrack 16384 3', 'xt_conntrack 16384 0'))
    const before = read('/proc/modules')
    const change = unload('xt-conntrack')
    expect(run(expectScript(change), applyScript(change), applyScript(change)).status).toBe(0)
    expect(look(change)).toEqual({ state: null })
    expect(read('/proc/modules')).toContain('nf_conntrack 188416 1 nf_conntrack_netlink, Live')
    expect(run(undoScript(change), undoScript(change)).status).toBe(0)
    expect(read('/proc/modules')).toBe(before)
    expect(run(expectScript(load('xt_conntrack'))).status).toBe(1)
    expect(run(applyScript(load('xt_CT')), expectScript(unload('xt_CT'))).status).toBe(0)
  })

  it('says when a module may not be loaded', () => {
    stage.write('/etc/modprobe.d/block.conf', 'install xt_CT /bin/false\n')
    const { status, stderr } = run(applyScript(load('xt_CT')))
    expect(status).toBe(1)
    expect(stderr).toContain('ctfix: cannot load module xt_CT')
  })

  it('shows values and files in words that a digest can stand on', () => {
    const value: Change = {
      kind: 'kernel-value',
      layer: 'runtime',
      target: 'net.netfilter.nf_conntrack_max',
      before: '1',
      after: '2',
      why: 'w',
    }
    const file = (target: string): Change => ({
      kind: 'file',
      layer: 'persistent',
      target,
      before: null,
      after: null,
      why: 'w',
    })
    expect(run(lookScript(value)).stdout).toBe('value 600\n')
    expect(look(value)).toEqual({ state: '600' })
    expect(look({ ...value, target: '/proc/sys/nothing' })).toEqual({ state: null })
    const content = 'a = 1\n\n\\n %s $HOME ä\n\n'
    stage.write('/etc/own file.conf', content, 0o640)
    expect(run(lookScript(file('/etc/own file.conf'))).stdout).toBe(`file -rw-r----- 0:0 -\n${content}`)
    expect(look(file('/etc/own file.conf'))).toEqual({ state: { content, mode: '0640', owner: '0:0', label: null } })
    expect(look(file('/etc/absent.conf'))).toEqual({ state: null })
    expect(look(file('/etc'))).toEqual({ refused: 'it is no regular file' })
    expect(look(file('/etc/sysctl.d/99-sysctl.conf'))).toEqual({ refused: 'it is no regular file' })
    stage.write('/etc/binary', Buffer.from([0x61, 0xff, 0x0a]))
    expect(look(file('/etc/binary'))).toEqual({ refused: 'it is not text' })
  })

  it('reads the words of a rule as words.ts does', () => {
    const word = fc.oneof(
      fc.constantFrom(
        '-p',
        '-m',
        '-s',
        '-j',
        '!',
        'tcp',
        'icmp6',
        'ipv6-icmp',
        '--syn',
        'NOTRACK',
        '10.0.0.1',
        '10.0.0.0/255.240.0.0',
        '10.0.0.0/255.0.0.7',
        '10.0.0.0/8',
      ),
      fc.stringMatching(/^[ -~]{1,6}$/).filter(text => text.trim() !== ''),
    )
    const lines = fc.array(fc.array(word, { maxLength: 8 }), { minLength: 40, maxLength: 40 })
    fc.assert(
      fc.property(lines, list => {
        const family = 4
        const program = list.map(words => sh`line_words ${joinWords(words)}; printf '%s|' "$canonical"`.text).join('\n')
        const { stdout } = stage.run(`${hastyLibrary()}\nfamily=4\nset -f\n${program}\n`)
        const expected = list.map(
          words =>
            `${canonicalWords(words, family)
              .map(text => `\n${text}`)
              .join('')}|`,
        )
        expect(stdout).toBe(expected.join(''))
      }),
      { numRuns: 5 },
    )
  })

  it('leaves the same rules after any sequence and its undo', () => {
    const specs = ['-j ACCEPT', '-s 10.0.0.1/32 -j ACCEPT', '-p tcp -m tcp --dport 22 -j DROP']
    const step = fc.record({
      chain: fc.constantFrom('INPUT', 'PREROUTING', 'OURS.x'),
      spec: fc.constantFrom(...specs),
      position: fc.option(fc.integer({ min: 1, max: 9 })),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 5 }), steps => {
        stage.write(RULES[4], SAVED)
        const done: Change[] = []
        for (const { chain, spec, position } of steps) {
          // A plan adds what is absent and takes out what is there, the last of equal ones, at the place it has.
          const here = rules().filter(line => line.startsWith(`-A ${chain} `))
          const equal = here.filter(line => line === `-A ${chain} ${spec}`).length
          const at = here.lastIndexOf(`-A ${chain} ${spec}`)
          const change =
            equal === 0
              ? add(rule(chain, spec, { position }))
              : remove(rule(chain, spec, { copy: equal, position: at + 1 }))
          expect(run(applyScript(change)).status).toBe(0)
          done.unshift(change)
        }
        for (const change of done) expect(run(undoScript(change)).status).toBe(0)
        expect(read(RULES[4])).toBe(SAVED)
      }),
      { numRuns: 6 },
    )
  })
})
