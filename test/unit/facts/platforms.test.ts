import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseProbe } from '../../../src/facts/parse.ts'
import { PLATFORMS } from '../../facts/platforms.ts'

const FIXTURES = new URL('../../facts/', import.meta.url)
const names = readdirSync(FIXTURES, { withFileTypes: true }).flatMap(entry => (entry.isDirectory() ? [entry.name] : []))

function fixture(name: string): { output: string; nonce: string; facts: unknown } {
  const read = (file: string): string => readFileSync(new URL(`${name}/${file}`, FIXTURES), 'utf8')
  const output = read('probe.txt')
  return { output, nonce: /@@(\S+) /.exec(output)?.[1] ?? '', facts: JSON.parse(read('facts.json')) }
}

describe('recorded platforms', () => {
  it('has a recording of every platform that can be played, and no other', () => {
    expect(names.toSorted()).toEqual(Object.keys(PLATFORMS).toSorted())
  })

  it.each(names)('understands %s', name => {
    const { output, nonce, facts } = fixture(name)
    expect(JSON.parse(JSON.stringify(parseProbe(name, output, nonce)))).toEqual(facts)
  })

  it.each(names)('refuses every cut-off answer of %s', name => {
    const { output, nonce } = fixture(name)
    for (let length = 0; length < output.length - `@@${nonce} end\n`.length; length += 97) {
      expect(() => parseProbe(name, output.slice(0, length), nonce)).toThrow(
        expect.objectContaining({ name: 'ProbeError' }),
      )
    }
  })

  it.each(names)('finds nothing changed by the look on %s', name => {
    const { output, nonce } = fixture(name)
    expect(parseProbe(name, output, nonce).passive).toEqual({ modules: 'same', tables: 'same' })
  })
})
