import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { everyEntry, grammarOf, isHelp } from '../../../src/cli/grammar.ts'
import { createProgram } from '../../../src/cli/index.ts'
import { manPage } from '../../../src/cli/man.ts'
import { strategyPages } from '../../../src/cli/strategies.ts'

const ROOT = join(import.meta.dirname, '../../..')
const { version, man, files } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
const program = grammarOf(createProgram(version))
const page = manPage(program, { version, strategies: strategyPages() })

describe('man/ctfix.1', () => {
  it('is what the program yields now (node tools/man.ts writes it)', () => {
    expect(readFileSync(join(ROOT, 'man/ctfix.1'), 'utf8')).toBe(page)
  })

  it('is in the package', () => {
    expect(man).toBe('man/ctfix.1')
    expect(files).toContain('man')
  })

  it('has every command and every flag', () => {
    const entries = everyEntry(program).filter(entry => !isHelp(entry))
    const flags = entries.flatMap(({ path, flags: some }) =>
      path.length === 0 ? [] : some.flatMap(({ names }) => names),
    )
    const absent = flags.filter(
      flag => !flag.includes('-h') && !page.includes(`\\fB${flag.replaceAll('-', '\\-')}\\fR`),
    )
    expect(flags.length).toBeGreaterThan(100)
    expect(absent).toEqual([])
  })

  it('has nothing that roff warns about', () => {
    const { error, stdout, stderr } = spawnSync('groff', ['-ww', '-man', '-Tutf8', '-z'], {
      input: page,
      encoding: 'utf8',
    })
    expect(error).toBeUndefined()
    expect(stdout + stderr).toBe('')
  })

  it('keeps a line that begins with a dot, and a backslash', () => {
    const about = { version: '1', strategies: [{ name: 'x', summary: '.hidden \\n', options: [] }] }
    expect(manPage({ path: [], description: "'quoted", flags: [], operands: [], entries: [] }, about)).toMatch(
      /\n\\&'quoted\n[\s\S]*\n\\&\.hidden \\en\n/,
    )
  })
})
