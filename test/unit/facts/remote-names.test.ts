/** The two halves of the probe are one program on the host: what one keeps for later the other must not overwrite. */
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

const textOf = (name: string): string => readFileSync(`src/facts/remote/${name}.sh`, 'utf8')

it('tracking.sh writes no variable that probe.sh sets for all of its functions', () => {
  const kept = [...textOf('probe').matchAll(/^([a-z_]+)=/gm)].map(([, name]) => name)
  expect(kept).toContain('programs')
  const written = [...textOf('tracking').matchAll(/(?:^|[\s;{(])([a-z_]+)=/gm)].map(([, name]) => name)
  expect(written).toContain('started')
  expect(kept.filter(name => written.includes(name))).toEqual([])
})
