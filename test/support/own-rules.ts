/** What the tests of own rules begin with: what somebody else has on the host, and the changes that are made there. */
import type {
  ChainChange,
  Change,
  EntriesChange,
  NftRuleChange,
  NftTableChange,
  RuleChange,
} from '../../src/change/change.ts'
import { type ChainState, chainTarget, NFT_TABLE, type NftRuleState, nftRuleTarget } from '../../src/firewall/own.ts'
import { type RuleState, ruleTarget } from '../../src/firewall/rule-state.ts'
import { splitWords } from '../../src/firewall/words.ts'
import type { Script } from '../../src/lang/sh.ts'
import { changeLibrary } from '../../src/run/tools.ts'
import { labSuite } from '../lab/suite.ts'
import { type OwnNetwork, startOwnNetwork } from './own-network.ts'
import type { Run } from './shells.ts'

/** What somebody else has there: rules of both kinds, and a chain of nft with all that a listing can look like. */
export const FURNISH = `set -e
for tool in iptables-legacy ip6tables-legacy iptables-nft; do
  $tool -t raw -F; $tool -t raw -X
  $tool -t raw -A PREROUTING -p tcp --dport 1 -j ACCEPT
  $tool -t raw -A OUTPUT -p tcp --dport 1 -j ACCEPT
done
nft -f - <<'END'
add table inet ctfix
delete table inet ctfix
add table inet theirs
delete table inet theirs
table inet theirs {
  set ports { type inet_service; elements = { 1, 2, 3 }; }
  chain input {
    type filter hook input priority 0
    iif lo accept
    tcp dport 22 jump { ip saddr 192.0.2.1 accept; counter drop; }
    ct state vmap { established : accept, related : accept }
    tcp dport @ports counter accept comment "a { # handle 9"
    udp dport 53 accept
  }
  chain empty { }
}
END
conntrack -F 2>/dev/null
`
export const RULES = `for tool in iptables-legacy ip6tables-legacy iptables-nft; do echo "$tool"; $tool-save 2>/dev/null | grep -v '^#'; done; nft -s list ruleset`

const about = { layer: 'runtime', why: 'w' } as const
export const CHAIN: ChainState = {
  backend: 'iptables-legacy',
  family: 4,
  table: 'raw',
  chain: 'CTFIX-PRE',
  rules: [
    '-p tcp -m tcp --dport 80 -j CT --notrack',
    `-p tcp -m comment --comment "it's ours" --dport 81 -j CT --notrack`,
  ].map(splitWords),
}
export function chain(after: Partial<ChainState> | null, before: Partial<ChainState> | null = null): ChainChange {
  const state = (parts: Partial<ChainState> | null): ChainState | null => parts && { ...CHAIN, ...parts }
  const target = chainTarget(state(after) ?? state(before) ?? CHAIN)
  return { ...about, kind: 'chain', target, before: state(before), after: state(after) }
}
export function jump({ backend, family, table, chain }: ChainState): RuleChange {
  const after: RuleState = { backend, family, table, chain: 'PREROUTING', position: 1, spec: ['-j', chain] }
  return { ...about, kind: 'rule', target: ruleTarget(after), before: null, after }
}
export const TABLE = `table inet ctfix {
	set ports {
		type inet_service
		elements = { 80, 443 }
	}

	chain pre {
		type filter hook prerouting priority raw; policy accept;
		iif "lo" accept
		tcp dport @ports counter notrack
	}
}`
export function table(after: string | null, before: string | null = null): NftTableChange {
  const state = (text: string | null) => (text === null ? null : { text, json: null })
  return { ...about, kind: 'nft-table', target: NFT_TABLE, before: state(before), after: state(after) }
}
const RULE: NftRuleState = {
  family: 'inet',
  table: 'theirs',
  chain: 'input',
  position: 3,
  text: 'tcp dport { 80, 443 } accept comment "ctfix"',
  json: null,
}
export function nftRule(parts: Partial<NftRuleState> = {}): NftRuleChange {
  const after = { ...RULE, ...parts }
  return { ...about, kind: 'nft-rule', target: nftRuleTarget(after), before: null, after }
}
export const gone = <C extends Change>(change: C): C => ({ ...change, before: change.after, after: null })
export const ENTRIES: EntriesChange = {
  kind: 'entries',
  layer: 'final',
  target: 'entries of tcp 80',
  before: { count: 1, selectors: ['-f ipv4 -p tcp --dport 80', '-f ipv6 -p tcp --dport 80'].map(splitWords) },
  after: null,
  why: 'w',
}
export const ENTRY = 'conntrack -I -p tcp -s 192.0.2.1 -d 192.0.2.2 --sport 1 --dport'

/** Runs scripts one after the other, up to the first that fails. */
export function runIn(net: OwnNetwork, shell: readonly string[], ...scripts: readonly Script[]): Run {
  const body = scripts.map(({ text }) => `  ${text} || return 1`).join('\n')
  return net.run(shell, `${changeLibrary()}\nmain() {\n${body}\n}\nmain </dev/null\n`)
}

/** Tests in a network that is furnished anew for each. */
export function ownRulesSuite(
  name: string,
  body: (it: (title: string, test: (net: OwnNetwork) => void) => void) => void,
): void {
  labSuite(name, startOwnNetwork, ({ it }) =>
    body((title, test) =>
      it(title, async net => {
        net.print(FURNISH)
        test(net)
      }),
    ),
  )
}
