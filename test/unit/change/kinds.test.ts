import { expect, describe as group, it } from 'vitest'
import {
  type Change,
  type EntriesChange,
  type FileChange,
  invert,
  isNoop,
  mergeChanges,
  type RuntimeChange,
} from '../../../src/change/change.ts'
import { forget } from '../../../src/change/entries.ts'
import * as file from '../../../src/change/file.ts'
import { applyScript, describe, expectScript, lookScript, undoScript } from '../../../src/change/kinds.ts'
import { LookError } from '../../../src/change/look.ts'
import { type ChainState, chainTarget, NFT_TABLE, type NftRuleState, nftRuleTarget } from '../../../src/firewall/own.ts'
import { type RuleState, ruleTarget } from '../../../src/firewall/rule-state.ts'
import { splitWords } from '../../../src/firewall/words.ts'
import { quote } from '../../../src/lang/sh.ts'
import { parseLook } from '../../support/looks.ts'

const RULE: RuleState = {
  backend: 'iptables-legacy',
  family: 4,
  table: 'raw',
  chain: 'PREROUTING',
  position: 1,
  spec: ['-p', 'tcp', '-m', 'comment', '--comment', "it's ours", '-j', 'DROP'],
}
const about = { kind: 'rule', layer: 'runtime', target: ruleTarget(RULE), why: 'w' } as const
const ADDED: Change = { ...about, before: null, after: RULE }
const GONE: Change = { ...about, before: { ...RULE, position: 7, copy: 2 }, after: null }
const LOADED: Change = { kind: 'module', layer: 'runtime', target: 'xt_CT', before: null, after: 'loaded', why: 'w' }
const UNLOADED: Change = { ...LOADED, before: 'loaded', after: null }
const VALUE: Change = { kind: 'kernel-value', layer: 'runtime', target: 'a.b', before: '1', after: '2', why: 'w' }
const CHAIN: ChainState = {
  backend: 'iptables-legacy',
  family: 6,
  table: 'raw',
  chain: 'CTFIX-PRE',
  rules: [
    ['-p', 'tcp', '--dport', '80', '-j', 'CT', '--notrack'],
    ['-m', 'comment', '--comment', "it's ours", '-j', 'DROP'],
  ],
}
const LINES = `-p tcp --dport 80 -j CT --notrack\n-m comment --comment "it\\'s ours" -j DROP\n`
const ofChain = { kind: 'chain', layer: 'runtime', target: chainTarget(CHAIN), why: 'w' } as const
const CHAINED: Change = { ...ofChain, before: null, after: CHAIN }
const TABLE = 'table inet ctfix {\n\tchain pre {\n\t\ttcp dport 80 notrack\n\t}\n}'
const ofTable = { kind: 'nft-table', layer: 'runtime', target: NFT_TABLE, why: 'w' } as const
const TABLED: Change = { ...ofTable, before: null, after: { text: TABLE, json: '[]' } }
const NFT_RULE: NftRuleState = {
  family: 'inet',
  table: 'filter',
  chain: 'input',
  position: 3,
  text: 'tcp dport 80 accept comment "ctfix"',
  json: '{}',
}
const ofNftRule = { kind: 'nft-rule', layer: 'runtime', target: nftRuleTarget(NFT_RULE), why: 'w' } as const
const NFT_ADDED: Change = { ...ofNftRule, before: null, after: NFT_RULE }
const NFT_GONE: Change = { ...ofNftRule, before: { ...NFT_RULE, position: null }, after: null }
const ENTRIES: EntriesChange = {
  kind: 'entries',
  layer: 'final',
  target: 'entries of tcp 80, 443',
  before: {
    count: 1234,
    selectors: [
      ['-f', 'ipv4', '-p', 'tcp', '--dport', '80'],
      ['-p', "it's"],
    ],
  },
  after: null,
  why: 'w',
}
const FILE: Change = { kind: 'file', layer: 'persistent', target: '/etc/x y', before: null, after: null, why: 'w' }

