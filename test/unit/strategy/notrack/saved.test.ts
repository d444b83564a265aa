/** Saved rule sets of iptables with our chains in them: nobody else's line is touched, and nothing is doubled. */
import { describe, expect, it } from 'vitest'
import { stripSave } from '../../../../src/firewall/strip.ts'
import { splitWords } from '../../../../src/firewall/words.ts'
import type { Piece } from '../../../../src/strategy/notrack/live-iptables.ts'
import { withPieces } from '../../../../src/strategy/notrack/saved.ts'
import { DEBIAN, filter, RHEL, raw, UFW } from '../../firewall/samples.ts'

function piece(table: string, from: string, chain: string, ...rules: readonly string[]): Piece {
  const state = { backend: 'iptables-legacy', family: 4, table, chain, rules: rules.map(splitWords) } as const
  return { state, from, at: 1, why: 'w' }
}

const IN = piece('filter', 'INPUT', 'CTFIX-IN', '-p tcp -m tcp --dport 80 -j ACCEPT')
const PRE = piece('raw', 'PREROUTING', 'CTFIX-PRE', '-p tcp -m tcp --dport 80 -j CT --notrack')
const OUT = piece('raw', 'OUTPUT', 'CTFIX-OUT', '-p tcp -m tcp --sport 80 -j CT --notrack')
const ALL = [IN, piece('filter', 'OUTPUT', 'CTFIX-OUT'), OUT, PRE]

const WRITTEN = `# What we want
# -A INPUT -j CTFIX-IN is a comment

*mangle
:PREROUTING ACCEPT
-A PREROUTING -m comment --comment "a
b -A INPUT" -j MARK --set-mark 1
COMMIT
*filter
:INPUT DROP
:FORWARD DROP
:OUTPUT ACCEPT
# ssh
-A INPUT -p tcp --dport 22 -j ACCEPT

-A INPUT -m state --state ESTABLISHED,RELATED -j ACCEPT
-A INPUT
COMMIT
# end
`
const SAVED: Readonly<Record<string, string>> = {
  DEBIAN,
  RHEL,
  UFW,
  'raw first': `${raw('PREROUTING -p udp -j ACCEPT')}${DEBIAN}`,
  'raw alone': raw(),
  'by hand': WRITTEN,
  'not ended by a newline': DEBIAN.trimEnd(),
}

const lines = (text: string): string[] => text.split('\n').filter(line => line !== '')

describe.each(Object.entries(SAVED))('a saved rule set: %s', (_name, text) => {
  const once = withPieces(text, ALL)
  it('has our chains with one jump each, and all its other lines as they were', () => {
    const others = lines(stripSave(once))
    const own = [
      '*raw',
      ':PREROUTING ACCEPT [0:0]',
      ':OUTPUT ACCEPT [0:0]',
      'COMMIT',
      '*filter',
      ':INPUT ACCEPT [0:0]',
      ':FORWARD ACCEPT [0:0]',
      ':OUTPUT ACCEPT [0:0]',
    ]
    // What is left beyond them is a table that was not there.
    const beyond = others.slice()
    for (const line of lines(text)) {
      expect(beyond).toContain(line)
      beyond.splice(beyond.indexOf(line), 1)
    }
    for (const line of beyond) expect(own).toContain(line)
    expect(others.filter(line => lines(text).includes(line) && !own.includes(line))).toEqual(
      lines(text).filter(line => !own.includes(line)),
    )
    for (const [from, chain] of [
      ['INPUT', 'CTFIX-IN'],
      ['PREROUTING', 'CTFIX-PRE'],
      ['OUTPUT', 'CTFIX-OUT'],
    ]) {
      const jumps = once.split('\n').filter(line => line.replace(/^\[0:0\] /, '') === `-A ${from} -j ${chain}`)
      expect(jumps, chain).toHaveLength(1)
      expect(once.split('\n').filter(line => line === `:${chain} - [0:0]`)).toHaveLength(1)
    }
  })

  it('is the same when it is done again, and when it is done by way of others', () => {
    expect(withPieces(once, ALL)).toBe(once)
    const other = [piece('raw', 'PREROUTING', 'CTFIX-PRE', '-p udp -j NOTRACK', '-p tcp -j NOTRACK')]
    expect(withPieces(withPieces(once, other), ALL)).toBe(once)
  })

  it('is what it was once ours is taken out again', () => {
    const gone = withPieces(
      once,
      ALL.map(({ state, ...rest }) => ({ ...rest, state: { ...state, rules: [] } })),
    )
    expect(gone).not.toContain(':CTFIX')
    // A table that was not there may be left, and holds nothing.
    let at = -1
    for (const line of lines(text)) {
      at = lines(gone).indexOf(line, at + 1)
      expect(at, line).not.toBe(-1)
    }
    expect(withPieces(text, [])).toBe(text)
  })
})

