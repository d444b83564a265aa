/** Ansible's INI inventory: sections of hosts, `:children` and `:vars`. */
import { ConfigError, type Place } from '../errors.ts'
import { describe } from '../lang/decode.ts'
import { nearest } from '../lang/text.ts'
import { expandHosts } from './host-range.ts'
import type { GroupEntry, InventoryModel, Keep, Variable } from './model.ts'
import { literalOrText, Unhashable } from './python-literal.ts'
import { splitWords, WordsFault } from './python-words.ts'

const SECTION = /^\[([^:\]\s]+)(?::(\w+))?\]\s*(?:#.*)?$/
const GROUP_NAME = /^([^:\]\s]+)\s*(?:#.*)?$/
/** Where Python ends a line. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: some of them end a line
const LINE_END = /\r\n|[\n\r\v\f\u001c-\u001e\u0085\u2028\u2029]/
const STATES = ['hosts', 'children', 'vars'] as const
type State = (typeof STATES)[number]

/** Reads one file into the model. Throws ConfigError with the line. */
export function readIniInventory(text: string, file: string, model: InventoryModel, keep: Keep): void {
  const reader = new IniReader(file, model, keep)
  for (const [i, line] of text.split(LINE_END).entries()) reader.line(line.trim(), i + 1)
  reader.end()
}

/** A group that was named before its section: a child, or one that only has variables so far. */
interface Awaited {
  readonly state: 'children' | 'vars'
  readonly place: Place
  readonly parents: GroupEntry[]
}

class IniReader {
  readonly #file: string
  readonly #model: InventoryModel
  readonly #keep: Keep
  readonly #awaited = new Map<string, Awaited>()
  #group: GroupEntry | null = null
  #state: State = 'hosts'
  #lineNumber = 0
  constructor(file: string, model: InventoryModel, keep: Keep) {
    this.#file = file
    this.#model = model
    this.#keep = keep
  }

  get #place(): Place {
    return { file: this.#file, line: this.#lineNumber }
  }

  line(line: string, number: number): void {
    if (line === '' || line.startsWith('#') || line.startsWith(';')) return
    this.#lineNumber = number
    const [, name, state] = SECTION.exec(line) ?? []
    if (name !== undefined) this.#section(name, state)
    else if (/^\[[^\]]*\]$/.test(line) || /^\[.*\s.*\]$/.test(line)) {
      throw this.#fault(`expected a section such as [web], [web:vars] or [web:children], got ${describe(line)}`)
    } else if (this.#state === 'hosts') this.#hosts(line)
    else if (this.#state === 'vars') this.#variable(line)
    else this.#child(line)
  }

  /** Every group that was named must have a section: one without is a slip of the pen. */
  end(): void {
    for (const [name, { state, place }] of this.#awaited) {
      const near = nearest(
        name,
        [...this.#model.groups.keys()].filter(known => known !== name),
      )
      const question = near === undefined ? '' : `; did you mean "${near}"?`
      const what = state === 'vars' ? 'expected a section with the hosts of' : 'expected a section for the child group'
      throw new ConfigError(`${what} ${describe(name)}, got none${question}`, { place })
    }
  }

  #section(name: string, word = 'hosts'): void {
    const state = STATES.find(known => known === word)
    if (!state) throw this.#fault(`expected hosts, children or vars after ${name}:, got ${describe(word)}`)
    const isNew = !this.#model.hasGroup(name)
    if (isNew && state === 'vars' && !this.#awaited.has(name)) {
      this.#awaited.set(name, { state, place: this.#place, parents: [] })
    }
    this.#group = this.#model.group(name, this.#place)
    this.#state = state
    if (state === 'vars') return
    for (const parent of this.#awaited.get(name)?.parents ?? []) parent.children.add(name)
    this.#awaited.delete(name)
  }

  #child(line: string): void {
    const name = GROUP_NAME.exec(line)?.[1]
    if (name === undefined || !this.#group) {
      throw this.#fault(`expected the name of a group, alone on its line, got ${nameless(line)}`)
    }
    if (this.#model.hasGroup(name)) this.#group.children.add(name)
    else {
      const awaited = this.#awaited.get(name) ?? { state: 'children', place: this.#place, parents: [] }
      awaited.parents.push(this.#group)
      this.#awaited.set(name, awaited)
    }
  }

  #variable(line: string): void {
    const at = line.indexOf('=')
    const name = line.slice(0, at).trim()
    if (at === -1 || name === '' || !this.#group) {
      throw this.#fault(`expected name=value, got ${at === -1 ? 'a line without "="' : 'no name before "="'}`)
    }
    this.#group.vars.set(name, this.#keep(this.#value(name, line.slice(at + 1).trim())))
  }

  #hosts(line: string): void {
    const place = this.#place
    const [name = '', ...assignments] = this.#words(line)
    if (name.includes('=')) {
      throw this.#fault(`expected a host, got ${nameless(name)}; variables of a group belong into its :vars section`)
    }
    if (name.endsWith(':')) throw this.#fault(`expected a port after the colon, or no colon, got ${describe(name)}`)
    if (name === '---') throw this.#fault('expected a host, got ---: is this YAML? name it .yaml then')
    const vars = new Map<string, Variable>()
    for (const [i, assignment] of assignments.entries()) {
      const at = assignment.indexOf('=')
      // The word itself is not shown: it may be the half of a password with a space in it.
      if (at < 1)
        throw this.#fault(`expected name=value after the host, got word ${i + 2} without "="; quote values with spaces`)
      const key = assignment.slice(0, at)
      vars.set(key, this.#keep(this.#value(key, assignment.slice(at + 1))))
    }
    const { names, port } = expandHosts(name, place)
    const group = this.#group ?? this.#model.group('ungrouped', place)
    for (const expanded of names) {
      const host = this.#model.host(expanded, place, { group, port })
      for (const [key, variable] of vars) host.vars.set(key, variable)
    }
  }

  #words(line: string): readonly string[] {
    try {
      return splitWords(line)
    } catch (error) {
      if (error instanceof WordsFault) throw this.#fault(error.message)
      throw error
    }
  }

  #value(name: string, text: string): Variable {
    try {
      const value = literalOrText(text)
      const place = this.#place
      return typeof value === 'number' ? { value, place, written: text } : { value, place }
    } catch (error) {
      if (!(error instanceof Unhashable)) throw error
      throw this.#fault(`expected text or numbers as the keys in ${name}, got a list or a mapping`)
    }
  }

  #fault(message: string): ConfigError {
    return new ConfigError(message, { place: this.#place })
  }
}

/** What stands there, without a value: that may be a secret. */
function nameless(text: string): string {
  const at = text.indexOf('=')
  return at === -1 ? describe(text) : `a value for ${describe(text.slice(0, at).trim())}`
}
