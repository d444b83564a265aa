/**
 * `npm run bench -- [HOSTS…]`: ctfix beside Ansible, clush and plain ssh, on the same hosts, in one run; then ctfix alone
 * against many simulated hosts. Prints tables, writes all numbers to bench.json, and docs/benchmarks.md where asked.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { helpMs } from './bench/help.ts'
import { thisMachine } from './bench/machine.ts'
import { type Race, race } from './bench/race.ts'
import { asMarkdown, asText, type Bench } from './bench/report.ts'
import { type Scale, scale } from './bench/scale.ts'

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '3' },
    scale: { type: 'string', default: '50,500,1000,2000' },
    json: { type: 'string', default: 'bench.json' },
    markdown: { type: 'boolean', default: false },
  },
})

const log = (line: string): void => void process.stderr.write(`${line}\n`)
const counts = positionals.length > 0 ? positionals : ['10', '50', '100']
const races: Race[] = []
const scales: Scale[] = []
const bench: Bench = { machine: thisMachine(), races, scales, helpMs: helpMs(9) }

/** After each part: a run takes long, and what is measured is measured. */
function save(): void {
  writeFileSync(flags.json, `${JSON.stringify(bench, null, 2)}\n`)
  if (!flags.markdown) return
  const [intro = '', outro = ''] = ['intro', 'outro'].map(name =>
    readFileSync(new URL(`bench/${name}.md`, import.meta.url), 'utf8'),
  )
  writeFileSync(new URL('../docs/benchmarks.md', import.meta.url), asMarkdown(bench, { intro, outro }))
}

for (const count of flags.scale.split(',').filter(word => word !== '')) {
  log(`${count} simulated hosts`)
  scales.push(...(await scale(Number(count))))
  save()
}
for (const count of counts) {
  races.push(await race(Number(count), Number(flags.rounds), log))
  save()
}
process.stdout.write(asText(bench))