describe('the place of a jump', () => {
  const follower = (text: string, jump: string): string | undefined => {
    const all = withPieces(text, ALL).split('\n')
    return all[all.findIndex(line => line.endsWith(jump)) + 1]
  }
  it('in the filter is before the first rule about states, as the file has them', () => {
    expect(follower(DEBIAN, '-A INPUT -j CTFIX-IN')).toContain('--ctstate RELATED,ESTABLISHED')
    expect(follower(RHEL, '-A INPUT -j CTFIX-IN')).toBe('[17:1020] -A INPUT -j RH-Firewall-1-INPUT')
    expect(follower(UFW, '-A INPUT -j CTFIX-IN')).toBe('-A INPUT -j ufw-before-input')
    expect(follower(WRITTEN, '-A INPUT -j CTFIX-IN')).toContain('--state ESTABLISHED,RELATED')
    const bare = filter('DROP', 'INPUT', 'INPUT -s 10.0.0.0/8', 'INPUT -m state --state NEW -j ACCEPT').replace(
      '-A INPUT \n',
      '-A INPUT\n',
    )
    expect(follower(bare, '-A INPUT -j CTFIX-IN')).toBe('-A INPUT -m state --state NEW -j ACCEPT')
  })

  it('in the raw table is before every other rule', () => {
    const text = raw('PREROUTING -p udp -j ACCEPT', 'OUTPUT -p udp -j ACCEPT')
    expect(follower(text, '-A PREROUTING -j CTFIX-PRE')).toBe('-A PREROUTING -p udp -j ACCEPT')
    expect(follower(text, '-A OUTPUT -j CTFIX-OUT')).toBe('-A OUTPUT -p udp -j ACCEPT')
  })

  it('has counters where the others of its table have them', () => {
    const text = withPieces(RHEL, ALL)
    expect(text).toContain('\n[0:0] -A INPUT -j CTFIX-IN\n')
    expect(text).toContain('\n[0:0] -A CTFIX-IN -p tcp -m tcp --dport 80 -j ACCEPT\n')
    expect(text).toContain('\n-A PREROUTING -j CTFIX-PRE\n')
    expect(text.endsWith('# Completed on Sat Nov 21 09:53:07 2015\n')).toBe(false)
  })
})

it('a file that is not there begins with a table of ours, and is empty again without it', () => {
  const text = withPieces('', [PRE, OUT])
  expect(text.trim().split('\n')).toEqual([
    '*raw',
    ':PREROUTING ACCEPT [0:0]',
    ':OUTPUT ACCEPT [0:0]',
    ':CTFIX-PRE - [0:0]',
    ':CTFIX-OUT - [0:0]',
    '-A PREROUTING -j CTFIX-PRE',
    '-A CTFIX-PRE -p tcp -m tcp --dport 80 -j CT --notrack',
    '-A OUTPUT -j CTFIX-OUT',
    '-A CTFIX-OUT -p tcp -m tcp --sport 80 -j CT --notrack',
    'COMMIT',
  ])
  expect(withPieces(text, []).trim()).toBe('')
})

