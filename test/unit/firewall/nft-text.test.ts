/** What a host says of its rules becomes text that nft runs there: nothing in it may end a word and begin another. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nftText } from '../../../src/firewall/nft-text.ts'
import type { Trigger } from '../../../src/firewall/trigger.ts'
import { triggersOf } from '../../../src/firewall/triggers.ts'
import { rulesetOf, source } from './samples.ts'

const EVIL = 'x"; delete table inet victim; #'
const STATE = { match: { op: 'in', left: { ct: { key: 'state' } }, right: 'established' } }
const by = (left: object, right: unknown, op = '=='): object => ({ match: { op, left, right } })
const CARD = { meta: { key: 'iifname' } }
const ADDRESS = { payload: { protocol: 'ip', field: 'saddr' } }

/** Places in which a host may write what it likes. */
const PLACES: readonly (readonly [string, (text: unknown) => object])[] = [
  ['prefix', text => ({ log: { prefix: text } })],
  ['helper', text => ({ 'ct helper': text })],
  ['card', text => by(CARD, text)],
  ['one of several cards', text => by(CARD, { set: ['lo', text] })],
  ['address', text => by(ADDRESS, text)],
  ['network', text => by(ADDRESS, { prefix: { addr: text, len: 8 } })],
  ['length of a network', text => by(ADDRESS, { prefix: { addr: '10.0.0.0', len: text } })],
  ['range', text => by(ADDRESS, { range: ['10.0.0.1', text] })],
  ['state', text => by({ ct: { key: 'state' } }, text, 'in')],
  ['jump', text => ({ jump: { target: text } })],
  ['jump of a map', text => ({ vmap: { key: CARD, data: { set: [['lo', { goto: { target: text } }]] } } })],
  ['translation', text => ({ dnat: { addr: text, port: 80 } })],
  ['family of a translation', text => ({ dnat: { addr: '10.0.0.1', family: text } })],
  ['flowtable', text => ({ flow: { op: 'add', flowtable: text } })],
  ['count', text => ({ 'ct count': { val: text } })],
]

const ruleOf = (rule: object): Trigger[] =>
  triggersOf(
    rulesetOf(source(JSON.stringify({ nftables: [{ rule }] }), { backend: 'nft', family: null, format: 'json' })),
  )
const RULE = { family: 'inet', table: 't', chain: 'c', expr: [STATE, { accept: null }] }

describe('the text of a rule of nft', () => {
  it.each(PLACES)('is none where a word of the host would end it: %s', (_, place) => {
    for (const text of [EVIL, 'a\\', 'a\nb', 'a\u0000', { a: EVIL }]) {
      expect(nftText([place(text), STATE, { accept: null }])).toBeNull()
    }
  })

  it.each(PLACES.filter(([name]) => !/prefix|helper|card/.test(name)))(
    'nor where it would be several: %s',
    (_, place) => {
      for (const text of ['a; b', 'a b', 'a}', '$a', '#', '']) {
        expect(nftText([place(text), STATE, { accept: null }])).toBeNull()
      }
    },
  )

  it('is none with such a comment, and whole with any other', () => {
    expect(nftText([STATE, { accept: null }], EVIL)).toBeNull()
    expect(nftText([STATE, { accept: null }], "it's; a { # comment")).toBe(
      'ct state established accept comment "it\'s; a { # comment"',
    )
  })

  it('never holds more than one rule, whatever a host says', () => {
    const word = fc.oneof(fc.string(), fc.constantFrom(EVIL, 'eth0', '10.0.0.1', '@set', 'ssh-in'))
    fc.assert(
      fc.property(fc.constantFrom(...PLACES), word, word, ([, place], text, comment) => {
        const printed = nftText([place(text), STATE, { accept: null }], comment)
        expect((printed ?? '').replace(/"[^"\\\n]*"/g, '')).not.toMatch(/[;"\\\n#$]/)
      }),
    )
  })

  it('is none in a table or a chain that cannot be named', () => {
    expect(ruleOf(RULE)[0]?.rule).toMatchObject({ table: 't', chain: 'c' })
    for (const name of ['t; flush ruleset', 'a b', 'a"', '{', '']) {
      expect(ruleOf({ ...RULE, table: name })[0]?.rule).toBeNull()
      expect(ruleOf({ ...RULE, chain: name })[0]?.rule).toBeNull()
    }
    expect(ruleOf({ ...RULE, table: 'my.table-1/x_y' })[0]?.rule).not.toBeNull()
  })
})