group('the scripts of a kind', () => {
  const words = `raw PREROUTING 1 1 -p tcp -m comment --comment 'it'\\''s ours' -j DROP`
  const words2 = words.replace('1 1', '2 7')
  it.each([
    ['a rule that comes', ADDED, 'expect_no_rule', 'put_rule', 'take_rule', 'show_rule', `iptables-legacy 4 ${words}`],
    ['a rule that goes', GONE, 'expect_rule', 'take_rule', 'put_rule', 'show_rule', `iptables-legacy 4 ${words2}`],
    ['a module that comes', LOADED, 'expect_no_module', 'load_module', 'unload_module', 'show_module', 'xt_CT'],
    ['a module that goes', UNLOADED, 'expect_module', 'unload_module', 'load_module', 'show_module', 'xt_CT'],
  ])('of %s', (_what, change, expected, applied, undone, shown, args) => {
    expect(expectScript(change).text).toBe(`${expected} ${args}`)
    expect(applyScript(change).text).toBe(`${applied} ${args}`)
    expect(undoScript(change).text).toBe(`${undone} ${args}`)
    expect(lookScript(change).text).toBe(`${shown} ${args}`)
  })

  const nftWords = `inet filter input 3 'tcp dport 80 accept comment "ctfix"'`
  it.each([
    ['a rule of nft that comes', NFT_ADDED, 'expect_no_nft_rule', 'put_nft_rule', 'take_nft_rule', nftWords],
    ['one that goes', NFT_GONE, 'expect_nft_rule', 'take_nft_rule', 'put_nft_rule', nftWords.replace('3', 'end')],
  ])('of %s', (_what, change, expected, applied, undone, args) => {
    const scripts = [expectScript, applyScript, undoScript, lookScript].map(of => of(change).text)
    expect(scripts).toEqual([expected, applied, undone, 'show_nft_rule'].map(name => `${name} ${args}`))
  })

  const scriptsOf = (change: RuntimeChange): string[] =>
    [expectScript, applyScript, undoScript, lookScript].map(of => of(change).text)

  it('of a chain that comes, goes and changes', () => {
    const [name, text] = ['iptables-legacy 6 raw CTFIX-PRE', quote(LINES)]
    const left: ChainState = { ...CHAIN, rules: [] }
    expect(scriptsOf({ ...ofChain, before: null, after: CHAIN })).toEqual([
      `expect_no_chain ${name}`,
      `put_chain ${name} ${text}`,
      `drop_chain ${name} ${text}`,
      `show_chain ${name}`,
    ])
    expect(scriptsOf({ ...ofChain, before: CHAIN, after: null })).toEqual([
      `expect_chain ${name} ${text}`,
      `drop_chain ${name} ${text}`,
      `restore_chain ${name} ${text}`,
      `show_chain ${name}`,
    ])
    expect(scriptsOf({ ...ofChain, before: CHAIN, after: left })).toEqual([
      `expect_chain ${name} ${text}`,
      `put_chain ${name} ''`,
      `restore_chain ${name} ${text} ''`,
      `show_chain ${name}`,
    ])
  })

  it('of the table of nft that comes, goes and changes', () => {
    const [one, other] = [TABLE, TABLE.replace('80', '443')].map(text => ({ text, json: null }))
    const [first, second] = [quote(TABLE), quote(TABLE.replace('80', '443'))]
    if (!one || !other) throw new Error('two of them')
    expect(scriptsOf({ ...ofTable, before: null, after: one })).toEqual([
      'expect_no_nft_table',
      `put_nft_table ${first}`,
      'drop_nft_table',
      'show_nft_table',
    ])
    expect(scriptsOf({ ...ofTable, before: one, after: null })).toEqual([
      `expect_nft_table ${first}`,
      'drop_nft_table',
      `put_nft_table ${first}`,
      'show_nft_table',
    ])
    expect(scriptsOf({ ...ofTable, before: one, after: other }).slice(0, 3)).toEqual([
      `expect_nft_table ${first}`,
      `put_nft_table ${second}`,
      `put_nft_table ${first}`,
    ])
  })

  it('of entries: nothing to check, to look at or to take back; each selector is a call that may fail', () => {
    for (const script of [expectScript, undoScript, lookScript]) expect(script(ENTRIES).text).toBe(':')
    expect(forget(ENTRIES).map(({ text }) => text)).toEqual([
      'forget_entries -f ipv4 -p tcp --dport 80 || :',
      `forget_entries -p 'it'\\''s' || :`,
    ])
    expect(forget(invert(ENTRIES))).toEqual([])
  })

  it('of a file with a directory for itself: it comes first and goes last', () => {
    const state = { content: 'x', mode: '0644', owner: '0:0', label: null, ownDirectory: true } as const
    const come: FileChange = {
      kind: 'file',
      layer: 'persistent',
      target: '/etc/a/b',
      before: null,
      after: state,
      why: 'w',
    }
    expect(file.stage(come).text).toBe('own_directory /etc/a/b && stage_file /etc/a/b 0644 0:0 x')
    expect(file.settle(come).text).toBe('settle_file /etc/a/b')
    expect(undoScript(come).text).toBe('drop_ours /etc/a/b x && leave_directory /etc/a/b')
    expect(file.settle(invert(come)).text).toBe('settle_file /etc/a/b && leave_directory /etc/a/b')
    expect(undoScript(invert(come)).text).toBe('own_directory /etc/a/b && restore_gone /etc/a/b 0644 0:0 x')
    expect(parseLook(invert(come), 'file -rw-r--r-- 0:0 -\nx')).toEqual({ state })
  })

  it('look at values and files', () => {
    expect(lookScript(VALUE).text).toBe('show_value /proc/sys/a/b')
    expect(lookScript(FILE).text).toBe(`show_file '/etc/x y'`)
  })
})

