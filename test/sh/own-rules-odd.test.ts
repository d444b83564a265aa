/** Own rules by the real tools where something is odd: nothing of somebody else's goes, nothing half done stays. */
import { rmSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect } from 'vitest'
import type { Change } from '../../src/change/change.ts'
import { applyScript, expectScript, lookScript, undoScript } from '../../src/change/kinds.ts'
import { canonicalNft } from '../../src/firewall/own.ts'
import { splitWords } from '../../src/firewall/words.ts'
import { quote, type Script } from '../../src/lang/sh.ts'
import { REMOTE } from '../../src/run/codes.ts'
import { changeLibrary } from '../../src/run/tools.ts'
import { guardedHost } from '../support/guarded-host.ts'
import { parseLook } from '../support/looks.ts'
import type { OwnNetwork } from '../support/own-network.ts'
import {
  CHAIN,
  chain,
  ENTRIES,
  gone,
  jump,
  nftRule,
  ownRulesSuite,
  RULES,
  runIn,
  TABLE,
  table,
} from '../support/own-rules.ts'
import { type Run, SHELLS } from '../support/shells.ts'

describe.each(SHELLS)('odd own rules under %s', (_name, shell) => {
  ownRulesSuite('by the real tools', it => {
    const run = (net: OwnNetwork, ...scripts: readonly Script[]): Run => runIn(net, shell, ...scripts)
    const look = (net: OwnNetwork, change: Change): unknown => parseLook(change, run(net, lookScript(change)).stdout)
    const DONE = { exitCode: 0, stderr: '' }

    it('an empty chain is not an absent one, and a rule without words is one', net => {
      const empty = chain({ rules: [] })
      expect(run(net, applyScript(empty), expectScript(gone(empty)))).toMatchObject(DONE)
      expect(look(net, empty)).toMatchObject({ state: { rules: [] } })
      net.print('iptables-legacy -t raw -A CTFIX-PRE')
      expect(look(net, empty)).toMatchObject({ state: { rules: [[]] } })
      expect(run(net, expectScript(gone(empty))).exitCode).toBe(1)
      expect(
        run(net, expectScript(chain(null, { rules: [[]] })), applyScript(chain(null, { rules: [[]] }))),
      ).toMatchObject(DONE)
      expect(run(net, expectScript(empty))).toMatchObject(DONE)
    })

    it('a chain that somebody else changed since, or jumps to, stays whole', net => {
      const come = chain({})
      const other = chain({ rules: [] }, CHAIN)
      const [backwards, sideways, leave] = [undoScript(come), undoScript(other), applyScript(gone(come))]
      expect(run(net, applyScript(come))).toMatchObject(DONE)
      net.print('iptables-legacy -t raw -A CTFIX-PRE -s 192.0.2.1 -j ACCEPT')
      const theirs = net.print(RULES)
      for (const script of [backwards, sideways, leave, undoScript(gone(chain({ rules: [] })))]) {
        expect(run(net, script)).toMatchObject({
          exitCode: 1,
          stderr: expect.stringContaining('changed by somebody else'),
        })
      }
      net.print('iptables-legacy -t raw -D CTFIX-PRE 3; iptables-legacy -t raw -A OUTPUT -j CTFIX-PRE')
      const jumped = net.print(RULES)
      expect(run(net, backwards)).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('still jumped to') })
      expect(net.print(RULES)).toBe(jumped)
      expect(theirs).not.toBe(jumped)
    })

    it('a chain is loaded whole or not at all, and none stays that reads otherwise than it was written', net => {
      const bad = chain({ rules: [...CHAIN.rules, ['-j', 'NONSENSE', '--x']] })
      const odd = chain({ rules: [['-p', '6', '-j', 'ACCEPT']] })
      for (const was of [null, chain({})]) {
        if (was) expect(run(net, applyScript(was))).toMatchObject(DONE)
        const before = net.print(RULES)
        expect(run(net, applyScript(bad))).toMatchObject({
          exitCode: 1,
          stderr: expect.stringContaining('cannot load chain'),
        })
        expect(net.print(RULES)).toBe(before)
        // A number is printed by its name.
        expect(run(net, applyScript(odd))).toMatchObject({
          exitCode: 1,
          stderr: expect.stringContaining('reads otherwise'),
        })
        expect(net.print(RULES)).toBe(before)
      }
    })

    it('a rule that is there twice, reads otherwise or has no place to go changes nothing', net => {
      const change = nftRule()
      expect(run(net, applyScript(change))).toMatchObject(DONE)
      net.print(`nft add rule inet theirs input 'tcp dport { 80, 443 } accept comment "ctfix"'`)
      const twice = net.print(RULES)
      expect(run(net, undoScript(change))).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('once more') })
      for (const [parts, why] of [
        [{ text: 'meta l4proto tcp tcp dport 80 accept' }, 'it is out again'],
        [{ text: 'meta l4proto tcp tcp dport 80 accept', position: null }, 'it is out again'],
        [{ text: 'nonsense' }, 'cannot add a rule to inet theirs input'],
        [{ chain: 'nowhere' }, 'No such file'],
        [{ table: 'nowhere' }, 'No such file'],
      ] as const) {
        expect(run(net, applyScript(nftRule(parts)))).toMatchObject({
          exitCode: 1,
          stderr: expect.stringContaining(why),
        })
        expect(net.print(RULES)).toBe(twice)
      }
      expect(look(net, nftRule({ table: 'nowhere' }))).toEqual({ state: null })
    })

    it('a rule is known in whatever way this nft prints its flags', net => {
      const text = 'tcp dport 32768-60999 tcp flags & (syn | rst | ack) != syn counter accept comment "ctfix"'
      const change = nftRule({ text })
      expect(run(net, applyScript(change), applyScript(change), expectScript(gone(change)))).toMatchObject(DONE)
      expect(run(net, undoScript(change), expectScript(change))).toMatchObject(DONE)
    })

    it('the host and the plan take the same texts of nft for the same', net => {
      const texts = [
        ...['tcp flags != syn / syn,rst,ack drop', 'tcp flags & (syn | rst | ack) != syn drop'],
        ...['counter packets 12 bytes 3456 accept', 'counter packets 1 bytes 2', 'counter accept # handle 17'],
        ...['type filter hook input priority raw; policy drop;', 'type filter hook input priority filter + 10;'],
        ...[
          'priority rawer; priority -300',
          'iif lo accept',
          'iif "lo" accept',
          'oifname lo drop',
          'iifname "lo0" drop',
        ],
        ...['chain c {\n\t\tiif lo accept # handle 4\n\n  }\n', TABLE, '  a   b '],
      ]
      const program = texts.map(text => `canonical_nft ${quote(text)}; echo '|'`).join('\n')
      const { stdout } = net.run(shell, `${changeLibrary()}\n${program}\n`)
      const found = stdout.split('|\n').slice(0, -1)
      expect(found.map(text => text.trim())).toEqual(texts.map(canonicalNft))
      expect(found[0]).toBe(found[1])
    })

    it('what the tools cannot list is not taken for absent', net => {
      const broken = (tool: string, ...scripts: readonly Script[]): Run => {
        const body = scripts.map(({ text }) => `${text}\n`).join('')
        const program = `${changeLibrary()}\nPATH=/nowhere:$PATH\n${tool}() { echo broken >&2; return 1; }\n${body}`
        return net.run(shell, program)
      }
      for (const change of [table(TABLE), nftRule()]) {
        expect(parseLook(change, broken('nft', lookScript(change)).stdout)).toEqual({ refused: 'it could not be read' })
        for (const script of [expectScript(change), applyScript(change), undoScript(change)]) {
          expect(broken('nft', script)).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('ctfix: cannot') })
        }
      }
    })
  })
})

