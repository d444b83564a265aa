import { describe, expect, it } from 'vitest'
import { ZodError } from 'zod'
import { flowSelectors } from '../../../../src/strategy/notrack/entries.ts'
import { flowsText, options, settledOptions } from '../../../../src/strategy/notrack/options.ts'

function errors(input: unknown): string[] {
  const decoded = options.safeParse(input)
  return decoded.success ? [] : decoded.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
}

const ranges = (input: unknown): string[] => options.parse({ tcp: input }).tcp.map(({ from, to }) => `${from}-${to}`)

describe('ports', () => {
  it.each<[input: unknown, ranges: string[]]>([
    [80, ['80-80']],
    ['80', ['80-80']],
    ['443, 80', ['80-80', '443-443']],
    [
      [443, '60000:60100', '1-5'],
      ['1-5', '443-443', '60000-60100'],
    ],
    [['80:90', 85, '88:100'], ['80-100']],
    [[80, '80'], ['80-80']],
    [
      [79, 80, '81:90'],
      ['79-79', '80-80', '81-90'],
    ],
    ['1:65535', ['1-65535']],
  ])('%j', (input, expected) => {
    expect(ranges(input)).toEqual(expected)
  })

  it.each([0, 65_536, -1, 1.5, 'ssh', '90:80', '80:', ':80', '1:2:3', '', '80;81', '80 81', '0x50'])(
    '%j are none',
    input => {
      expect(errors({ tcp: input })).toEqual([
        `tcp: expected ports from 1 to 65535 or ranges such as 60000:60100, got "${input}"`,
      ])
    },
  )

  it('are 128 at most, once what overlaps is one', () => {
    const many = (count: number): number[] => Array.from({ length: count }, (_, i) => 2 * i + 1)
    expect(errors({ udp: many(128) })).toEqual([])
    expect(errors({ udp: many(129) })).toEqual(['udp: expected at most 128 ports and ranges'])
  })
})

describe('peers and addresses', () => {
  it('are kept as tools print them, each once', () => {
    const { peers } = options.parse({ tcp: 80, peers: '10.1.2.3/8, 2001:DB8::0:5,192.0.2.1/32, 192.0.2.1' })
    expect(peers).toEqual(['10.0.0.0/8', '192.0.2.1', '2001:db8::5'])
  })

  it.each(['example.org', '10.0.0.0/33', '10.0.0', '::/129', '0.0.0.0/0', '::/0', '', '192.0.2.1-192.0.2.9'])(
    '%j are none',
    word => {
      expect(errors({ tcp: 80, peers: word })).toEqual([`peers: expected addresses or networks, got "${word}"`])
    },
  )
})

describe('what is asked for', () => {
  it('is something', () => {
    const message = ': expected tcp or udp ports, local_out, or all'
    for (const nothing of [{}, { tcp: [] }, { peers: '192.0.2.1' }, { all: false }]) {
      expect(errors(nothing)).toEqual([message])
    }
    for (const some of [{ tcp: 80 }, { udp: 53 }, { local_out: true }, { all: true }]) expect(errors(some)).toEqual([])
  })

  it('knows no other words', () => {
    expect(() => options.parse({ tcp: 80, ports: 80 })).toThrow(ZodError)
    expect(errors({ tcp: 80, families: 5 })).toHaveLength(1)
  })

  it('comes to the same when it is settled and decoded again', () => {
    for (const input of [
      { tcp: [80, '443', '8000-8100'], udp: 53, peers: '10.0.0.1/8', addresses: '2001:DB8::5', families: [6, 4, 6] },
      { all: true, families: 4 },
      { local_out: true },
    ]) {
      const decoded = options.parse(input)
      expect(options.parse(JSON.parse(JSON.stringify(settledOptions(decoded))))).toEqual(decoded)
    }
  })

  it.each<[input: unknown, text: string, selectors: string]>([
    [{ tcp: [443, 80], udp: '53:55' }, 'tcp 80, 443 and udp 53-55', 'tcp 80,443 - -;udp 53-55 - -'],
    [
      { tcp: 80, peers: '10.0.0.0/8', addresses: ['192.0.2.5', '2001:db8::5'] },
      'tcp 80',
      'tcp 80 10.0.0.0/8 192.0.2.5,2001:db8::5',
    ],
    [{ local_out: true }, 'what this host begins', 'tcp own - -'],
    [{ all: true, tcp: 22 }, 'everything', 'any * - -'],
  ])('%j in words, and for the probe', (input, text, selectors) => {
    const decoded = options.parse(input)
    expect(flowsText(decoded)).toBe(text)
    expect(flowSelectors(decoded)).toBe(selectors)
  })
})
