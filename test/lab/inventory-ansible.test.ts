/** The records of the inventory corpus against the Ansible of this machine: they must not rot. And ctfix against it. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { askAnsible, cases, comparable, namesIn, ours, type Reading, recorded } from '../inventory/corpus.ts'
import { type Files, inventory } from '../inventory/random.ts'

describe('the corpus', () => {
  let said: Readonly<Record<string, Reading>> = {}

  beforeAll(() => {
    said = askAnsible()
  })

  test('Ansible read every inventory of it', () => {
    expect(Object.keys(said).toSorted()).toEqual(cases)
  })

  test.each(cases)('%s is recorded as Ansible reads it', name => {
    expect(said[name]).toEqual(recorded(name))
  })
})

function writeCase(directory: string, files: Files): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true })
    writeFileSync(join(directory, name), text)
  }
  const second = 'two/hosts' in files ? ['two/hosts'] : []
  const played = Object.keys(files).some(name => name.startsWith('play/')) ? { playbook: 'play' } : {}
  // Parts that name nothing are errors here and warnings there; of these each inventory has all.
  const patterns = ['all', 'web', 'all:!web', 'db:&app', 'edge,cache', '!db', '~(web|app)$', 'all:!*b*:app']
  writeFileSync(join(directory, 'case.json'), JSON.stringify({ sources: ['hosts', ...second], ...played, patterns }))
}

test('80 inventories made up by chance are what Ansible makes of them', async () => {
  const corpus = mkdtempSync(join(tmpdir(), 'ctfix-random-'))
  try {
    // Whoever sees it fail needs the seed, to see it again.
    const seed = Date.now() % 1_000_000
    for (const [i, files] of fc.sample(inventory, { numRuns: 80, seed }).entries()) {
      writeCase(join(corpus, `seed-${seed}-${String(i).padStart(3, '0')}`), files)
    }
    const said = askAnsible(corpus)
    const names = namesIn(corpus)
    expect(names).toHaveLength(80)
    for (const name of names) {
      const expected = said[name]
      if (!expected) throw new Error(`Ansible said nothing of ${name}`)
      expect([name, comparable(await ours(name, corpus), expected)]).toEqual([name, expected])
    }
  } finally {
    rmSync(corpus, { recursive: true })
  }
})
