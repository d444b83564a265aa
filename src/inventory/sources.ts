/** What `-i` names: files in any of Ansible's formats, directories of them, programs, and lists of hosts. */
import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs'
import { dirname, extname, join } from 'node:path'
import { ConfigError, type Place, UsageError } from '../errors.ts'
import type { Yaml } from '../lang/decode.ts'
import { parseAnsibleJson } from './ansible-yaml.ts'
import { isDirectory, namesIn, refuseDeep } from './directory.ts'
import { expandHosts } from './host-range.ts'
import { readIniInventory } from './ini.ts'
import type { InventoryModel, Keep } from './model.ts'
import { type Heard, hearProgram, type Patience, readHeard } from './program.ts'
import { hasEverything, readGroups } from './program-json.ts'
import type { Vault } from './vault.ts'
import { openFile } from './vaulted-file.ts'
import { readYamlInventory } from './yaml.ts'
import { isBlank, readText } from './yaml-text.ts'

/** Names that Ansible passes over in a directory. */
const IGNORED =
  /^\.|^(?:host_vars|group_vars|vars_plugins)$|(?:~|\.(?:pyc|pyo|swp|bak|rpm|md|txt|rst|orig|ini|cfg|retry))$/

/** What the programs among the sources said, by their paths. */
export type Programs = ReadonlyMap<string, Heard | ConfigError>

interface Reading {
  readonly vault: Vault
  readonly programs: Programs
}

/**
 * Runs the programs among the sources, one after the other: any of them may ask somebody. The first that is wrong is the
 * last to be run, and its error waits for its turn: a file that is read before it may be wrong, too.
 */
export async function hearPrograms(sources: readonly string[], vault: Vault, patience: Patience): Promise<Programs> {
  const heard = new Map<string, Heard | ConfigError>()
  for (const file of sources.flatMap(filesOf).filter(isProgram)) {
    if (heard.has(file)) continue
    const answer = await hearProgram(file, vault, patience).catch((error: unknown) => {
      if (error instanceof ConfigError) return error
      throw error
    })
    heard.set(file, answer)
    if (answer instanceof ConfigError) break
  }
  return heard
}

/** Reads one source into the model; the directory whose group_vars and host_vars belong to it, null for a list of hosts. */
export function readSource(source: string, model: InventoryModel, reading: Reading): string | null {
  if (source.trim() === '') throw new UsageError('expected a file or a list of hosts after -i, got nothing')
  if (isList(source)) {
    readList(source, model)
    return null
  }
  if (isDirectory(source)) {
    for (const file of filesOf(source)) {
      // A file somebody emptied takes no host away.
      if (!isYaml(file) || !isBlank(readText(file))) readFile(file, model, reading)
    }
    return source
  }
  readFile(source, model, reading, existsSync(source) ? undefined : `for a host of that name: -i '${source},'`)
  return dirname(source)
}

const isList = (source: string): boolean => source.includes(',') && !existsSync(source)

/** Of a directory each file, also of those below it, in the order of their names: the later ones go over the earlier. */
function filesOf(source: string): readonly string[] {
  if (isList(source)) return []
  return isDirectory(source) ? filesBelow(source, 0) : [source]
}

function filesBelow(directory: string, depth: number): readonly string[] {
  refuseDeep(directory, depth)
  return namesIn(directory)
    .filter(name => !IGNORED.test(name))
    .map(name => join(directory, name))
    .flatMap(path => (isDirectory(path) ? filesBelow(path, depth + 1) : [path]))
}

const isYaml = (file: string): boolean => /\.(?:ya?ml|json)$/i.test(file)

function readFile(file: string, model: InventoryModel, { vault, programs }: Reading, hint?: string): void {
  if (isProgram(file)) {
    const heard = programs.get(file)
    if (!heard) throw new ConfigError('a program, which is not run here', { place: { file } })
    if (heard instanceof ConfigError) throw heard
    readHeard(heard, model)
    return
  }
  const { text, keep, read } = openFile(readText(file, { hint }), file, vault)
  read(() => {
    if (/\.toml$/i.test(file)) {
      throw new ConfigError('expected YAML, INI, JSON or a program, got TOML, which ctfix does not read', {
        place: { file },
        hint: `ansible-inventory -i ${file} --list --export --output inventory.json`,
      })
    }
    if (isExport(text)) readExport(parseAnsibleJson(text, file, vault), model, keep)
    else if (isIni(file, text)) readIniInventory(text, file, model, keep)
    else readYamlInventory(text, file, model, { vault, keep })
  })
}

/** `ansible-inventory --list` writes groups as programs print them: `_meta` is in no other JSON inventory. */
function isExport(text: string): boolean {
  return /^\s*\{/.test(text) && /"_meta"\s*:/.test(text)
}

function readExport(document: Yaml, model: InventoryModel, keep: Keep): void {
  if (!hasEverything(document)) {
    throw new ConfigError('expected hostvars in _meta, got none', { place: document.place })
  }
  readGroups(document, model, keep)
}

const INI_SECTION = /^\s*\[[^\]\s:]+(?::\w+)?\]\s*(?:#.*)?$/m
/** The first thing that is written in a file, comments aside. */
const FIRST = /^(?:[ \t]*(?:[#;].*)?\r?\n)*[ \t]*(\S.*)/

/**
 * By the ending, else by the text. Ansible tries YAML first, then INI, on every file without an ending; but then a slip
 * in a YAML file makes every word of it a host.
 */
function isIni(file: string, text: string): boolean {
  if (isYaml(file)) return false
  if (extname(file) !== '' && /\.(?:ini|cfg)$/i.test(file)) return true
  if (INI_SECTION.test(text)) return true
  const first = FIRST.exec(text)?.[1] ?? ''
  return !/^(?:---|%YAML|\{)|^["']?[\w.-]+["']?\s*:(?:\s|$)/.test(first)
}

/** A script or a binary, whether or not anybody may run it: no inventory begins as these do. */
function isProgram(file: string): boolean {
  try {
    // A pipe can be read only once.
    if (!statSync(file).isFile()) return false
    const begin = Buffer.alloc(4)
    const opened = openSync(file, 'r')
    readSync(opened, begin)
    closeSync(opened)
    return begin.toString('latin1').startsWith('#!') || begin.toString('latin1') === '\u007fELF'
  } catch {
    // Whoever reads it says why it cannot be read.
    return false
  }
}

/** `host1,host2,`: Ansible puts these into `ungrouped`. */
function readList(list: string, model: InventoryModel): void {
  const place: Place = { file: 'host list' }
  const names = list
    .split(',')
    .map(name => name.trim())
    .filter(name => name !== '')
  if (names.length === 0) throw new UsageError(`expected hosts in the list after -i, got "${list}"`)
  const group = model.group('ungrouped', place)
  for (const written of names) {
    const { names: expanded, port } = expandHosts(written, place)
    for (const name of expanded) model.host(name, place, { group, port })
  }
}
