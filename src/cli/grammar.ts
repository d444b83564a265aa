/** What can be said on the command line, as plain data: read off the program, for completion and the manual page. */
import type { Argument, Command, Option } from 'commander'

/** What a value is, as far as a shell can help to type it. */
export type Kind =
  | 'file'
  | 'directory'
  | 'playbook'
  | 'pattern'
  | 'host'
  | 'run'
  | 'strategies'
  | 'strategy'
  | 'setting'
  | 'other'

export interface Value {
  /** As help writes it, without brackets: `file`, `key=value`. */
  readonly name: string
  readonly kind: Kind
  /** Where nothing else may be said. */
  readonly choices: readonly string[]
}

export interface Flag {
  /** `-i` and `--inventory`; some have no short form. */
  readonly names: readonly string[]
  readonly description: string
  /** The same with choices and default, as help has it. */
  readonly explained: string
  readonly value: Value | null
  readonly repeats: boolean
  /** The heading that help shows it under. */
  readonly group: string
}

/** What stands on the line without a flag. */
export interface Operand extends Value {
  readonly description: string
  readonly required: boolean
}

export interface Entry {
  /** `['runs', 'show']`; empty for the program itself. */
  readonly path: readonly string[]
  readonly description: string
  readonly flags: readonly Flag[]
  readonly operands: readonly Operand[]
  readonly entries: readonly Entry[]
}

/** The word in `<…>` says what a value is, so that a flag somebody adds is completed with no word about it here. */
const KINDS: Readonly<Record<string, Kind>> = {
  file: 'file',
  source: 'file',
  dir: 'directory',
  pattern: 'pattern',
  host: 'host',
  run: 'run',
  names: 'strategies',
  strategy: 'strategy',
  'key=value': 'setting',
  // One of this machine.
  command: 'file',
}

const nameIn = (flags: string): string => /[<[]([^>\]]+?)(?:\.{3})?[>\]]/.exec(flags)?.[1] ?? ''

function valueFor({ flags, long, required, optional, argChoices }: Option): Value | null {
  if (!required && !optional) return null
  const name = nameIn(flags)
  const kind = long === '--playbook' ? 'playbook' : (KINDS[name] ?? 'other')
  return { name, kind, choices: argChoices ?? [] }
}

function flagOf(option: Option, explained: string): Flag {
  return {
    names: [option.short, option.long].filter(name => typeof name === 'string'),
    description: option.description,
    explained,
    value: valueFor(option),
    repeats: Array.isArray(option.defaultValue) || /repeatable/.test(option.description),
    group: option.helpGroupHeading ?? '',
  }
}

function operandOf(argument: Argument): Operand {
  const name = argument.name()
  const { description, required, argChoices = [] } = argument
  return { name, kind: KINDS[name] ?? 'other', choices: argChoices, description, required }
}

/** A command and all below it, as help shows them: what is hidden there is not here either. */
export function grammarOf(command: Command, path: readonly string[] = []): Entry {
  const help = command.createHelp()
  const below = help.visibleCommands(command)
  const entries = below.map(one => grammarOf(one, [...path, one.name()]))
  return {
    path,
    description: command.description(),
    flags: help.visibleOptions(command).map(option => flagOf(option, help.optionDescription(option))),
    operands: command.registeredArguments.map(operandOf),
    entries: entries.map(entry => (isHelp(entry) ? helpOn(entry, entries) : entry)),
  }
}

/** `ctfix help`, `ctfix runs help`: commander makes them. */
export const isHelp = ({ path }: Entry): boolean => path.at(-1) === 'help'

/** What may follow help are the commands beside it. */
function helpOn(entry: Entry, beside: readonly Entry[]): Entry {
  const choices = beside.filter(one => !isHelp(one)).map(({ path }) => path.at(-1) ?? '')
  return { ...entry, operands: entry.operands.map(operand => ({ ...operand, choices })) }
}

/** An entry and all below it, the program itself first. */
export function everyEntry(entry: Entry): Entry[] {
  return [entry, ...entry.entries.flatMap(everyEntry)]
}
