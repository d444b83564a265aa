/** Whatever a plan or a record says a rule of nft is: by the real tool, under every shell, it is one rule or nothing. */
import { describe, expect } from 'vitest'
import { applyScript, expectScript, lookScript, undoScript } from '../../src/change/kinds.ts'
import { sh } from '../../src/lang/sh.ts'
import { parseLook } from '../support/looks.ts'
import { gone, nftRule, ownRulesSuite, RULES, runIn } from '../support/own-rules.ts'
import { SHELLS } from '../support/shells.ts'

const EVIL = [
  { text: 'tcp dport 80 accept comment "x"; delete table inet theirs; #"' },
  { text: 'tcp dport 80 accept; flush ruleset' },
  { text: 'tcp dport 80 accept\nflush ruleset' },
  { text: 'tcp dport 80 accept comment "x\\' },
  { text: 'tcp dport $ports accept' },
  { table: 'theirs; flush ruleset; add table inet x' },
  { chain: 'input; flush ruleset' },
] as const

describe.each(SHELLS)('text for nft under %s', (_name, shell) => {
  ownRulesSuite('by the real tool', it => {
    it('is never more than a rule', net => {
      const before = net.print(RULES)
      const changes = EVIL.map(nftRule).flatMap(change => [change, gone(change)])
      const scripts = changes.flatMap(change => [expectScript, applyScript, undoScript].map(script => script(change)))
      // All of them fail, and say the same.
      const { exitCode, stderr } = runIn(net, shell, ...scripts.map(script => sh`! ${script}`))
      expect({ exitCode, said: stderr.match(/more than a rule/g)?.length }).toEqual({
        ...{ exitCode: 0, said: scripts.length },
      })
      for (const change of changes.slice(0, 2)) {
        expect(parseLook(change, runIn(net, shell, lookScript(change)).stdout)).toEqual({
          ...{ refused: 'it could not be read' },
        })
      }
      expect(net.print(RULES)).toBe(before)
    })

    it('may say anything between quotes', net => {
      const change = nftRule({ text: 'tcp dport 80 accept comment "a; { # it\'s $HOME"' })
      expect(runIn(net, shell, applyScript(change), expectScript(gone(change)), undoScript(change))).toMatchObject({
        ...{ exitCode: 0, stderr: '' },
      })
    })
  })
})
