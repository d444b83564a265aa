/** A file that boot reads and that does not load takes the whole firewall with it: the tool itself is asked first. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { sh } from '../../src/lang/sh.ts'
import { ownRulesSuite, runIn } from '../support/own-rules.ts'
import { SHELLS } from '../support/shells.ts'

const TABLE = 'flush ruleset\ntable inet own {\n\tchain input { type filter hook input priority 0; policy drop; }\n}\n'

describe.each(SHELLS)('a conf of nft under %s', (_name, shell) => {
  ownRulesSuite('by the real tool', it => {
    it('that includes ours must load, and nothing is changed by the try', net => {
      const directory = mkdtempSync(join(tmpdir(), 'ctfix-nft-'))
      try {
        const conf = join(directory, 'nftables.conf')
        const ours = join(directory, 'nftables-ctfix.nft')
        const tried = (text: string, rule: string) => {
          writeFileSync(conf, text)
          writeFileSync(ours, rule)
          return runIn(net, shell, sh`nft_confs=${conf}`, sh`nft_would_load`)
        }
        const including = `${TABLE}include "${directory}/nftables-ctfix.nf[t]"\n`
        const before = net.print('nft list ruleset')
        expect(tried(including, 'insert rule inet own input tcp dport 80 accept\n')).toMatchObject({ exitCode: 0 })
        // The chain is there in another family only.
        const wrong = tried(including, 'insert rule ip own input tcp dport 80 accept\n')
        expect(wrong.exitCode).not.toBe(0)
        expect(wrong.stderr).toMatch(/would not load at the next boot: .*No such file or directory/s)
        // What does not read ours is none of our business.
        expect(tried('no rules at all\n', '')).toMatchObject({ exitCode: 0, stderr: '' })
        expect(net.print('nft list ruleset')).toBe(before)
      } finally {
        rmSync(directory, { recursive: true })
      }
    })
  })
})
