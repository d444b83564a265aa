/** The page on recipes names a case for each of its rows, and every one of them is there. */
import { existsSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

const rows = readFileSync('docs/runbooks.md', 'utf8')
  .split('\n')
  .filter(line => line.startsWith('| ') && !line.startsWith('| ---') && !line.startsWith('| the recipe'))

it.each(rows)('%s', row => {
  const cell = row.split(/(?<!\\)\|/).at(-2) ?? ''
  const named = [...cell.matchAll(/`([^`]+)`/g)].map(match => match[1] ?? '')
  expect(named.length).toBeGreaterThan(0)
  for (const name of named)
    expect(existsSync(name.startsWith('test/') ? name : `test/strategy/${name}`), name).toBe(true)
})
