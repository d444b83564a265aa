import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { printNames } from '../../../src/cli/complete-names.ts'

let directory: string
let printed: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ctfix-names-'))
  vi.stubEnv('XDG_CACHE_HOME', join(directory, 'cache'))
  printed = ''
  vi.spyOn(process.stdout, 'write').mockImplementation(text => {
    printed += String(text)
    return true
  })
})

afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
  rmSync(directory, { recursive: true, force: true })
})

function put(name: string, text: string, mode = 0o644): string {
  const path = join(directory, name)
  writeFileSync(path, text, { mode })
  return path
}

async function namesIn(sources: readonly string[], onlyHosts = false): Promise<string[]> {
  printed = ''
  await printNames(sources, onlyHosts)
  return printed.split('\n').filter(name => name !== '')
}

const INI = '[web]\nweb-[1:2]\n'
const cache = (): string => join(directory, 'cache/ctfix/names.json')

describe('names for completion', () => {
  it('are groups, then hosts, of all sources', async () => {
    expect(await namesIn([put('a.ini', INI), 'db-1,'])).toEqual(['all', 'web', 'ungrouped', 'web-1', 'web-2', 'db-1'])
  })

  it('are hosts alone where groups are no answer', async () => {
    expect(await namesIn([put('a.ini', INI)], true)).toEqual(['web-1', 'web-2'])
  })

  it('are read from a directory, too', async () => {
    mkdirSync(join(directory, 'inventory'))
    put('inventory/hosts', INI)
    expect(await namesIn([join(directory, 'inventory')], true)).toEqual(['web-1', 'web-2'])
  })

  it('come from the last answer while no file changes, and anew once one did', async () => {
    const path = put('a.ini', INI)
    await namesIn([path])
    const kept = readFileSync(cache(), 'utf8').replaceAll('web-1', 'from-the-cache')
    writeFileSync(cache(), kept)
    expect(await namesIn([path], true)).toEqual(['from-the-cache', 'web-2'])
    put('a.ini', '[web]\nweb-7\n')
    utimesSync(path, 1, 1)
    expect(await namesIn([path], true)).toEqual(['web-7'])
  })

  it('of a fleet are for nobody else to read', async () => {
    await namesIn([put('a.ini', INI)])
    expect(statSync(cache()).mode & 0o777).toBe(0o600)
  })

  it('are not asked of a program', async () => {
    const program = put('a.sh', `#!/bin/sh\ntouch ${directory}/ran\necho '{"web": ["web-1"]}'\n`, 0o755)
    expect(await namesIn([program])).toEqual([])
    expect(existsSync(join(directory, 'ran'))).toBe(false)
  })

  it.each([
    ['what is not there', () => join(directory, 'absent.ini')],
    ['what cannot be read', () => put('a.yaml', 'web: [')],
    ['what is vaulted', () => put('a.yaml', '$ANSIBLE_VAULT;1.1;AES256\n3132\n')],
    ['what is too large', () => put('a.ini', INI + '# comment\n'.repeat(30_000))],
  ])('are none of %s, in silence', async (_, source) => {
    const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    expect(await namesIn([source()])).toEqual([])
    expect(stderr).not.toHaveBeenCalled()
  })

  it('bring no control characters to a terminal', async () => {
    await namesIn([put('a.ini', INI)])
    writeFileSync(cache(), readFileSync(cache(), 'utf8').replaceAll('web-1', 'web\\u001b[31m'))
    expect(await namesIn([join(directory, 'a.ini')], true)).toEqual(['web\\x1b[31m', 'web-2'])
  })
})
