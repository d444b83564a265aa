/** How help looks: a command's own flags first, then those that all have; examples; at most 80 columns. */
import { type Command, Help, type Option } from 'commander'
import { EXIT } from '../errors.ts'
import { EXAMPLES } from './examples.ts'
import { STRATEGIES } from './strategies-help.ts'

/** Wide enough for a line of help, and no wider: terminals of 80 columns are still about. */
export const HELP_COLUMNS = 80

/** Headings of the flags that nearly every command has. */
const COMMON = ['Which hosts:', 'Getting into them:', 'Output:']

/** In the words of the README; the numbers are those of EXIT. */
export const EXIT_MEANINGS: Readonly<Record<keyof typeof EXIT, string>> = {
  ok: 'every host is as wanted and verified, or a plan was made',
  failed: 'a host failed with nothing changed on it',
  pending: 'changes are pending (--detailed-exitcode)',
  unreachable: 'a host was unreachable',
  rolledBack: 'a host was rolled back cleanly',
  needsPerson: 'a host is rollback-failed or unknown: a person is needed now',
  budget: 'stopped before all hosts were tried',
  stale: 'the plan is stale, expired, edited or already used',
  locked: 'the host is locked by another run, or by a change that is not confirmed',
  blocked: 'declined: a blocker',
  usage: 'usage',
  badInput: 'unreadable inventory, playbook, plan or option (file:line:column: expected …, got …)',
  noMatch: 'the pattern matches no host',
  bug: 'a bug of ours',
  interrupted: 'interrupted; the record is complete',
}

/** Code and meaning, in the order of the table. */
export function exitCodes(): [code: number, meaning: string][] {
  const names: readonly (keyof typeof EXIT)[] = Object.keys(EXIT) as (keyof typeof EXIT)[]
  return names.map(name => [EXIT[name], EXIT_MEANINGS[name]])
}

/** A term and what it means, the second wrapped into a column of its own. */
export function row(term: string, text: string, column: number): string {
  const [first = '', ...rest] = new Help().boxWrap(text, HELP_COLUMNS - column).split('\n')
  return [`  ${term}`.padEnd(column) + first, ...rest.map(line => ' '.repeat(column) + line)].join('\n')
}

function exitCodesHelp(): string {
  const rows = exitCodes().map(([code, meaning]) => row(String(code), meaning, 7))
  return ['Exit codes; when several hold, the first of 5, 4, 1, 9, 8, 7, 6, 3, 2, 0:', ...rows].join('\n')
}

function strategiesHelp(): string {
  const rows = STRATEGIES.map(({ name, summary }) => row(name, summary, 13))
  return ['Strategies (their options: ctfix strategies NAME):', ...rows].join('\n')
}

function examplesHelp(path: string): string {
  const lines = (EXAMPLES[path] ?? []).flatMap(({ what, line }) => [`  # ${what}`, `  ${line}`])
  return lines.length === 0 ? '' : ['Examples:', ...lines].join('\n')
}

/** `apply`, `runs show`; of the program itself ''. */
export function pathOf(command: Command): string {
  return command.parent === null ? '' : `${pathOf(command.parent)} ${command.name()}`.trim()
}

class OwnHelp extends Help {
  override optionDescription(option: Option): string {
    const { description, argChoices, defaultValue, defaultValueDescription } = option
    const shown = defaultValueDescription ?? (Array.isArray(defaultValue) ? undefined : defaultValue)
    const notes = [
      argChoices && `one of ${argChoices.join(', ')}`,
      shown !== undefined && (option.required || option.optional) && `default: ${shown}`,
    ]
    const said = notes.filter(note => typeof note === 'string')
    if (said.length === 0) return description
    const open = description.endsWith(')') ? `${description.slice(0, -1)}; ` : `${description} (`
    return `${open}${said.join('; ')})`
  }

  /** Flags of the command itself come first, for they are why somebody asks; those of every command last. */
  override groupItems<T extends Command | Option>(
    all: T[],
    visible: T[],
    groupOf: (item: T) => string,
  ): Map<string, T[]> {
    const rank = ([heading]: [string, T[]]): number => (heading === 'Options:' ? 0 : COMMON.includes(heading) ? 2 : 1)
    return new Map([...super.groupItems(all, visible, groupOf)].toSorted((a, b) => rank(a) - rank(b)))
  }

  override formatHelp(command: Command, help: Help): string {
    const path = pathOf(command)
    const parts = [
      path === '' || command.options.some(({ long }) => long === '--strategy') ? strategiesHelp() : '',
      examplesHelp(path),
      path === '' ? exitCodesHelp() : '',
    ]
    return `${[super.formatHelp(command, help).trimEnd(), ...parts.filter(part => part !== '')].join('\n\n')}\n`
  }
}

/** Gives a program and all its commands this help. */
export function withHelp(program: Command): Command {
  program.createHelp = () => Object.assign(new OwnHelp(), program.configureHelp())
  program.configureOutput({ getOutHelpWidth: () => Math.min(process.stdout.columns ?? HELP_COLUMNS, HELP_COLUMNS) })
  program.commands.forEach(withHelp)
  return program
}
