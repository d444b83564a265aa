/** The manual page, in the macros that man itself reads; all of it is read off the program. */
import { EXAMPLES } from './examples.ts'
import { type Entry, everyEntry, type Flag, isHelp, type Operand } from './grammar.ts'
import { exitCodes } from './help.ts'

interface StrategyPage {
  readonly name: string
  readonly summary: string
  readonly options: readonly { readonly name: string; readonly meaning: string }[]
}

interface About {
  readonly version: string
  readonly strategies: readonly StrategyPage[]
}

/** Text that means nothing to roff: a hyphen that can be copied, no escape, no request at the start of a line. */
function roff(text: string): string {
  const escaped = text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/[^\n -~]/gu, char => `\\[u${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}]`)
  return /^[.']/.test(escaped) ? `\\&${escaped}` : escaped
}

const bold = (text: string): string => `\\fB${roff(text)}\\fR`
const italic = (text: string): string => `\\fI${roff(text)}\\fR`
/** An argument of a macro. */
const word = (text: string): string => `"${roff(text).replaceAll('"', '\\(dq')}"`

const item = (term: string, text: string): string[] => ['.TP', term, ...(text === '' ? ['\\&'] : [roff(text)])]
const section = (title: string, lines: readonly string[]): string[] => [`.SH ${word(title.toUpperCase())}`, ...lines]

function flagItem({ names, value, explained }: Flag): string[] {
  const spelled = names.map(bold).join(', ')
  return item(value === null ? spelled : `${spelled} ${italic(value.name)}`, explained)
}

const operandText = ({ name, required }: Operand): string => (required ? italic(name) : `[${italic(name)}]`)

function commandLines(entry: Entry): string[] {
  const own = entry.flags.filter(({ group, names }) => group === '' && !names.includes('--help'))
  const shared = entry.flags.some(({ group }) => group !== '')
  const examples = (EXAMPLES[entry.path.join(' ')] ?? []).flatMap(({ what, line }) => [
    '.PP',
    `${roff(what.charAt(0).toUpperCase() + what.slice(1))}:`,
    '.PP',
    '.RS 4',
    '.EX',
    roff(line),
    '.EE',
    '.RE',
  ])
  const said = [
    bold(`ctfix ${entry.path.join(' ')}`),
    ...(own.length > 0 || shared ? ['[options]'] : []),
    ...entry.operands.map(operandText),
  ]
  return [
    `.SS ${word(entry.path.join(' '))}`,
    said.join(' '),
    '.PP',
    roff(entry.description),
    ...(shared ? ['.PP', 'It takes the shared options below, too.'] : []),
    ...entry.operands.flatMap(operand => item(operandText(operand), operand.description)),
    ...own.flatMap(flagItem),
    ...examples,
  ]
}

/** Flags that have a heading, each once, under that heading; said whose they are where not every command has them. */
function sharedFlags(commands: readonly Entry[]): string[] {
  const having = (heading: string): Entry[] =>
    commands.filter(({ flags }) => flags.some(({ group }) => group === heading))
  const headings = new Set(commands.flatMap(({ flags }) => flags.map(({ group }) => group)))
  headings.delete('')
  const most = Math.max(...[...headings].map(heading => having(heading).length))
  return [...headings].flatMap(heading => {
    const owners = having(heading)
    const names = owners.map(({ path }) => bold(path.join(' '))).join(', ')
    const flags = owners.flatMap(owner => owner.flags.filter(({ group }) => group === heading))
    const once = new Map(flags.map(flag => [flag.names.join(' '), flag]))
    return [
      `.SS ${word(heading.replace(/:$/, ''))}`,
      ...(owners.length < most ? [`Of ${names}.`] : []),
      ...[...once.values()].flatMap(flagItem),
    ]
  })
}

const strategyLines = ({ name, summary, options }: StrategyPage): string[] => [
  `.SS ${word(name)}`,
  roff(summary),
  ...options.flatMap(option => item(bold(option.name), option.meaning)),
]

const FILES: readonly (readonly [string, string])[] = [
  ['$XDG_STATE_HOME/ctfix/runs/RUN/', 'the record of a run: plan, events, outcomes; no secret is in it'],
  ['/var/lib/ctfix/RUN/', 'the same on a host, with the script that takes the run back'],
  ['~/.ssh/config, ~/.ssh/known_hosts', 'as ssh reads them'],
]

/** The page. */
export function manPage(program: Entry, { version, strategies }: About): string {
  const entries = everyEntry(program)
  const commands = entries.filter(one => one.path.length > 0 && one.entries.length === 0 && !isHelp(one))
  const lines = [
    '.\\" Made from the program by tools/man.ts.',
    `.TH CTFIX 1 "" ${word(`ctfix ${version}`)} "User Commands"`,
    ...section('Name', [`ctfix \\- cures ${roff('"nf_conntrack: table full, dropping packet" across a fleet')}`]),
    ...section('Synopsis', [`${bold('ctfix')} ${italic('command')} [options]`]),
    ...section('Description', [
      roff(program.description),
      'It looks at every host, shows the exact diff, applies it, proves over a new connection that it worked, and takes',
      'itself back where it did not. A target needs a POSIX sh and nothing else.',
    ]),
    ...section('Commands', commands.flatMap(commandLines)),
    ...section('Shared options', sharedFlags(commands)),
    ...section('Strategies', [
      `What to do is named by ${bold('--strategy')}; an option of it is given by ${bold('--set')} ${italic('name')}=${italic('value')}.`,
      ...strategies.flatMap(strategyLines),
    ]),
    ...section('Exit status', [
      'When several hold, the first of 5, 4, 1, 9, 8, 7, 6, 3, 2, 0.',
      ...exitCodes().flatMap(([code, meaning]) => item(bold(String(code)), meaning)),
    ]),
    ...section(
      'Files',
      FILES.flatMap(([path, text]) => item(italic(path), text)),
    ),
    ...section('See also', [
      `${bold('ssh')}(1), ${bold('ssh_config')}(5), ${bold('conntrack')}(8), ${bold('iptables')}(8), ${bold('nft')}(8)`,
    ]),
  ]
  return `${lines.join('\n')}\n`
}