it('a rule is shown as one would type it', () => {
  const shown = (parts: Partial<RuleState>): string =>
    describe({ ...about, before: null, after: { ...RULE, ...parts } })
  const spec = `-p tcp -m comment --comment 'it'\\''s ours' -j DROP`
  expect(shown({})).toBe(`+ iptables-legacy -t raw -I PREROUTING 1 ${spec}`)
  expect(shown({ position: null, family: 6, backend: 'iptables-nft' })).toBe(
    `+ ip6tables-nft -t raw -A PREROUTING ${spec}`,
  )
  expect(describe(GONE)).toBe(`- iptables-legacy -t raw -D PREROUTING ${spec}`)
  expect(describe(LOADED)).toBe('~ module xt_CT: absent → loaded')
})

it('a chain is shown as one would type it, what stays of it between what comes and goes', () => {
  const tool = 'ip6tables-legacy -t raw'
  const [first, second] = [
    `${tool} -A CTFIX-PRE -p tcp --dport 80 -j CT --notrack`,
    `${tool} -A CTFIX-PRE -m comment --comment 'it'\\''s ours' -j DROP`,
  ]
  const left: ChainState = { ...CHAIN, rules: [['-j', 'ACCEPT'], ...CHAIN.rules.slice(1)] }
  expect(describe(CHAINED).split('\n')).toEqual([`+ ${tool} -N CTFIX-PRE`, `+ ${first}`, `+ ${second}`])
  expect(describe(invert(CHAINED)).split('\n')).toEqual([`- ${first}`, `- ${second}`, `- ${tool} -X CTFIX-PRE`])
  expect(describe({ ...ofChain, before: CHAIN, after: left }).split('\n')).toEqual([
    `- ${first}`,
    `+ ${tool} -A CTFIX-PRE -j ACCEPT`,
    `  ${second}`,
  ])
})

it('the table of nft is shown as a file, a rule of nft as one would type it, entries with what becomes of them', () => {
  expect(describe(TABLED)).toBe(
    `--- /dev/null\n+++ nft table inet ctfix\n@@ -0,0 +1,5 @@\n${TABLE.replaceAll(/^/gm, '+')}`,
  )
  expect(describe(invert(TABLED))).toContain('--- nft table inet ctfix\n+++ /dev/null\n')
  expect(describe(NFT_ADDED)).toBe('+ nft insert rule inet filter input position 3 tcp dport 80 accept comment "ctfix"')
  expect(describe(invert(NFT_GONE))).toBe('+ nft add rule inet filter input tcp dport 80 accept comment "ctfix"')
  expect(describe(NFT_GONE)).toBe('- nft delete rule inet filter input tcp dport 80 accept comment "ctfix"')
  const rest = 'live entries of tcp 80, 443 are removed once the change is confirmed; they do not come back'
  expect(describe(ENTRIES)).toBe(`× 1,234 ${rest}`)
  expect(describe({ ...ENTRIES, before: ENTRIES.before && { ...ENTRIES.before, count: null } })).toBe(`× ${rest}`)
})

it('what versions of a tool write differently is no change, and the number of entries makes none', () => {
  const spelt: ChainState = {
    ...CHAIN,
    rules: [splitWords('-p tcp -m tcp --dport 80 -j NOTRACK'), CHAIN.rules[1] ?? []],
  }
  expect(isNoop({ ...ofChain, before: CHAIN, after: spelt })).toBe(true)
  expect(isNoop({ ...ofChain, before: CHAIN, after: { ...CHAIN, rules: CHAIN.rules.toReversed() } })).toBe(false)
  expect(isNoop({ ...ofChain, before: null, after: { ...CHAIN, rules: [] } })).toBe(false)
  const spaced = { text: `${TABLE.replaceAll('\t', '  ')}\n`, json: null }
  expect(isNoop({ ...ofTable, before: { text: TABLE, json: '[]' }, after: spaced })).toBe(true)
  expect(isNoop({ ...ofTable, before: spaced, after: { text: TABLE.replace('80', '81'), json: null } })).toBe(false)
  expect(isNoop({ ...ofNftRule, before: NFT_RULE, after: { ...NFT_RULE, position: 9, json: null } })).toBe(true)
  expect(isNoop({ ...ENTRIES, after: { count: 3, selectors: [] } })).toBe(true)
  expect(isNoop(ENTRIES)).toBe(false)
})

