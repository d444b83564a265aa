/** Saved rules that are not the live ones: what is written beside them is decided on them. */
import { describe, expect, it } from 'vitest'
import type { Family } from '../../../../src/firewall/address.ts'
import { readRuleset } from '../../../../src/firewall/read.ts'
import type { Ruleset } from '../../../../src/firewall/ruleset.ts'
import type { Decision } from '../../../../src/strategy/notrack/decide.ts'
import { piecesOf } from '../../../../src/strategy/notrack/live-iptables.ts'
import { savedPieces } from '../../../../src/strategy/notrack/saved-rules.ts'
import { file, makeFacts } from '../../../support/facts.ts'
import { DEBIAN, filter, raw, rulesetOf } from '../../firewall/samples.ts'

const HOME = { by: 'iptables', backend: 'iptables-legacy', keeper: 'saved-debian' } as const
const WAY = { protocol: 'tcp', toPorts: [{ from: 80, to: 80 }] } as const
const RAW = { pre: [{ ...WAY, does: 'notrack' }], out: [], acceptIn: [], acceptOut: [] } as const
const blocker = (message: string) => ({ code: 'cuts-off-service', message, forceable: true })

/** Rules about states need an accept. */
function decideOn(now: Ruleset): Decision {
  const asks = JSON.stringify([...(now.tables.find(({ name }) => name === 'filter')?.chains ?? [])]).includes('"state"')
  const rules = asks ? { ...RAW, acceptIn: [{ ...WAY, does: 'accept' as const }] } : RAW
  return { rules, blockers: asks ? [blocker('strict')] : [] }
}

function planned(live: string, saved: string | null, home: Parameters<typeof savedPieces>[1] = HOME) {
  const files = saved === null ? [] : [file('/etc/iptables/rules.v4', saved)]
  const facts = makeFacts({ files, ruleset: rulesetOf(live) })
  const stripped = readRuleset(rulesetOf(live))
  const decisions = new Map<Family, Decision>([[4, decideOn(stripped)]])
  const pieces = piecesOf(decideOn(stripped).rules, HOME, { family: 4, stateMatch: 'conntrack' }, stripped)
  const asked: Ruleset[] = []
  const found = savedPieces(facts, home, { stripped, pieces, decisions }, now => {
    asked.push(now)
    return decideOn(now)
  })
  const tables = found.pieces.filter(({ state }) => state.rules.length > 0).map(({ state }) => state.table)
  return { tables, blockers: found.blockers, asked, isLive: found.pieces.every(piece => pieces.includes(piece)) }
}

describe('rules that are saved', () => {
  const OPEN = filter('ACCEPT')
  it('stricter than the live ones get the accepts that they need', () => {
    const { tables, blockers } = planned(OPEN, DEBIAN)
    expect(tables).toEqual(['filter', 'raw'])
    const message = 'by the rules in /etc/iptables/rules.v4: strict'
    expect(blockers).toEqual([{ code: 'saved-differs', message, forceable: true }])
  })

  it('that ask for no states get none', () => {
    const saved = filter('ACCEPT', 'INPUT -p tcp -m tcp --dport 25 -j DROP')
    expect(planned(DEBIAN, saved)).toMatchObject({ tables: ['raw'], blockers: [] })
  })

  it('replace the tables that they name, and leave the others to who made them', () => {
    const docker = raw('PREROUTING -d 172.17.0.2/32 -j DROP')
    const [boot] = planned(docker + OPEN, DEBIAN).asked
    expect(
      boot?.tables.map(({ name, chains }) => [name, [...chains.values()].flatMap(({ rules }) => rules).length]),
    ).toEqual([
      ['filter', 5],
      ['raw', 1],
    ])
    expect(planned(docker + DEBIAN, docker)).toMatchObject({ tables: ['filter', 'raw'], asked: [] })
  })

  it('are those that are live where only ours, counters or the order of chains are different', () => {
    const counted = DEBIAN.replaceAll('-A INPUT', '[3:180] -A INPUT').replace(
      'COMMIT',
      ':CTFIX-IN - [0:0]\n-A INPUT -j CTFIX-IN\nCOMMIT',
    )
    const lines = DEBIAN.split('\n')
    const turned = [lines[0], ...lines.slice(1, 4).toReversed(), ':EMPTY - [0:0]', ...lines.slice(4)].join('\n')
    // What is left of a table that we made.
    for (const saved of [DEBIAN, counted, turned, OPEN, '', null]) {
      expect(planned(DEBIAN, saved)).toMatchObject({ asked: [], isLive: true, blockers: [] })
    }
    expect(planned(OPEN, DEBIAN, { ...HOME, keeper: 'own' })).toMatchObject({ asked: [], isLive: true, blockers: [] })
  })
})
