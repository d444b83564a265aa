import { expect, describe as group, it } from 'vitest'
import { type Change, isNoop, mergeChanges } from '../../../src/change/change.ts'
import { applyScript, describe, expectScript, lookScript, undoScript } from '../../../src/change/kinds.ts'
import { LookError } from '../../../src/change/look.ts'
import { type RuleState, ruleTarget } from '../../../src/firewall/rule-state.ts'
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

  it.each([VALUE, ADDED, LOADED, FILE])('is refused when it is none: $kind', change => {
    for (const text of ['', 'nonsense\n', 'present 0\n', 'file -rw-r--r--\n']) {
      expect(() => parseLook(change, text)).toThrow(LookError)
    }
    expect(() => parseLook(change, 'what')).toThrow(`no look at ${change.target}: it begins with "what"`)
  })
})