describe('a file that its owner saved again', () => {
  const [, , , ...rules] = DEBIAN.split('\n').slice(0, -2)
  const own = (...lines: readonly string[]): string => lines.join('\n')
  // As iptables-save of 1.8 prints what was restored from the file that was written.
  const LEGACY = own(
    ...['# Generated by iptables-save v1.8.9 on Fri Nov 21 12:00:00 2025', '*raw'],
    ...[':PREROUTING ACCEPT [12:900]', ':OUTPUT ACCEPT [7:400]', ':CTFIX-OUT - [0:0]', ':CTFIX-PRE - [0:0]'],
    ...['-A PREROUTING -j CTFIX-PRE', '-A OUTPUT -j CTFIX-OUT'],
    '-A CTFIX-OUT -p tcp -m tcp --sport 80 -j CT --notrack',
    '-A CTFIX-PRE -p tcp -m tcp --dport 80 -j CT --notrack',
    ...['COMMIT', '# Completed', '*filter', ':INPUT DROP [1:40]', ':FORWARD ACCEPT [0:0]'],
    ...[':OUTPUT ACCEPT [5:300]', ':CTFIX-IN - [0:0]'],
    ...rules.slice(1, 2),
    '-A INPUT -j CTFIX-IN',
    ...rules.slice(2),
    ...['-A CTFIX-IN -p tcp -m tcp --dport 80 -j ACCEPT', 'COMMIT', ''],
  )
  const NFT = `${LEGACY.split('COMMIT\n').toReversed().slice(1).join('COMMIT\n')}COMMIT\n`

  it('is left alone, in whatever order its tables and chains come, with counters or without', () => {
    const counted = LEGACY.replace(/^-A/gm, '[4:240] -A')
    const older = LEGACY.replaceAll('CT --notrack', 'NOTRACK').replaceAll(' -m tcp', '')
    for (const text of [LEGACY, NFT, counted, older]) expect(withPieces(text, ALL)).toBe(text)
  })

  it('is left alone where others came between our jump and the rules about states', () => {
    const text = LEGACY.replace('-A INPUT -j CTFIX-IN', '$&\n-A INPUT -s 203.0.113.9/32 -j DROP')
    expect(withPieces(text, ALL)).toBe(text)
  })

  it.each([
    ['a rule more', LEGACY.replace(/-A CTFIX-IN.*/, '$&\n-A CTFIX-IN -j ACCEPT')],
    ['no jump', LEGACY.replace('-A OUTPUT -j CTFIX-OUT\n', '')],
    ['a jump twice', LEGACY.replace('-A OUTPUT -j CTFIX-OUT', '$&\n$&')],
    ['a jump with a condition', LEGACY.replace('-A OUTPUT -j CTFIX-OUT', '-A OUTPUT -o lo -j CTFIX-OUT')],
    ['a chain more', LEGACY.replace(':CTFIX-IN - [0:0]', '$&\n:CTFIX-OLD - [0:0]')],
    [
      'a jump behind the rules about states',
      LEGACY.replace('-A INPUT -j CTFIX-IN\n', '').replace('-A CTFIX-IN', '-A INPUT -j CTFIX-IN\n$&'),
    ],
    ['a jump behind others of the raw table', LEGACY.replace('-A PREROUTING -j', '-A PREROUTING -j ACCEPT\n$&')],
    ['a table twice', `${LEGACY}*filter\nCOMMIT\n`],
  ])('is written where it has %s', (_what, text) => {
    const written = withPieces(text, ALL)
    expect(written).not.toBe(text)
    expect(withPieces(written, ALL)).toBe(written)
  })

  it('is written where it names a target that its tool does not know', () => {
    const older = ALL.map(({ state, ...rest }) => {
      const words = state.rules.map(rule => splitWords(rule.join(' ').replace('CT --notrack', 'NOTRACK')))
      return { ...rest, state: { ...state, rules: words } }
    })
    const written = withPieces(LEGACY, older)
    expect(written).not.toContain('--notrack')
    expect(withPieces(written, older)).toBe(written)
  })
})
