/** Plays every platform under dash and writes down what the probe printed and what was understood. Format and look at the diff after. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { parseProbe } from '../../src/facts/parse.ts'
import { PLATFORMS } from './platforms.ts'
import { Stage } from './stage.ts'

for (const [name, platform] of Object.entries(PLATFORMS)) {
  using stage = new Stage(platform, 'dash')
  const { nonce, stdout } = stage.probe({ states: true })
  const directory = new URL(`./${name}/`, import.meta.url)
  mkdirSync(directory, { recursive: true })
  writeFileSync(new URL('probe.txt', directory), stdout)
  writeFileSync(new URL('facts.json', directory), `${JSON.stringify(parseProbe(name, stdout, nonce), null, 2)}\n`)
}
