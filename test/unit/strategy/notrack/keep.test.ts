/** What a file of nft is known to declare, and what follows from what nobody can know. */
import { describe, expect, it } from 'vitest'
import type { NftRuleState } from '../../../../src/firewall/own.ts'
import { keepNft, keepPieces } from '../../../../src/strategy/notrack/keep.ts'
import { readConf } from '../../../../src/strategy/notrack/nft-conf.ts'
import { file, makeFacts } from '../../../support/facts.ts'

const conf = (text: string, files: Readonly<Record<string, string>> = {}) => {
  const { chains, cleared, unknown } = readConf(text, path => files[path] ?? null)
  return { chains: [...chains], cleared: [...cleared], unknown }
}

describe('a file of nft', () => {
  it.each([
    [
      'table inet filter {\n\tchain input {\n\t\ttcp dport { 22,\n80 } accept\n\t}\n\tchain output { }\n}',
      ['inet filter input', 'inet filter output'],
    ],
    [
      'table filter { chain input { type filter hook input priority 0; }; set s { type ipv4_addr; }; }',
      ['ip filter input'],
    ],
    ['add table ip6 f; add chain ip6 f in { type filter hook input priority 0; }', ['ip6 f in']],
    ['add chain inet f in\nchain f out\ncreate chain ip f in', ['inet f in', 'ip f out', 'ip f in']],
    ['table "inet" {\n  chain \'in\' {\n}\n}', ['ip inet in']],
    [
      '# table inet f { chain in { } }\ntable inet f { # chain no { }\n chain in { log prefix "chain x { " }\n}',
      ['inet f in'],
    ],
    ['table inet f {\n chain \\\n in {\n }\n}', ['inet f in']],
    ['table inet f { chain a { tcp dport 22 jump { accept; }; }; chain b { }; }', ['inet f a', 'inet f b']],
  ])('has its chains: %s', (text, chains) => {
    expect(conf(`${text}\n`)).toEqual({ chains, cleared: [], unknown: [] })
  })

  it('is read with what it includes, inside of a table too', () => {
    const files = {
      '/etc/a.nft': 'chain in { }',
      '/etc/b.nft': 'flush ruleset\ntable ip t { chain x { } }',
    }
    expect(conf('table inet f {\n include "/etc/a.nft"\n}\ninclude "./c"\ninclude "b.nft"\n', files)).toEqual({
      chains: ['inet f in', 'ip t x'],
      cleared: ['*'],
      unknown: ['./c'],
    })
    expect(
      conf('include "/etc/nftables.d/*.nft"\ninclude "loop"\n', { '/etc/loop': 'include "loop"' }).unknown,
    ).toEqual(['/etc/nftables.d/*.nft', 'loop'])
    expect(conf('define t = filter\ntable inet $t { chain input { } }\n').unknown).toEqual(['inet $t input'])
  })

  it('says which rules it throws out first', () => {
    expect(conf('#!/usr/sbin/nft -f\n  flush ruleset\n').cleared).toEqual(['*'])
    expect(conf('flush ruleset ip6\n').cleared).toEqual([])
    expect(
      conf('# flush ruleset\ntable ip f\nflush table ip f\ndelete table g; destroy table inet h\n').cleared,
    ).toEqual(['ip f', 'ip g', 'inet h'])
  })
})

it('a line of ours that somebody made a comment of is put into the hook of ufw again', () => {
  const hook = (text: string): string | undefined => {
    const files = [file('/etc/ufw/after.init', text)]
    const facts = makeFacts({ files, directories: ['/etc/ufw'], ruleset: { sources: [], complete: true } })
    const { changes } = keepPieces(facts, { by: 'iptables', backend: 'iptables-nft', keeper: 'ufw' }, [])
    return changes.find(({ target }) => target === '/etc/ufw/after.init')?.after?.content
  }
  const written = hook('#!/bin/sh\nexit 0\n') ?? ''
  expect(hook(written)).toBe(written)
  const [shebang, line, ...rest] = written.split('\n')
  const off = [shebang, `# ${line}`, ...rest].join('\n')
  expect(
    hook(off)
      ?.split('\n')
      .filter(each => each === line),
  ).toHaveLength(1)
})

describe('a file that our rules go into', () => {
  const rule: NftRuleState = { family: 'inet', table: 'f', chain: 'in', position: 1, text: 'accept', json: null }
  const kept = (text: string, path = '/etc/nftables.conf') => {
    const files = [file(path, text)]
    const facts = makeFacts({ files, directories: ['/etc/sysconfig'], ruleset: { sources: [], complete: true } })
    return keepNft(facts, { by: 'nft', keeper: 'included' }, { table: { text: 't', json: '' }, accepts: [rule] })
  }

  it('without its chain is refused, but where the chain may be in a file nobody read', () => {
    expect(kept('flush ruleset\n').blockers).toMatchObject([{ code: 'chain-not-saved', forceable: false }])
    const message = expect.stringContaining('/etc/nftables/main.nft nobody read')
    expect(kept('flush ruleset\ninclude "/etc/nftables/main.nft"\n').blockers).toMatchObject([
      { code: 'chain-not-saved', forceable: true, message },
    ])
    // Our own is no such file.
    for (const own of ['include "/etc/nftables-ctfix.nft"', 'include "/etc/nftables-ctfix.nf[t]"']) {
      expect(kept(`flush ruleset\n${own}\n`).blockers).toMatchObject([{ forceable: false }])
    }
  })

  it('would be doubled at a reload, but where its table or its service throws the old ones out', () => {
    const table = 'table inet f { chain in { }; }\n'
    expect(kept(table).blockers).toMatchObject([{ code: 'reload-doubles', forceable: true }])
    expect(kept(`table inet f\nflush table inet f\n${table}`).blockers).toEqual([])
    expect(kept(table, '/etc/sysconfig/nftables.conf').blockers).toEqual([])
  })
})
