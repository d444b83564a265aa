/** What is shipped beside the program holds together: example, playbooks, schemas, and the README's tables. */
import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
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
        'fleet-in-batches',
        'notrack-all',
        'notrack-cache',
        'notrack-dns',
        'notrack-ftp-passive',
        'notrack-local-out',
        'notrack-web',
        'raise-and-timeouts',
        'raise',
        'tiers',
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

describe('the schema of playbooks, as editors have it', () => {
  const shipped = JSON.parse(readFileSync(join(ROOT, 'schemas/playbook-1.schema.json'), 'utf8'))
  const schema = z.fromJSONSchema(shipped)
  const play = { hosts: 'all', strategy: 'raise' }

  it.each(playbooks)('%s names it, and is what it wants', file => {
    const text = readFileSync(join(ROOT, file), 'utf8')
    expect(text).toMatch(/^# yaml-language-server: \$schema=\.\.\/schemas\/playbook-1\.schema\.json\n/)
    expect(schema.safeParse(parse(text)).error).toBeUndefined()
  })

  it.each<[object, boolean]>([
    [{}, true],
    [{ serial: [1, '10%', '100%'], max_failed: 0, max_unreachable: '5%', bake: '2m', order: 'pressure' }, true],
    [{ strategy: ['raise', 'timeouts'], options: { max: 'auto', timeouts: { established: 7440 } } }, true],
    [{ strategy: 'raise, timeouts', options: null }, true],
    [{ strategy: 'auto' }, true],
    [{ strategy: ['timeouts', 'auto'] }, true],
    [{ seriel: 1 }, false],
    [{ serial: 0 }, false],
    [{ serial: 'many' }, false],
    [{ max_failed: -1 }, false],
    [{ order: 'worst' }, false],
    [{ strategy: 'rise' }, false],
    [{ options: { maxx: 1 } }, false],
    [{ options: { timeouts: { max: 1 } } }, false],
  ])('%j', (keys, isRight) => {
    expect(schema.safeParse([{ ...play, ...keys }]).success).toBe(isRight)
  })
})

it('every schema is a file, and every file a schema', () => {
  const files = globSync('*.json', { cwd: join(ROOT, 'schemas') })
  expect(files.toSorted()).toEqual([...jsonSchemas().keys()].toSorted())
})
