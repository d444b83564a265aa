/** Writes the record of every case of the corpus, as the Ansible of this machine reads it. */
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { askAnsible, cases, recordFile } from './corpus.ts'

const said = askAnsible()
for (const name of cases) writeFileSync(recordFile(name), `${JSON.stringify(said[name], null, 2)}\n`)

const format = ['node_modules/@biomejs/biome/bin/biome', 'format', '--write', 'test/inventory/corpus']
process.exitCode = spawnSync(process.execPath, format, { stdio: 'inherit' }).status ?? 1
