/** The parts of the probe are one program on the host: what one keeps for later the other must not overwrite. */
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

const textOf = (name: string): string => readFileSync(`src/facts/remote/${name}.sh`, 'utf8')

it.each([
  ['tracking', 'started'],
  ['census', 'census_found'],
])('%s.sh writes no variable that probe.sh sets for all of its functions', (name, one) => {
  const kept = [...textOf('probe').matchAll(/^([a-z_]+)=/gm)].map(([, name]) => name)
  expect(kept).toContain('programs')
  const written = [...textOf(name).matchAll(/(?:^|[\s;{(])([a-z_]+)=/gm)].map(([, name]) => name)
  expect(written).toContain(one)
  expect(kept.filter(name => written.includes(name))).toEqual([])
})
