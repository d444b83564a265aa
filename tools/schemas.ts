/** schemas/ from src/view/schema.ts. Run it when a document changes; a test compares. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { jsonSchemas } from '../src/view/schema.ts'

mkdirSync('schemas', { recursive: true })
for (const [name, schema] of jsonSchemas()) writeFileSync(join('schemas', name), `${JSON.stringify(schema, null, 2)}\n`)

const format = ['node_modules/@biomejs/biome/bin/biome', 'format', '--write', 'schemas']
process.exitCode = spawnSync(process.execPath, format, { stdio: 'inherit' }).status ?? 1
