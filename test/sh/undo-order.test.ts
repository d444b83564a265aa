/** The way back under every shell, where the kernel takes back no rule about states: nothing that lets in may go then. */
import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Change, RuleChange } from '../../src/change/change.ts'
import { type RuleState, ruleTarget } from '../../src/firewall/rule-state.ts'
import { splitWords } from '../../src/firewall/words.ts'
import { compile } from '../../src/plan/compile.ts'
import { convertLive } from '../../src/strategy/blacklist/live.ts'
import { SHELLS, type Stage } from '../facts/stage.ts'
import { RULES } from '../lab/simulated/tools.ts'
import { planOf, stopService } from '../support/changes.ts'
import { stageOfRules } from '../support/rules-stage.ts'
import { hastyLibrary } from '../support/shells.ts'

const SAVED = `*filter
:INPUT DROP [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT DROP [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -m state --state NEW -j ACCEPT
-A INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport 80 -m state --state NEW -j ACCEPT
-A OUTPUT -p tcp -m conntrack --ctstate ESTABLISHED -j ACCEPT
COMMIT
`
const SERVICE = stopService('iptables')

function without(spec: string, position: number): RuleChange {
  const before: RuleState = {
    ...{ backend: 'iptables-legacy', family: 4, table: 'filter', chain: 'INPUT', position, spec: splitWords(spec) },
  }
  return { kind: 'rule', layer: 'runtime', target: ruleTarget(before), before, after: null, why: 'w' }
}

describe.each(SHELLS)('the way back under %s', shell => {
  let stage: Stage

  beforeEach(() => {
    stage = stageOfRules(shell, SAVED)
    stage.write('/tmp/run/armed', '')
  })
  afterEach(() => stage[Symbol.dispose]())

  const read = (path: string): string => readFileSync(stage.path(path), 'utf8')
  const input = (): string[] =>
    read(RULES[4])
      .split('\n')
      .filter(line => line.startsWith('-A INPUT'))
  const script = (changes: readonly Change[], verb: 'apply' | 'undo') => {
    const { apply, undo } = compile(planOf(changes), hastyLibrary())
    const words = ['/tmp/run', verb === 'apply' ? 'change' : 'undo']
    return stage.run(verb === 'apply' ? apply : undo, words)
  }
  const tool = '/usr/sbin/iptables-legacy'
  /** The kernel takes no rule of these words any more. */
  const refuse = (pattern: string): (() => void) => {
    const whole = read(tool)
    stage.write(tool, whole.replace('\n', `\ncase "$*" in *-[AI]\\ *${pattern}*) exit 1 ;; esac\n`), 0o755)
    return () => stage.write(tool, whole, 0o755)
  }
  const stateless = (): readonly Change[] => {
    const sources = [{ backend: 'iptables-legacy', family: 4, format: 'save', text: SAVED }] as const
    return convertLive({ sources, complete: true }, { servers: [], passiveFtp: null }).changes
  }

  it('leaves what lets in where a rule does not come back, and ends it once that can', () => {
    const changes = stateless()
    expect(script(changes, 'apply')).toMatchObject({ status: 0, stderr: '' })
    const applied = input()
    expect(applied.join('\n')).not.toContain('state')
    const again = refuse('"--state"')
    for (let times = 0; times < 2; times++) {
      const { status, stderr } = script(changes, 'undo')
      expect(status).toBe(1)
      expect(input()).toEqual(applied)
      // The other chain has nothing to do with it.
      expect(read(RULES[4])).toContain('-A OUTPUT -p tcp -m conntrack --ctstate ESTABLISHED -j ACCEPT')
      expect(stderr).toContain('filter INPUT')
      expect(stderr.split('\n').filter(line => line.includes('shut packets out'))).toHaveLength(1)
    }
    again()
    expect(script(changes, 'undo')).toMatchObject({ status: 0, stderr: '' })
    expect(read(RULES[4])).toBe(SAVED)
  })

  it('puts back what lets in, and nothing that keeps out, where a rule of the same chain does not come back', () => {
    const drop = '-p tcp -m state --state INVALID -j DROP'
    const saved = SAVED.replace('-A OUTPUT', `-A INPUT ${drop}\n-A OUTPUT`)
    stage.write(RULES[4], saved)
    const changes = [
      without(drop, 5),
      without('-s 10.0.0.0/8 -p tcp -m tcp --dport 80 -m state --state NEW -j ACCEPT', 4),
      without('-p tcp -m tcp --dport 22 -m state --state NEW -j ACCEPT', 3),
      without('-m state --state RELATED,ESTABLISHED -j ACCEPT', 2),
    ]
    expect(script(changes, 'apply')).toMatchObject({ status: 0, stderr: '' })
    expect(input()).toEqual(['-A INPUT -i lo -j ACCEPT'])
    const again = refuse('RELATED')
    expect(script(changes, 'undo').status).toBe(1)
    expect(input()).toEqual([
      '-A INPUT -i lo -j ACCEPT',
      '-A INPUT -p tcp -m tcp --dport 22 -m state --state NEW -j ACCEPT',
      '-A INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport 80 -m state --state NEW -j ACCEPT',
    ])
    again()
    expect(script(changes, 'undo')).toMatchObject({ status: 0, stderr: '' })
    expect(read(RULES[4])).toBe(saved)
  })

  it('leaves every chain where a firewall does not start again', () => {
    const changes = [...stateless(), SERVICE]
    stage.write('/etc/init.d/iptables', '#!/bin/sh\nexit 1\n', 0o755)
    expect(script(stateless(), 'apply')).toMatchObject({ status: 0, stderr: '' })
    const applied = read(RULES[4])
    expect(script(changes, 'undo').status).toBe(1)
    expect(read(RULES[4])).toBe(applied)
  })
})