ownRulesSuite('any plan of own rules, by the real tools', it => {
  const [[, dash] = ['', []]] = SHELLS
  const port = fc.integer({ min: 1, max: 65_535 })
  const ownChain = fc.record({
    backend: fc.constantFrom('iptables-legacy' as const, 'iptables-nft' as const),
    family: fc.constantFrom(4 as const, 6 as const),
    chain: fc.constantFrom('CTFIX-PRE', 'CTFIX-OUT'),
    ports: fc.array(port, { maxLength: 3 }),
    jump: fc.boolean(),
  })
  const wishes = fc.record({
    chains: fc.uniqueArray(ownChain, { maxLength: 3, selector: each => `${each.backend}${each.family}${each.chain}` }),
    table: fc.option(fc.uniqueArray(port, { minLength: 1, maxLength: 5 })),
    rules: fc.uniqueArray(fc.record({ port, position: fc.option(fc.integer({ min: 1, max: 9 })) }), {
      maxLength: 3,
      selector: each => each.port,
    }),
  })
  const notrack = (each: number) => splitWords(`-p tcp -m tcp --dport ${each} -j CT --notrack`)
  const tableOf = (ports: readonly number[]): string =>
    TABLE.replace('80, 443', ports.toSorted((a, b) => a - b).join(', '))

  it('is taken back to the byte', net => {
    // The tables that iptables-nft makes stay, as they do on any host.
    net.print('iptables-nft -t raw -S; ip6tables-nft -t raw -S; ip6tables-nft -t raw -A PREROUTING -j ACCEPT')
    fc.assert(
      fc.property(wishes, fc.option(fc.uniqueArray(port, { minLength: 1 })), (wanted, earlier) => {
        using host = guardedHost([...net.enter, ...dash])
        rmSync(host.at('bin/nft'))
        const first = earlier && tableOf(earlier)
        net.print(`nft -f - <<'END'\nadd table inet ctfix\ndelete table inet ctfix\n${first ?? ''}\nEND\n`)
        const before = net.print(RULES)
        const changes: Change[] = [
          ...wanted.chains.flatMap(({ ports, jump: jumps, ...parts }) => {
            const change = chain({ ...parts, rules: ports.map(notrack) })
            return change.after && jumps ? [change, jump(change.after)] : [change]
          }),
          ...(wanted.table || first ? [table(wanted.table && tableOf(wanted.table), first)] : []),
          ...wanted.rules.map(({ port: each, position }) =>
            nftRule({ position, text: `udp dport ${each} accept comment "ctfix"` }),
          ),
          ENTRIES,
        ]
        expect(host.stage('RUN', changes), JSON.stringify(changes)).toMatchObject({ exitCode: REMOTE.ok })
        expect(host.keep('RUN')).toBe(REMOTE.ok)
        expect(host.revert('RUN')).toMatchObject({ exitCode: REMOTE.ok })
        expect(net.print(RULES)).toBe(before)
      }),
      { numRuns: 8 },
    )
  })
})