it('changes of one chain, table, rule or kind of entries are joined from the first before to the last after', () => {
  const second: ChainState = { ...CHAIN, rules: [] }
  expect(mergeChanges([CHAINED, { ...ofChain, before: CHAIN, after: second }])).toEqual([
    { ...ofChain, before: null, after: second },
  ])
  for (const change of [CHAINED, TABLED, NFT_ADDED]) expect(mergeChanges([change, invert(change)])).toEqual([])
  expect(mergeChanges([ENTRIES, { ...ENTRIES, before: { count: 1, selectors: [] }, why: 'v' }])).toEqual([
    { ...ENTRIES, why: 'w; v' },
  ])
})

it('a target says which rule it is, and not where it stands', () => {
  expect(ruleTarget(RULE)).toBe(`iptables-legacy ip raw PREROUTING -p tcp -m comment --comment "it\\'s ours" -j DROP`)
  expect(ruleTarget({ ...RULE, position: 9 })).toBe(ruleTarget(RULE))
  expect(ruleTarget({ ...RULE, copy: 2 })).toBe(`${ruleTarget(RULE)} #2`)
})

it('a rule that only moved is no change, and changes of one target are joined', () => {
  expect(isNoop({ ...about, before: RULE, after: { ...RULE, position: 4 } })).toBe(true)
  expect(isNoop(ADDED)).toBe(false)
  expect(mergeChanges([ADDED, { ...about, before: RULE, after: null }])).toEqual([])
  expect(mergeChanges([LOADED, UNLOADED])).toEqual([])
  expect(mergeChanges([LOADED, ADDED])).toEqual([LOADED, ADDED])
})

group('what a look printed', () => {
  it.each([
    ['value', VALUE, 'value 600\n', { state: '600' }],
    ['a value of several lines', VALUE, 'value 1\t2\n3\n', { state: '1\t2\n3' }],
    ['an empty value', VALUE, 'value \n', { state: '' }],
    ['no value', VALUE, 'absent\n', { state: null }],
    ['a hidden value', VALUE, 'unreadable\n', { refused: 'it could not be read' }],
    ['a rule', ADDED, 'present 12\n', { state: { ...RULE, position: 12 } }],
    ['no rule', GONE, 'absent\n', { state: null }],
    ['hidden rules', GONE, 'unreadable\n', { refused: 'it could not be read' }],
    ['a module', LOADED, 'loaded\n', { state: 'loaded' }],
    ['no module', LOADED, 'absent\n', { state: null }],
    ['a chain', CHAINED, `present\n${LINES}`, { state: CHAIN }],
    ['an empty chain', CHAINED, 'present\n', { state: { ...CHAIN, rules: [] } }],
    ['a chain with a rule without words', CHAINED, 'present\n\n', { state: { ...CHAIN, rules: [[]] } }],
    ['no chain', CHAINED, 'absent\n', { state: null }],
    ['a hidden chain', CHAINED, 'unreadable\n', { refused: 'it could not be read' }],
    ['a table of nft', TABLED, `present\n${TABLE}\n`, { state: { text: TABLE, json: null } }],
    ['no table of nft', TABLED, 'absent\n', { state: null }],
    ['a hidden table of nft', TABLED, 'unreadable\n', { refused: 'it could not be read' }],
    ['a rule of nft', NFT_ADDED, 'present 7\n', { state: { ...NFT_RULE, position: 7, json: null } }],
    ['no rule of nft', NFT_GONE, 'absent\n', { state: null }],
    ['hidden rules of nft', NFT_GONE, 'unreadable\n', { refused: 'it could not be read' }],
    [
      'a file',
      FILE,
      'file -rwsr-x--- 0:7 system_u:object_r:etc_t:s0\na\n\n',
      { state: { content: 'a\n\n', mode: '4750', owner: '0:7', label: 'system_u:object_r:etc_t:s0' } },
    ],
    [
      'an empty file',
      FILE,
      'file -rw-r--r-- 0:0 -\n',
      { state: { content: '', mode: '0644', owner: '0:0', label: null } },
    ],
    ['no file', FILE, 'absent\n', { state: null }],
    ['a link', FILE, 'other\n', { refused: 'it is no regular file' }],
    ['bytes', FILE, 'file -rw-r--r-- 0:0 -\na\0', { refused: 'it is not text' }],
    ['a hidden file', FILE, 'unreadable\n', { refused: 'it could not be read' }],
  ])('%s', (_what, change, text, looked) => {
    expect(parseLook(change, text)).toEqual(looked)
  })

  it.each([VALUE, ADDED, LOADED, CHAINED, TABLED, NFT_ADDED, FILE])('is refused when it is none: $kind', change => {
    for (const text of ['', 'nonsense\n', 'present 0\n', 'file -rw-r--r--\n']) {
      expect(() => parseLook(change, text)).toThrow(LookError)
    }
    expect(() => parseLook(change, 'what')).toThrow(`no look at ${change.target}: it begins with "what"`)
  })
})
