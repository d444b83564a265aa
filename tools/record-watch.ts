/** Writes docs/watch.md: a watch over made-up hosts on real terminals, and its screen at a few moments. `node tools/record-watch.ts` */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PROGRAM } from '../test/lab/product.ts'
import { startWatchHosts } from '../test/lab/simulated/watch/hosts.ts'
import { createEmulator } from '../test/support/screen.ts'
import { inTerminal } from '../test/support/terminal.ts'

const HOSTS = 200

interface Moment {
  readonly title: string
  readonly shows: (screen: string) => boolean
  /** Typed once it is kept. */
  readonly type: string
}

interface Sitting {
  readonly columns: number
  readonly rows: number
  readonly moments: readonly Moment[]
}

/** Trends as wide as they get. */
const trends = (screen: string): number => screen.split(/[▁-█]{8} /).length - 1

const SITTINGS: readonly Sitting[] = [
  {
    ...{ columns: 80, rows: 24 },
    moments: [
      {
        title: 'The fleet, 80 × 24',
        shows: screen => screen.includes('200 live · 10 losing') && trends(screen) > 12,
        type: 's',
      },
      { title: '`s`: by rate', shows: screen => screen.includes('sort: rate'), type: '/edge-01\r' },
      { title: '`/`: some of them', shows: screen => screen.includes(' /edge-01'), type: '?' },
      { title: '`?`: what it means', shows: screen => screen.includes('drops/s  packets'), type: 'q' },
    ],
  },
  {
    ...{ columns: 110, rows: 16 },
    moments: [
      {
        title: 'Wider, with a host that is lost',
        shows: screen => screen.includes('1 lost') && /lost 1\ds/.test(screen) && trends(screen) > 8,
        type: 'q',
      },
    ],
  },
]

await using watched = await startWatchHosts(HOSTS, n => `edge-${String(n + 1).padStart(3, '0')}.example.net`)
const { directory, inventory } = watched.product
const fixed = ['-i', inventory, '--known-hosts', join(directory, 'known_hosts'), '--connect-timeout', '3s']

async function record({ columns, rows, moments }: Sitting): Promise<string[]> {
  const screen = createEmulator(columns, rows)
  const waiting = [...moments]
  const shown: string[] = []
  let fed = 0
  let severed = false
  await inTerminal([process.execPath, PROGRAM, 'watch', ...fixed, '--interval', '1s'], {
    ...{ columns, rows, timeoutMs: 120_000, env: { NO_COLOR: '1' } },
    react(written) {
      screen.feed(written.slice(fed))
      fed = written.length
      const now = screen.rows().join('\n').trimEnd()
      const [next] = waiting
      if (!severed && columns > 100 && now.includes('200 live')) {
        severed = true
        // One of those that drop: it stays at the top with its last numbers.
        watched.tell('refuse sim-104')
      }
      if (!screen.whole() || !next?.shows(now)) return null
      waiting.shift()
      shown.push(`## ${next.title}`, '', '```text', now, '```', '')
      return { type: next.type }
    },
  })
  if (waiting.length > 0) throw new Error(`never seen: ${waiting.map(({ title }) => title).join(', ')}`)
  return shown
}

const screens: string[] = []
for (const sitting of SITTINGS) screens.push(...(await record(sitting)))

const page = `# A watch in a terminal

Two hundred made-up hosts, as a recorder saw the screen. Of every twenty one drops packets, one fills and one grows; the
others breathe. Written by \`tools/record-watch.ts\`.

\`\`\`text
$ ctfix watch --interval 1s -i inventory.yaml
\`\`\`

${screens.join('\n').trimEnd()}
`
writeFileSync('docs/watch.md', page)
process.stdout.write(`docs/watch.md: ${SITTINGS.flatMap(({ moments }) => moments).length} screens\n`)
