/** The names a pattern may hold: what a completion script asks, so it is quick, silent, and runs nothing. */

import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { underHome } from '../inventory/home.ts'
import { plain } from '../lang/text.ts'
import { makeOwnDirectory } from '../transport/own-directory.ts'

/** Beyond that reading takes longer than a person waits for a key. */
const MOST_BYTES = 256 * 1024

const PROGRAM_BITS = 0o111

interface Names {
  readonly groups: readonly string[]
  readonly hosts: readonly string[]
}

/** Groups first, then hosts, one a line; nothing where a source is a program, too large, or not readable. */
export async function printNames(sources: readonly string[], onlyHosts: boolean): Promise<void> {
  const known = sources.map(underHome).map(source => [source, stateOf(source)])
  const quick = known.filter(pair => pair.every(part => part !== null))
  if (quick.length === 0) return
  try {
    const { groups, hosts } = await kept(JSON.stringify(quick), () => read(quick.map(([source]) => source ?? '')))
    const names = new Set([...(onlyHosts ? [] : groups), ...hosts])
    process.stdout.write([...names].map(name => `${plain(name)}\n`).join(''))
  } catch {
    // A person is typing: what is wrong with the inventory is for the command to say.
  }
}

async function read(sources: readonly string[]): Promise<Names> {
  const [{ InventoryModel }, { readSource }, { NO_VAULT }] = await Promise.all([
    import('../inventory/model.ts'),
    import('../inventory/sources.ts'),
    import('../inventory/vault.ts'),
  ])
  const model = new InventoryModel()
  for (const source of sources) readSource(source, model, { vault: NO_VAULT, programs: new Map() })
  return { groups: ['all', ...model.groups.keys()], hosts: [...model.hosts.keys()] }
}

/** What was read for the last key press, while no file has changed: reading YAML costs more than all the rest. */
async function kept(key: string, make: () => Promise<Names>): Promise<Names> {
  const file = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'ctfix', 'names.json')
  try {
    const { names, ...before } = JSON.parse(readFileSync(file, 'utf8'))
    if (before.key === key) return names
  } catch {
    // The first time there is none.
  }
  const names = await make()
  try {
    makeOwnDirectory(dirname(file))
    writeFileSync(file, JSON.stringify({ key, names }), { mode: 0o600 })
  } catch {
    // Then the next key press is as slow as this one.
  }
  return names
}

/** Changes when any of its files does; null for what is too slow to read, and for a program: a key press runs none. */
function stateOf(source: string): string | null {
  if (source.includes(',') && !existsSync(source)) return source
  try {
    const files = filesIn(resolve(source)).map(path => ({ path, about: statSync(path) }))
    const isProgram = files.some(({ about }) => (about.mode & PROGRAM_BITS) !== 0)
    const bytes = files.reduce((sum, { about }) => sum + about.size, 0)
    if (isProgram || bytes > MOST_BYTES) return null
    return files.map(({ path, about: { mtimeMs, size, ino } }) => `${path} ${mtimeMs} ${size} ${ino}`).join('\n')
  } catch {
    return null
  }
}

function filesIn(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path]
  return readdirSync(path).flatMap(name => filesIn(join(path, name)))
}
