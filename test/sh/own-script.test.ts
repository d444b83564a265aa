/** The program that brings our rules back at boot, by the real tools, under every shell: it may run any number of times. */
import { rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect } from 'vitest'
import type { Backend } from '../../src/firewall/ruleset.ts'
import { splitWords } from '../../src/firewall/words.ts'
import { keepNft } from '../../src/strategy/notrack/keep.ts'
import type { Piece } from '../../src/strategy/notrack/live-iptables.ts'
import { withPieces } from '../../src/strategy/notrack/saved.ts'
import { iptablesScript } from '../../src/strategy/notrack/script.ts'
import { labSuite } from '../lab/suite.ts'
import { file, makeFacts } from '../support/facts.ts'
import { type OwnNetwork, startOwnNetwork } from '../support/own-network.ts'
import { SHELLS, scratch } from '../support/shells.ts'
import { DEBIAN } from '../unit/firewall/samples.ts'

const RULES = ['-p tcp -m tcp --dport 80 -j CT --notrack', '-p udp -m multiport --dports 53,123 -j CT --notrack']
const ACCEPTS = [`-p tcp -m comment --comment "it's $HOME \`id\` %s" -m tcp --dport 80 -j ACCEPT`]

function pieces(backend: Exclude<Backend, 'nft'>, family: 4 | 6, at = 2): Piece[] {
  const piece = (table: string, from: string, chain: string, rules: readonly string[], place = 1): Piece => ({
    state: { backend, family, table, chain, rules: rules.map(splitWords) },
    ...{ from, at: place, why: 'w' },
  })
  return [
    piece('filter', 'INPUT', 'CTFIX-IN', ACCEPTS, at),
    piece('filter', 'OUTPUT', 'CTFIX-OUT', []),
    piece('raw', 'OUTPUT', 'CTFIX-OUT', RULES),
    piece('raw', 'PREROUTING', 'CTFIX-PRE', RULES),
  ]
}

/** Somebody else's, before and after the place of the jump. */
const FURNISH = `set -e
for tool in iptables-legacy ip6tables-legacy iptables-nft ip6tables-nft; do
  for table in raw filter; do $tool -t $table -F; $tool -t $table -X; done
  $tool -A INPUT -p tcp --dport 22 -j ACCEPT
  $tool -A INPUT -m conntrack --ctstate INVALID -j DROP
  $tool -t raw -A PREROUTING -p tcp --dport 1 -j ACCEPT
done
`
const SAVES = `for tool in iptables-legacy ip6tables-legacy iptables-nft ip6tables-nft; do
  echo $tool; for table in raw filter; do $tool-save -t $table 2>/dev/null | grep -v '^#'; done
done`

