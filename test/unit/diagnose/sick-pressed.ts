/** Hosts whose table is full, was full, or soon will be. */
import { before, busy, but, type Case, calm, censusOf, counters, cured, logged, WEB } from './hosts.ts'

const flood = censusOf([['udp', null, { entries: 64_000, unreplied: 63_000 }]], {
  ports: [{ protocol: 'udp', port: 53, entries: 20_000, served: 20_000 }],
  peers: [{ address: '203.0.113.9', entries: 9_000 }],
})
const idle = censusOf([['tcp', 'ESTABLISHED', { entries: 40_000, assured: 40_000, idle: 30_000 }]], {
  ports: [{ protocol: 'tcp', port: 5432, entries: 15_000, served: 15_000 }],
  peers: [{ address: WEB, entries: 9_000 }],
})

export const PRESSED: readonly Case[] = [
  {
    host: 'full at this moment',
    facts: but(calm, {
      ...{ count: 65_536, census: busy, stats: counters(calm, { drop: 900 }), log: logged(40) },
      earlier: before(calm, { drop: 700 }, 65_536),
    }),
    finds: [
      ['table-full', 'critical'],
      ['filled-by', 'notice'],
    ],
    says: /full: 65,536 of 65,536 entries \(100\.0 %\)/,
    recommends: ['raise'],
  },
  {
    host: 'full, with a moment of room',
    facts: but(calm, {
      ...{ count: 50_000, stats: counters(calm, { drop: 900 }), log: logged(40) },
      earlier: {
        ...before(calm, { drop: 700 }, 65_536),
        log: logged(30),
        secondsBefore: 10,
        stats: counters(calm, { drop: 700 }),
      },
    }),
    finds: [['table-full', 'critical']],
    says: /full: 50,000 of 65,536/,
    recommends: ['raise'],
  },
  {
    host: 'full two hours ago',
    facts: but(calm, { stats: counters(calm, { drop: 12_000 }), log: logged(60, 79_200), count: 30_000 }),
    finds: [['table-was-full', 'warning']],
    says: /was full 2h ago.*60 times/,
    recommends: ['raise'],
  },
  {
    host: 'full ten days ago, and well since',
    facts: but(calm, { stats: counters(calm, { drop: 12_000 }), log: logged(60, 400), uptimeSeconds: 864_400 }),
    finds: [['table-was-full', 'notice']],
    says: /10d ago/,
    recommends: [],
  },
  {
    host: 'overflowing in silence under a flood',
    facts: but(calm, {
      ...{ count: 65_536, census: flood, stats: counters(calm, { early_drop: 9_000 }) },
      earlier: before(calm, { early_drop: 4_000 }, 65_536),
    }),
    finds: [
      ['early-drop', 'critical'],
      ['nearly-full', 'warning'],
      ['mostly-unreplied', 'warning'],
      ['filled-by', 'notice'],
    ],
    says: /overflows in silence: 9,000 entries/,
    recommends: ['raise'],
  },
  {
    host: 'refusing connections because of long chains',
    facts: but(cured, {
      ...{ count: 20_000, buckets: 512, modprobeSettings: [] },
      stats: counters(cured, { chainlength: 3_000, insert_failed: 3_000 }),
      earlier: before(cured, { chainlength: 1_000, insert_failed: 1_000 }, 20_000),
    }),
    finds: [
      ['long-chains', 'critical'],
      ['few-buckets', 'warning'],
    ],
    says: /refused in silence: 3,000 times/,
    recommends: ['raise'],
  },
  {
    host: 'losing packets of DNS clients that race',
    facts: but(calm, { stats: counters(calm, { insert_failed: 500 }), earlier: before(calm, { insert_failed: 300 }) }),
    finds: [['insert-failed', 'warning']],
    says: /500 entries could not be inserted/,
    recommends: [],
  },
  {
    host: 'nearly full, and full in a minute',
    facts: but(calm, { count: 60_000, census: busy, earlier: before(calm, {}, 59_000) }),
    finds: [
      ['nearly-full', 'critical'],
      ['filled-by', 'notice'],
    ],
    says: /91\.6 % full, and full in 56s at the rate observed/,
    recommends: ['raise'],
  },
  {
    host: 'full of idle connections to a database',
    facts: but(calm, { count: 40_000, census: idle }),
    finds: [['idle-entries', 'warning']],
    says: /free 75\.0 % of the entries: 30,000/,
    recommends: ['timeouts'],
  },
  {
    host: 'nearly full of idle connections',
    facts: but(calm, { count: 60_000, census: { ...idle, rows: 40_000 } }),
    finds: [
      ['nearly-full', 'warning'],
      ['idle-entries', 'warning'],
      ['filled-by', 'notice'],
    ],
    says: /91\.6 % full/,
    recommends: ['raise', 'timeouts'],
  },
]
