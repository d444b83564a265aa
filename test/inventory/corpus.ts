/** The corpus: inventories as they are found in the wild, what Ansible makes of each, and what ctfix does. */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { NoMatchError } from '../../src/errors.ts'
import { Secret } from '../../src/inventory/host.ts'
import { hearPrograms, loadInventory, selectHosts } from '../../src/inventory/index.ts'
import { Vault, Vaulted } from '../../src/inventory/vault.ts'
import { graphText } from '../../src/view/inventory.ts'

const CORPUS = join(import.meta.dirname, 'corpus')
interface Case {
  readonly sources: readonly string[]
  /** The directory of the playbook. */
  readonly playbook?: string
  readonly vault?: readonly { readonly label: string; readonly password: string }[]
  readonly patterns?: readonly string[]
}

interface GroupReading {
  readonly children: readonly string[]
  /** Its own hosts, and those of its children, too. */
  readonly own: readonly string[]
  readonly hosts: readonly string[]
  /** False where Ansible's order of `hosts` is a matter of chance: then they are recorded sorted. */
  readonly ordered: boolean
}

/** What an inventory comes to, in Ansible and here. */
export interface Reading {
  readonly groups: Readonly<Record<string, GroupReading>>
  readonly variables: Readonly<Record<string, unknown>>
  readonly patterns: Readonly<Record<string, readonly string[]>>
  /** What `ansible-inventory --graph` prints. */
  readonly graph: string
}

export const cases: readonly string[] = namesIn(CORPUS)

/** The cases below a directory. */
export function namesIn(directory: string): readonly string[] {
  return readdirSync(directory).toSorted()
}

/** Where the record of a case is. */
export const recordFile = (name: string): string => join(CORPUS, name, 'expected.json')

/** What was recorded from Ansible. */
export const recorded = (name: string): Reading => JSON.parse(readFileSync(recordFile(name), 'utf8'))

/** What Ansible says now, of every case below a directory, in one process. */
export function askAnsible(directory = CORPUS): Readonly<Record<string, Reading>> {
  const [program = ''] = execFileSync('sh', ['-c', 'command -v ansible-inventory'], { encoding: 'utf8' }).split('\n')
  // Ansible belongs to the Python of its own first line, and to no other of the machine.
  const python = /^#!\s*(\S+)/.exec(readFileSync(program, 'utf8'))?.[1] ?? '/usr/bin/python3'
  const words = [join(import.meta.dirname, 'ask-ansible.py'), directory]
  return JSON.parse(
    execFileSync(python, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 64 * 1024 * 1024 }),
  )
}

/** What ctfix says. */
export async function ours(name: string, corpus = CORPUS): Promise<Reading> {
  const directory = join(corpus, name)
  const {
    sources,
    playbook,
    vault: opened = [],
    patterns = [],
  }: Case = JSON.parse(readFileSync(join(directory, 'case.json'), 'utf8'))
  const passwords = opened.map(({ label, password }) => ({ label, password: new Secret(password) }))
  const named = sources.map(source => (source.includes(',') ? source : join(directory, source)))
  const vault = new Vault(passwords)
  const programs = await hearPrograms(named, vault, { say: () => {}, signal: new AbortController().signal })
  const playbookDirectory = playbook && join(directory, playbook)
  const inventory = loadInventory(named, { user: 'me' }, { vault, programs, playbookDirectory })
  const names = inventory.hosts.map(host => host.name)
  const select = (pattern: string): readonly string[] => {
    try {
      return selectHosts(inventory, pattern)
        .map(host => host.name)
        .toSorted()
    } catch (error) {
      if (error instanceof NoMatchError) return []
      throw error
    }
  }
  return {
    groups: Object.fromEntries(
      [...inventory.groups.values()].map(({ name, children, own, hosts }) => [
        name,
        { children, own, hosts, ordered: true },
      ]),
    ),
    variables: Object.fromEntries(
      names.map(name => [
        name,
        Object.fromEntries([...inventory.variables(name)].map(([key, { value }]) => [key, open(value)])),
      ]),
    ),
    graph: graphText(inventory, new Set(names)),
    patterns: Object.fromEntries(patterns.map(pattern => [pattern, select(pattern)])),
  }
}

/** What of a reading can be compared with Ansible's, `ordered` as there. */
export function comparable(reading: Reading, like: Reading): Reading {
  const groups = Object.entries(reading.groups).map(([name, group]) => {
    const ordered = like.groups[name]?.ordered ?? true
    return [name, { ...group, ordered, hosts: ordered ? group.hosts : group.hosts.toSorted() }] as const
  })
  return { ...reading, groups: Object.fromEntries(groups) }
}

function open(value: unknown): unknown {
  if (value instanceof Vaulted) return open(value.open({ file: 'corpus' }))
  if (Array.isArray(value)) return value.map(open)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, open(item)]))
}
