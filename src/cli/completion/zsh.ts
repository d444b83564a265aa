/** Completion for zsh, by its own `_arguments`. */
import type { Entry, Flag, Value } from '../grammar.ts'
import { brief, quoted, SETTINGS, STRATEGY_NAMES } from './words.ts'

/** Within the brackets and colons of `_arguments`. */
const spec = (text: string): string => text.replaceAll(/[\\[\]:]/g, char => `\\${char}`)

function offer({ kind, choices }: Value): string {
  if (choices.length > 0) return `(${choices.join(' ')})`
  const calls: Readonly<Record<Value['kind'], string>> = {
    file: '_files',
    directory: '_files -/',
    playbook: '_files -g "*.(yaml|yml)(-.)"',
    pattern: '_ctfix_pattern',
    host: '_ctfix_hosts',
    run: '_ctfix_runs',
    strategies: '_ctfix_strategies',
    strategy: `(${STRATEGY_NAMES.join(' ')})`,
    setting: '_ctfix_settings',
    other: ' ',
  }
  return calls[kind]
}

/** One spec for each way to write it; a flag that is there already is not offered again, unless it repeats. */
function flagSpecs({ names, description, value, repeats }: Flag): string[] {
  const after = value === null ? '' : `:${spec(value.name)}:${offer(value)}`
  const once = repeats ? '*' : names.length > 1 ? `(${names.join(' ')})` : ''
  return names.map(name => {
    const joint = value === null ? '' : name.startsWith('--') ? '=' : '+'
    return quoted(`${once}${name}${joint}[${spec(brief(description))}]${after}`)
  })
}

const functionOf = (path: readonly string[]): string => ['_ctfix_', ...path].join('_').replaceAll('-', '_')

function entryFunction(entry: Entry): string {
  const { path, flags, operands, entries } = entry
  const specs = flags.flatMap(flagSpecs)
  const first = operands[0]
  const said = first ? [quoted(`1:${spec(first.name)}:${offer(first)}`)] : []
  const ways = entries.length > 0 ? ["'1:command:->command'", "'*::argument:->argument'"] : said
  const call = ['  _arguments -s -C', ...specs, ...ways].join(' \\\n    ')
  return `${functionOf(path)}() {\n  local context state state_descr line\n  typeset -A opt_args\n${call}\n${entries.length > 0 ? dispatch(entry) : ''}}\n`
}

function dispatch({ entries }: Entry): string {
  const names = entries.map(({ path, description }) => quoted(`${path.at(-1)}:${spec(brief(description))}`))
  const branches = entries.map(({ path }) => `      ${path.at(-1)}) ${functionOf(path)} ;;`)
  return `  case $state in
  command)
    local -a commands=(
      ${names.join('\n      ')}
    )
    _describe command commands
    ;;
  argument)
    case $words[1] in
${branches.join('\n')}
    esac
    ;;
  esac
`
}

const everyFunction = (entry: Entry): string[] => [...entry.entries.flatMap(everyFunction), entryFunction(entry)]

/** The script. */
export function zshScript(program: Entry): string {
  const settings = SETTINGS.map(([name, options]) => `    ${name}) names+=(${options.join(' ')}) ;;`)
  return `#compdef ctfix ctfix.js
# zsh completion of ctfix, written by: ctfix completion zsh

# Values that the line gives for the flags $1 and $2, into reply.
_ctfix_given() {
  local -i i
  reply=()
  for ((i = 1; i < CURRENT; i++)); do
    case $words[i] in
    $1 | $2) ((i + 1 < CURRENT)) && reply+=("\${(Q)words[i + 1]}") ;;
    $2=*) reply+=("\${(Q)words[i]#*=}") ;;
    esac
  done
}

# Hosts and groups of the inventories that the line names.
_ctfix_names() {
  local -a reply names
  _ctfix_given -i --inventory
  (($#reply)) || return 1
  names=(\${(f)"$($_ctfix_program complete-names $_ctfix_only -i$^reply 2>/dev/null </dev/null)"})
  compadd "$@" -a names
}

_ctfix_hosts() {
  local -a _ctfix_only=(--hosts)
  _ctfix_names "$@"
}

_ctfix_pattern() {
  compset -P '*[,:!&]'
  _ctfix_names "$@" -q -S ''
}

_ctfix_runs() {
  local -a reply runs
  local state
  _ctfix_given --state-dir --state-dir
  state=\${reply[1]:-\${XDG_STATE_HOME:-$HOME/.local/state}/ctfix}
  runs=($state/runs/*(N:t))
  compadd "$@" -V runs -a runs
}

_ctfix_strategies() {
  local -a there
  compset -P '*,' && there=(\${(s:,:)IPREFIX##*(=|-s)})
  compadd "$@" -q -S '' -F there -- ${STRATEGY_NAMES.join(' ')}
}

# Options of the strategies that the line names, of all where it names none.
_ctfix_settings() {
  local -a reply names strategies
  local strategy
  if compset -P '*.'; then
    strategies=(\${IPREFIX%.})
    strategies=(\${strategies##*[= ]})
  else
    _ctfix_given -s --strategy
    strategies=(\${(s:,:)\${(j:,:)reply}})
    (($#strategies)) || strategies=(${STRATEGY_NAMES.join(' ')})
  fi
  compset -P '*=' && return 1
  for strategy in $strategies; do
    case $strategy in
${settings.join('\n')}
    esac
  done
  compadd "$@" -S = -a names
}

${everyFunction(program).join('\n')}
_ctfix() {
  local _ctfix_program=$words[1]
  ${functionOf([])}
}

# Found in $fpath this file is the function, and is called at once; sourced it says what it completes.
if [[ $funcstack[1] == _ctfix ]]; then
  _ctfix "$@"
else
  compdef _ctfix ctfix ctfix.js
fi
`
}
