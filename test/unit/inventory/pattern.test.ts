import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ConfigError, CtfixError, NoMatchError, UsageError } from '../../../src/errors.ts'
import { expandHosts } from '../../../src/inventory/host-range.ts'
import { selectHosts } from '../../../src/inventory/pattern.ts'
import { load, write } from './inventory.ts'

const fleet = load(`
all:
  hosts: {solo: , y: , "2001:db8::1": }
  children:
    zeta: {hosts: {"web[01:03]": , dba: , dbc: }}
    alpha:
      hosts: {web02: , h: }
      children: {deep: {hosts: {web03: , deeponly: , WEB9: }}}
empty:
edge: {hosts: web01}
twin: {hosts: {twin: , other: }}
`)
const select = (pattern: string): string =>
  selectHosts(fleet, pattern)
    .map(({ name }) => name)
    .join(' ')
const ALL = 'solo y 2001:db8::1 web01 web02 web03 dba dbc h twin other deeponly WEB9'

describe('patterns', () => {
  test.each<[string, string]>([
    ['all', ALL],
    ['*', ALL],
    ['solo', 'solo'],
    ['zeta', 'web01 web02 web03 dba dbc'],
    ['alpha', 'web02 web03 h deeponly WEB9'],
    ['ungrouped', 'solo y 2001:db8::1'],
    // In inventory order, whatever the pattern's.
    ['h:solo', 'solo h'],
    ['h,solo', 'solo h'],
    [' h , solo ', 'solo h'],
    ['h solo', 'solo h'],
    ['h:y,solo', 'solo y h'],
    ['zeta:&alpha', 'web02 web03'],
    ['&alpha:zeta', 'web02 web03'],
    ['zeta:!alpha', 'web01 dba dbc'],
    ['!alpha:zeta', 'web01 dba dbc'],
    ['zeta,!alpha,!dba', 'web01 dbc'],
    ['!zeta:!twin', 'solo y 2001:db8::1 h deeponly WEB9'],
    ['&zeta', 'web01 web02 web03 dba dbc'],
    ['zeta:!empty', 'web01 web02 web03 dba dbc'],
    ['web*', 'web01 web02 web03'],
    ['web0?', 'web01 web02 web03'],
    ['web0[12]*', 'web01 web02'],
    ['web0[!1]*', 'web02 web03'],
    ['*b*', '2001:db8::1 web01 web02 web03 dba dbc'],
    ['db[a-b]', 'dba'],
    ['d*p', 'web03 deeponly WEB9'],
    // Ansible 2.14 takes `a*` for `all`; its own documentation says otherwise, and a slip must not be the whole fleet.
    ['al*', 'web02 web03 h deeponly WEB9'],
    ['~web', 'web01 web02 web03'],
    ['~(?i)WEB', 'web01 web02 web03 WEB9'],
    ['~web0[12]$', 'web01 web02'],
    ['~(web|db)(01|a):h', 'web01 dba h'],
    ['~web0{1,2}1', 'web01'],
    ['~\\Aweb\\d+\\Z', 'web01 web02 web03'],
    ['~(?P<n>web|db)(?:01|a)', 'web01 dba'],
    ['~web0{,2}1', 'web01'],
    ['~d[]b]a', 'dba'],
    ['zeta:!~web', 'dba dbc'],
    ['zeta[0]', 'web01'],
    ['zeta[-1]', 'dbc'],
    ['zeta[1:2]', 'web02 web03'],
    ['zeta[1-2]', 'web02 web03'],
    ['zeta[3-]', 'dba dbc'],
    ['zeta[1:]', 'web02 web03 dba dbc'],
    ['alpha[-1]', 'WEB9'],
    ['all[0]', 'solo'],
    ['zeta[3:99]', 'dba dbc'],
    ['zeta:!zeta[0]', 'web02 web03 dba dbc'],
    ['2001:db8::1', '2001:db8::1'],
    ['h,2001:db8::1', '2001:db8::1 h'],
    ['!2001:db8::1,ungrouped', 'solo y'],
    // Of a host and a group with one name Ansible chooses the host; who excludes it means both.
    ['twin', 'twin'],
    ['all:!twin', 'solo y 2001:db8::1 web01 web02 web03 dba dbc h deeponly WEB9'],
  ])('%s', (pattern, expected) => {
    expect(select(pattern)).toBe(expected)
  })

  test.each<[string, string]>([
    ['nope', 'no host or group matches "nope"'],
    ['web1', 'no host or group matches "web1"; did you mean web01?'],
    ['zeta:!alhpa', 'no host or group matches "!alhpa"; did you mean alpha?'],
    ['zeta:&dep', 'no host or group matches "&dep"; did you mean deep?'],
    ['x*', 'no host or group matches "x*"'],
    ['zeta,!lab*', 'no host or group matches "!lab*"'],
    ['~nope', 'no host or group matches "~nope"'],
    // Not web01 to web03: `web0` is no group.
    ['web0[1-3]', 'no host or group matches "web0[1-3]"'],
    ['zeta[9]', '"zeta[9]" matches nothing: zeta has 5 hosts, counted from 0'],
    ['zeta[-9]', '"zeta[-9]" matches nothing: zeta has 5 hosts, counted from 0'],
    ['zeta[2:1]', '"zeta[2:1]" matches nothing: zeta has 5 hosts, counted from 0'],
    ['empty', 'no host matches "empty"'],
    ['zeta:!zeta', 'no host matches "zeta:!zeta"'],
    ['edge:&twin', 'no host matches "edge:&twin"'],
    ['\u001b[31m', 'no host or group matches "\\\\x1b[31m"'],
  ])('%s matches nothing', (pattern, expected) => {
    expect(() => select(pattern)).toThrow(NoMatchError)
    expect(() => select(pattern)).toThrow(expected)
  })

  test.each([
    '',
    ',',
    ' ',
    ':',
    ',,',
    '!',
    '&',
    '~',
    'zeta:!',
    '~web\\q',
    '~[\\A]',
    '~\\p',
    '~(?P>x)',
    '~(',
    '~[',
    '[z-a]*',
  ])('%j is no pattern, and never all', pattern => {
    expect(() => select(pattern)).toThrow(UsageError)
    expect(() => selectHosts(fleet, pattern, { place: { file: 'site.yaml', line: 2 } })).toThrow(ConfigError)
  })

  test('@file: a pattern a line', () => {
    const file = write('web*\n\n!web02  \n h\n', 'failed.retry')
    expect(select(`@${file}`)).toBe('web01 web03 h')
    expect(select(`@${file}:!h`)).toBe('web01 web03')
    expect(() => select(`@${write('\n', 'empty')}`)).toThrow(NoMatchError)
    expect(() => select(`@${write('web9\n', 'gone')}`)).toThrow('no host or group matches "web9"; did you mean')
    expect(() => select('@/nonexistent/failed.retry')).toThrow('/nonexistent/failed.retry: no such file')
    expect(() => select('@')).toThrow(UsageError)
    // A play names its hosts itself.
    expect(() => selectHosts(fleet, `@${file}`, { place: { file: 'site.yaml', line: 2 } })).toThrow(ConfigError)
  })

  test('an inventory without hosts', () => {
    expect(() => selectHosts(load('x:'), 'all')).toThrow('no host matches "all"')
  })

  test('stars cost no exponential time', () => {
    const long = load(`x: {hosts: {${'a'.repeat(200)}: }}`)
    expect(() => selectHosts(long, `${'*a'.repeat(60)}*b`)).toThrow(NoMatchError)
  })

  test('any pattern gives hosts of the fleet, in its order, or a sentence', () => {
    const names = fleet.hosts.map(({ name }) => name)
    const words = fc.constantFrom(
      'all',
      'zeta',
      'web01',
      '!',
      '&',
      ':',
      ',',
      '*',
      '?',
      '[',
      ']',
      '0',
      '1',
      '-',
      '~',
      '(',
      ')',
      ' ',
      '{',
      '\\',
      '^',
      '\n',
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(words, { maxLength: 8 }).map(parts => parts.join('')),
        ),
        pattern => {
          try {
            const selected = selectHosts(fleet, pattern).map(({ name }) => name)
            expect(selected.length).toBeGreaterThan(0)
            expect(selected).toEqual(names.filter(name => selected.includes(name)))
          } catch (error) {
            expect(error).toBeInstanceOf(CtfixError)
          }
        },
      ),
      { numRuns: 3000 },
    )
  })
})

describe('ranges', () => {
  const place = { file: 'hosts' }

  test('any name expands or is refused with a sentence', () => {
    const words = fc.constantFrom(
      'web',
      '[',
      ']',
      ':',
      '0',
      '01',
      '20',
      'a',
      'f',
      '-',
      '9'.repeat(12),
      '[1:3]',
      '[a:c]',
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(words, { maxLength: 8 }).map(parts => parts.join('')),
        ),
        name => {
          try {
            expect(expandHosts(name, place).names.length).toBeGreaterThan(0)
          } catch (error) {
            expect(error).toBeInstanceOf(ConfigError)
          }
        },
      ),
      { numRuns: 3000 },
    )
  })

  test('a range holds both ends and each step between', () => {
    const bound = fc.nat({ max: 500 })
    fc.assert(
      fc.property(bound, bound, fc.integer({ min: 1, max: 9 }), (begin, length, step) => {
        const { names } = expandHosts(`n[${begin}:${begin + length}:${step}]`, place)
        expect(names[0]).toBe(`n${begin}`)
        expect(names).toHaveLength(Math.floor(length / step) + 1)
        expect(new Set(names).size).toBe(names.length)
      }),
    )
  })
})
