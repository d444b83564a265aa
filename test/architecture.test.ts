/** What is shipped beside the program holds together: example, playbooks, schemas, and the README's tables. */
import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { stepsOfPlay } from '../src/cli/task.ts'
import { EXIT } from '../src/errors.ts'
import { loadInventory } from '../src/inventory/index.ts'
import { readPlaybook } from '../src/inventory/playbook.ts'
import { strategies } from '../src/strategy/index.ts'
import { jsonSchemas } from '../src/view/schema.ts'

const ROOT = join(import.meta.dirname, '..')
const names = strategies.map(({ name }) => name)
const playbooks = globSync('playbooks/*.yaml', { cwd: ROOT }).toSorted()
/** The first cell of every row of the README's tables. */
const readmeCells = (): string[] =>
  readFileSync(join(ROOT, 'README.md'), 'utf8')
    .split('\n')
    .flatMap(line => /^\| (.+?) \|/.exec(line)?.[1] ?? [])

describe('strategies', () => {
  it('have names of their own', () => {
    expect(new Set(names).size).toBe(names.length)
  })

  it('are in the README, all and no others', () => {
    const listed = readmeCells().flatMap(cell => /^\*\*(\w+)\*\*$/.exec(cell)?.[1] ?? [])
    expect(listed).toEqual(names)
  })
})

/** Files and packages that a file loads as soon as it is loaded itself, and so on. Types and import('…') do not count. */
function loadedBy(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen
  seen.add(file)
  if (!file.startsWith(ROOT)) return seen
  const imports = readFileSync(file, 'utf8').matchAll(/^(?:import|export)\s(?!type\b)[^'"]*?from\s+'([^']+)'/gms)
  for (const [, target = ''] of imports) loadedBy(target.startsWith('.') ? join(dirname(file), target) : target, seen)
  return seen
}

it('help is there at once: what only a run needs is loaded by the run', () => {
  const loaded = loadedBy(join(ROOT, 'src/main.ts'))
  expect([...loaded].filter(name => !name.startsWith(ROOT) && !name.startsWith('node:'))).toEqual(['commander'])
})

it('exit codes are in the README, all and no others', () => {
  const listed = readmeCells().filter(cell => /^\d+$/.test(cell))
  expect(listed.map(Number)).toEqual(Object.values(EXIT))
})

it('the example inventory decodes', () => {
  expect(loadInventory([join(ROOT, 'inventory.example.yaml')]).hosts.length).toBeGreaterThan(0)
})

describe('playbooks', () => {
  it('are there', () => {
    expect(playbooks).toEqual(
      [
        'blacklist',
        'notrack-cache',
        'notrack-ftp-passive',
        'notrack-local-out',
        'notrack-web',
        'raise-and-timeouts',
        'raise',
        'timeouts',
        'untrigger',
      ].map(name => `playbooks/${name}.yaml`),
    )
  })

  it.each(playbooks)('%s decodes, options included', file => {
    const plays = readPlaybook(join(ROOT, file))
    expect(plays.flatMap(stepsOfPlay).length).toBeGreaterThan(0)
    for (const { name } of plays) expect(name).not.toBeNull()
  })
})

it('every schema is a file, and every file a schema', () => {
  const files = globSync('*.json', { cwd: join(ROOT, 'schemas') })
  expect(files.toSorted()).toEqual([...jsonSchemas().keys()].toSorted())
})
