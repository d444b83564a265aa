/** `group_vars/` and `host_vars/`: variables in files beside an inventory or a playbook. */
import { extname, join } from 'node:path'
import { ConfigError } from '../errors.ts'
import { kindOf } from '../lang/decode.ts'
import { parseAnsibleYaml } from './ansible-yaml.ts'
import { isDirectory, namesIn, refuseDeep } from './directory.ts'
import type { Variable } from './model.ts'
import type { Vault } from './vault.ts'
import { openFile } from './vaulted-file.ts'
import { isBlank, readText } from './yaml-text.ts'

/** In this order, and only the first that is there: `web/` or `web`, `web.yml`, `web.yaml`, `web.json`. */
const ENDINGS = ['', '.yml', '.yaml', '.json']

type Variables = ReadonlyMap<string, Variable>
const NONE: Variables = new Map()

/** What `group_vars` or `host_vars` of a directory says of a name. */
export type VarsFolder = (name: string) => Variables

/** A folder's variables by name. Its entries are listed once: a fleet asks for 20,000 names. */
export function varsFolder(directory: string, kind: 'group_vars' | 'host_vars', vault: Vault): VarsFolder {
  const path = join(directory, kind)
  const entries = new Set(isDirectory(path) ? namesIn(path) : [])
  const known = new Map<string, Variables>()
  return name => {
    if (entries.size === 0) return NONE
    const ending = ENDINGS.find(candidate => entries.has(name + candidate))
    if (ending === undefined) return NONE
    const before = known.get(name)
    if (before) return before
    const variables = readAll(join(path, name + ending), vault)
    known.set(name, variables)
    return variables
  }
}

function readAll(path: string, vault: Vault): Variables {
  const files = isDirectory(path) ? filesIn(path, 0) : [path]
  return new Map(files.flatMap(file => readVariables(file, vault)))
}

/** Files of a directory and of those below it, in the order of their names; hidden ones, backups and other endings not. */
function filesIn(directory: string, depth: number): readonly string[] {
  refuseDeep(directory, depth)
  return namesIn(directory)
    .filter(name => !name.startsWith('.') && !name.endsWith('~'))
    .flatMap(name => {
      const path = join(directory, name)
      const ending = extname(name)
      if (isDirectory(path)) return ending === '' ? filesIn(path, depth + 1) : []
      return ENDINGS.includes(ending) ? [path] : []
    })
}

/** The variables in one file. Throws ConfigError. */
export function readVariables(file: string, vault: Vault): readonly (readonly [string, Variable])[] {
  const { text, keep, read } = openFile(readText(file), file, vault)
  if (isBlank(text)) return []
  return read(() => variablesIn(text, file, vault).map(([name, variable]) => [name, keep(variable)] as const))
}

/** The variables of a text of JSON or YAML, `file` being what errors call it; none for nothing. Throws ConfigError. */
export function variablesIn(text: string, file: string, vault: Vault): readonly (readonly [string, Variable])[] {
  const root = parseAnsibleYaml(text, file, vault)
  if (!root.isMapping && root.value === null) return []
  if (!root.isMapping) {
    const expected = 'expected a mapping of variables'
    throw new ConfigError(`${expected}, got ${kindOf(root.value)}`, { place: root.place, expected })
  }
  return root.entries().map(({ name, node }) => [name, node] as const)
}
