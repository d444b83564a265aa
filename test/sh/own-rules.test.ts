/** Chains, tables and rules of ours by the real tools, in a network of its own, under every shell: they come and go. */
import { rmSync } from 'node:fs'
import { describe, expect } from 'vitest'
import type { Change } from '../../src/change/change.ts'
import { applyScript, expectScript, lookScript, undoScript } from '../../src/change/kinds.ts'
import { canonicalNft, chainTarget } from '../../src/firewall/own.ts'
import { type Script, sh } from '../../src/lang/sh.ts'
import { REMOTE } from '../../src/run/codes.ts'
import { guardedHost } from '../support/guarded-host.ts'
import { parseLook } from '../support/looks.ts'
import type { OwnNetwork } from '../support/own-network.ts'
import {
  CHAIN,
  chain,
  ENTRIES,
  ENTRY,
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

describe.each(SHELLS)('own rules under %s', (_name, shell) => {
  ownRulesSuite('by the real tools', it => {
    const run = (net: OwnNetwork, ...scripts: readonly Script[]): Run => runIn(net, shell, ...scripts)
    const look = (net: OwnNetwork, change: Change): unknown => parseLook(change, run(net, lookScript(change)).stdout)
    const DONE = { exitCode: 0, stderr: '' }

    it('a plan with all of them is applied, confirmed and taken back to the byte', net => {
      using host = guardedHost([...net.enter, ...shell])
      // Its stub, in front of the real one.
      rmSync(host.at('bin/nft'))
      const chains = [chain({}), chain({ family: 6 }), chain({ backend: 'iptables-nft' })]
      const changes = [
        ...chains.flatMap(change => [change, ...(change.after ? [jump(change.after)] : [])]),
        table(TABLE),
        nftRule(),
        ENTRIES,
      ]
      net.print(`${ENTRY} 80 --state ESTABLISHED -t 100; ${ENTRY} 22 --state ESTABLISHED -t 100`)
      const before = net.print(RULES)
      expect(host.stage('RUN', changes)).toMatchObject({ exitCode: REMOTE.ok })
      const live = net.print(RULES)
      expect(live).not.toBe(before)
      expect(net.print('conntrack -C')).toBe('2\n')
      expect(host.keep('RUN')).toBe(REMOTE.ok)
      expect(net.print(RULES)).toBe(live)
      // Ours are gone, others are not.
      expect(net.print('conntrack -L 2>/dev/null')).toMatch(/^.* dport=22 .*\n$/)
      expect(host.revert('RUN')).toMatchObject({ exitCode: REMOTE.ok })
      expect(net.print(RULES)).toBe(before)
    })

    it('a plan of entries alone ends well, whether there are any or not', net => {
      using host = guardedHost([...net.enter, ...shell])
      net.print(`${ENTRY} 80 --state ESTABLISHED -t 100`)
      for (const name of ['ONE', 'TWO']) {
        expect(host.stage(name, [ENTRIES]).exitCode).toBe(REMOTE.ok)
        expect(host.keep(name)).toBe(REMOTE.ok)
        expect(host.state(name)).toBe('kept')
        expect(net.print('conntrack -C')).toBe('0\n')
      }
      expect(host.revert('TWO').exitCode).toBe(REMOTE.ok)
    })

    for (const state of [CHAIN, { ...CHAIN, family: 6 }, { ...CHAIN, backend: 'iptables-nft' }] as const)
      it(`a chain comes, changes and goes: ${chainTarget(state)}`, net => {
        const before = net.print(RULES)
        const come = chain(state)
        const other = chain({ ...state, rules: state.rules.slice(1) }, state)
        expect(look(net, come)).toEqual({ state: null })
        expect(run(net, expectScript(come), applyScript(come), applyScript(come))).toMatchObject(DONE)
        expect(look(net, come)).toMatchObject({
          state: { chain: 'CTFIX-PRE', rules: [state.rules[0], expect.anything()] },
        })
        expect(run(net, expectScript(come)).stderr).toContain('is there now')
        expect(run(net, expectScript(other), applyScript(other), expectScript(gone(other)))).toMatchObject(DONE)
        expect(run(net, expectScript(other)).stderr).toContain('is not what the plan was made on')
        expect(run(net, undoScript(other), undoScript(other), expectScript(gone(come)))).toMatchObject(DONE)
        expect(run(net, undoScript(come), undoScript(come))).toMatchObject(DONE)
        expect(net.print(RULES)).toBe(before)
        const leave = gone(come)
        expect(run(net, applyScript(come), applyScript(leave), applyScript(leave))).toMatchObject(DONE)
        expect(run(net, undoScript(leave), undoScript(leave), expectScript(leave))).toMatchObject(DONE)
      })

    it('the table comes, changes and goes, in one transaction', net => {
      const before = net.print(RULES)
      const come = table(TABLE)
      const other = table(TABLE.replace('80, 443', '22, 53'), TABLE)
      expect(look(net, come)).toEqual({ state: null })
      expect(run(net, expectScript(come), applyScript(come), applyScript(come))).toMatchObject(DONE)
      expect(look(net, come)).toEqual({ state: { text: TABLE, json: null } })
      expect(run(net, expectScript(come)).stderr).toContain('is there now')
      expect(run(net, expectScript(other), applyScript(other))).toMatchObject(DONE)
      expect(run(net, expectScript(other)).stderr).toContain('is not what the plan was made on')
      const bad = table(TABLE.replace('counter', 'nonsense'), TABLE)
      const after = net.print(RULES)
      expect(run(net, applyScript(bad))).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('syntax error') })
      expect(net.print(RULES)).toBe(after)
      expect(run(net, undoScript(other), undoScript(other), expectScript(gone(come)))).toMatchObject(DONE)
      expect(run(net, undoScript(come), undoScript(come))).toMatchObject(DONE)
      expect(net.print(RULES)).toBe(before)
    })

    const places = [
      { position: 1, at: 1 },
      { position: 99, at: 6 },
      { position: null, at: 6 },
      { position: 1, at: 1, chain: 'empty' },
    ]
    it("a rule in somebody else's chain comes and goes, wherever it stands", net => {
      for (const { at, ...parts } of places) {
        const before = net.print(RULES)
        const change = nftRule(parts)
        expect(look(net, change)).toEqual({ state: null })
        expect(run(net, expectScript(change), applyScript(change), applyScript(change))).toMatchObject(DONE)
        expect(look(net, change)).toEqual({ state: { ...change.after, position: at } })
        expect(run(net, expectScript(change)).stderr).toContain('is in inet theirs')
        expect(run(net, expectScript(gone(change)), undoScript(change), undoScript(change))).toMatchObject(DONE)
        expect(net.print(RULES)).toBe(before)
      }
    })

    it("a rule of somebody else's chain goes and comes back to its place", net => {
      const before = net.print(RULES)
      const change = gone(nftRule({ position: 4, text: 'tcp dport @ports counter accept comment "a { # handle 9"' }))
      expect(run(net, expectScript(change), applyScript(change), applyScript(change))).toMatchObject(DONE)
      expect(run(net, expectScript(change)).stderr).toContain('no longer in inet theirs input')
      expect(run(net, undoScript(change), undoScript(change))).toMatchObject(DONE)
      expect(net.print(RULES)).toBe(before)
    })

    it('nft prints the same to both of us', net => {
      net.print(`nft -f - <<'END'\n${TABLE.replace('iif "lo"', 'iif lo oifname "lo" counter')}\nEND\n`)
      for (const list of ['-s list table inet ctfix', 'list table inet ctfix', '-s list table inet theirs']) {
        const text = net.print(`nft ${list}`)
        expect(run(net, sh`canonical_nft ${text}`).stdout.trim()).toBe(canonicalNft(text))
      }
    })
  })
})
