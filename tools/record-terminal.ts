/**
 * Writes docs/terminal.md: a run over a thousand made-up hosts, recorded in a real terminal of 80 × 24, and its screen at a
 * few moments. `node tools/record-terminal.ts`
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { RAISE, startNight } from '../test/lab/simulated/thousand.ts'
import { createEmulator } from '../test/support/screen.ts'
import { inTerminal } from '../test/support/terminal.ts'

const HOSTS = 1000
const SIZE = { columns: 80, rows: 24 }
const WORDS = [...RAISE, '--yes', '--canary', 'web-0001,web-0002', '--serial', '25%,75%', '--bake', '5s']
const LIMITS = ['--max-unreachable', '3%', '--max-failed', '2%']

interface Moment {
  readonly title: string
  /** True for the first screen that shows it. */
  readonly shows: (screen: string) => boolean
}

const doneIn = (screen: string): number =>
  Number(/([\d,]+) of 1,000 hosts done/.exec(screen)?.[1]?.replaceAll(',', '') ?? -1)

const MOMENTS: readonly Moment[] = [
  { title: 'After the canary', shows: screen => screen.includes('after batch 1: waiting') },
  { title: 'In the second batch', shows: screen => doneIn(screen) >= 120 },
  { title: 'In the last batch', shows: screen => doneIn(screen) >= 600 },
  { title: 'The last hosts', shows: screen => doneIn(screen) >= 985 },
]

await using night = await startNight(HOSTS)
const { directory, inventory } = night.product
const program = fileURLToPath(new URL('../bin/ctfix.js', import.meta.url))
const state = join(directory, 'state')
const fixed = ['-i', inventory, '--known-hosts', join(directory, 'known_hosts'), '--state-dir', state]
const words = [...WORDS, ...LIMITS]
const command = [process.execPath, program, ...words, ...fixed]
const { chunks, exitCode } = await inTerminal(command, { ...SIZE, env: { NO_COLOR: '1' }, timeoutMs: 900_000 })

const screen = createEmulator(SIZE.columns, SIZE.rows)
const shown: string[] = []
const waiting = [...MOMENTS]
for (const { text } of chunks) {
  screen.feed(text)
  const now = screen.rows().join('\n').trimEnd()
  const [next] = waiting
  if (!next?.shows(now)) continue
  waiting.shift()
  shown.push(`## ${next.title}`, '', '```text', now, '```', '')
}
if (waiting.length > 0) throw new Error(`never seen: ${waiting.map(({ title }) => title).join(', ')}`)

const transcript = screen.transcript().join('\n').trimEnd()
// Where this machine keeps the record is nobody's business.
const plain = transcript.replaceAll(/^record: [^\n]*(?:\n\S+)?$/gm, 'record: ~/.local/state/ctfix/runs/RUN')
const page = `# A run in a terminal

A thousand made-up hosts, a terminal of ${SIZE.columns} × ${SIZE.rows}, as a recorder saw it. Of every hundred hosts two let
nobody in and one gets worse by the change; the answers of the others are those of one Debian host whose table was full.
Both ends run on one small machine, so the times say nothing. Written by \`tools/record-terminal.ts\`.

\`\`\`text
$ ctfix ${words.join(' ')} -i inventory.yaml
\`\`\`

${shown.join('\n')}
## The end

All that is left, with what has left the screen at its top. Exit code ${exitCode}: hosts were rolled back.

\`\`\`text
${plain}
\`\`\`
`
writeFileSync('docs/terminal.md', page)
process.stdout.write(`docs/terminal.md: ${MOMENTS.length} screens, exit code ${exitCode}\n`)