describe.each(SHELLS)('the program for boot under %s', (_name, shell) => {
  labSuite('by the real tools', startOwnNetwork, ({ it }) => {
    const run = (net: OwnNetwork, program: string, word: string) => net.run(shell, `set -- ${word}\n${program}`)
    for (const backend of ['iptables-legacy', 'iptables-nft'] as const) {
      it(`${backend}: run twice, there is one chain and one jump each, and stop takes all of it out`, async net => {
        net.print(FURNISH)
        const before = net.print(SAVES)
        const program = iptablesScript([...pieces(backend, 4), ...pieces(backend, 6)])
        for (const word of ['start', '', 'start']) {
          expect(run(net, program, word)).toMatchObject({ exitCode: 0, stderr: '' })
        }
        const tools = [backend, `ip6${backend.slice(2)}`]
        for (const tool of tools) {
          expect(net.print(`${tool} -S INPUT`).split('\n').slice(1)).toEqual([
            '-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT',
            '-A INPUT -j CTFIX-IN',
            '-A INPUT -m conntrack --ctstate INVALID -j DROP',
            '',
          ])
          expect(net.print(`${tool} -S CTFIX-IN`)).toMatch(/^-N CTFIX-IN\n-A CTFIX-IN .* -j ACCEPT\n$/)
          expect(net.print(`${tool} -t raw -S PREROUTING`).split('\n')[1]).toBe('-A PREROUTING -j CTFIX-PRE')
          expect(net.print(`${tool} -t raw -S CTFIX-PRE`)).toBe(
            `-N CTFIX-PRE\n${RULES.map(rule => `-A CTFIX-PRE ${rule}\n`).join('')}`,
          )
          expect(net.print(`${tool} -t raw -S OUTPUT`)).toBe('-P OUTPUT ACCEPT\n-A OUTPUT -j CTFIX-OUT\n')
          expect(net.print(`${tool} -S`)).not.toContain('CTFIX-OUT')
        }
        const live = net.print(SAVES)
        // What ufw calls it with besides.
        expect(run(net, program, 'flush-all')).toMatchObject({ exitCode: 0, stderr: '' })
        expect(net.print(SAVES)).toBe(live)
        for (const word of ['stop', 'stop']) run(net, program, word)
        expect(net.print(SAVES)).toBe(before)
      })
    }

    it('puts its jump at the head of a chain that is shorter than it was', async net => {
      net.print(`${FURNISH}iptables-legacy -F INPUT\n`)
      expect(run(net, iptablesScript(pieces('iptables-legacy', 4, 7)), 'start')).toMatchObject({
        exitCode: 0,
        stderr: '',
      })
      expect(net.print('iptables-legacy -S INPUT')).toBe('-P INPUT ACCEPT\n-A INPUT -j CTFIX-IN\n')
    })

    it('replaces what an earlier version of it put in', async net => {
      net.print(FURNISH)
      run(net, iptablesScript(pieces('iptables-legacy', 4)), 'start')
      const fewer = pieces('iptables-legacy', 4).map(piece => ({
        ...piece,
        state: { ...piece.state, rules: piece.state.rules.slice(0, 1) },
      }))
      run(net, iptablesScript(fewer), 'start')
      expect(net.print('iptables-legacy -t raw -S CTFIX-PRE')).toBe(`-N CTFIX-PRE\n-A CTFIX-PRE ${RULES[0]}\n`)
    })

    it('fails when a rule cannot be loaded, and untracks nothing then', async net => {
      net.print(FURNISH)
      const [first, ...rest] = pieces('iptables-legacy', 4)
      if (!first) throw new Error('no piece')
      const broken = { ...first, state: { ...first.state, rules: [['-j', 'NO-SUCH-TARGET']] } }
      expect(run(net, iptablesScript([broken, ...rest]), 'start').exitCode).toBe(1)
      expect(net.print('iptables-legacy -t raw -S')).not.toContain('--notrack')
    })
  })
})

labSuite('files that keep rules, by the real tools', startOwnNetwork, ({ it }) => {
  for (const backend of ['iptables-legacy', 'iptables-nft'] as const) {
    for (const option of ['', ' -c']) {
      it(`${backend}-save${option} of what was restored from a file of ours is left as it is`, async net => {
        net.print(FURNISH)
        const [, ...others] = pieces(backend, 4)
        const words = splitWords('-p tcp -m tcp --dport 80 -m conntrack --ctstate UNTRACKED -j ACCEPT')
        const state = { backend, family: 4, table: 'filter', chain: 'CTFIX-IN', rules: [words] } as const
        const all: Piece[] = [{ state, from: 'INPUT', at: 2, why: 'w' }, ...others]
        const written = withPieces(DEBIAN, all)
        net.print(`${backend}-restore <<'END'\n${written}END\n`)
        const saved = net.print(`${backend}-save${option}`)
        expect(saved).not.toBe(written)
        expect(withPieces(saved, all)).toBe(saved)
      })
    }
  }

  it('nftables.conf is loaded with our file and without it', async net => {
    const directory = scratch()
    const text = 'flush ruleset\ntable inet theirs { chain input { type filter hook input priority 0; }; }\n'
    const files = [file('/etc/nftables.conf', text)]
    const facts = makeFacts({ files, ruleset: { sources: [], complete: true } })
    const accept = { family: 'inet', table: 'theirs', chain: 'input', position: 1, json: null } as const
    const { changes, blockers } = keepNft(
      facts,
      { by: 'nft', keeper: 'included' },
      {
        table: { text: 'table inet ctfix {\n\tchain pre {\n\t\ttcp dport 80 notrack\n\t}\n}\n', json: '' },
        accepts: [{ ...accept, text: 'tcp dport 80 accept comment "ctfix"' }],
      },
    )
    expect(blockers).toEqual([])
    for (const { target, after } of changes) {
      writeFileSync(join(directory, basename(target)), after?.content.replaceAll('/etc/', `${directory}/`) ?? '')
    }
    const load = () => net.print(`nft -f ${directory}/nftables.conf && nft list ruleset`)
    expect(load()).toMatch(/tcp dport 80 accept comment "ctfix"[\s\S]*table inet ctfix/)
    rmSync(join(directory, 'nftables-ctfix.nft'))
    expect(load()).not.toContain('ctfix')
    rmSync(directory, { recursive: true })
  })
})
