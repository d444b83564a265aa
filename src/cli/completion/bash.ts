/** Completion for bash, 3.2 (macOS) included. Knows nothing of bash-completion, which is not everywhere. */
import { type Entry, everyEntry, type Value } from '../grammar.ts'
import { flagNames, namesBelow, quoted, SETTINGS, STRATEGY_NAMES } from './words.ts'

/** What to call for a value; nothing for what only the person knows. */
function offer({ kind, choices }: Value): string {
  if (choices.length > 0) return `_ctfix_offer ${quoted(choices.join(' '))}`
  const calls: Readonly<Record<Value['kind'], string>> = {
    file: '_ctfix_files',
    directory: '_ctfix_files -d',
    playbook: "_ctfix_files -f '\\.ya?ml$'",
    pattern: '_ctfix_names pattern',
    host: '_ctfix_names host --hosts',
    run: '_ctfix_runs',
    strategies: `_ctfix_list ${quoted(STRATEGY_NAMES.join(' '))}`,
    strategy: `_ctfix_offer ${quoted(STRATEGY_NAMES.join(' '))}`,
    setting: '_ctfix_settings',
    other: ':',
  }
  return calls[kind]
}

/** `'apply:--set'|'plan:--set') … ;;`: one branch for each thing to offer, for all the flags that want it. */
function valueBranches(entries: readonly Entry[]): string {
  const branches = new Map<string, string[]>()
  for (const { path, flags } of entries) {
    for (const { names, value } of flags) {
      if (value === null) continue
      const call = offer(value)
      const patterns = names.map(name => quoted(`${path.join(' ')}:${name}`))
      branches.set(call, [...(branches.get(call) ?? []), ...patterns])
    }
  }
  return [...branches].map(([call, patterns]) => `    ${patterns.join('|')}) ${call} ;;`).join('\n')
}

function commandBranch(entry: Entry): string {
  const first = entry.operands[0]
  const calls = [
    `flags=${quoted(flagNames(entry).join(' '))}`,
    ...(entry.entries.length > 0 ? [`below=${quoted(namesBelow(entry).join(' '))}`] : []),
    ...(first ? [`positional=${quoted(offer(first))}`] : []),
  ]
  return `    ${quoted(entry.path.join(' '))}) ${calls.join(' ')} ;;`
}

/** The script. */
export function bashScript(program: Entry): string {
  const entries = everyEntry(program)
  const settings = SETTINGS.map(([name, options]) => `      ${name}) names="$names ${options.join(' ')}" ;;`)
  return `# bash completion of ctfix, written by: ctfix completion bash

# Offers those words of $1 that go on with what was typed.
_ctfix_offer() {
  local word
  for word in $1; do
    [[ $word == "$cur"* ]] && COMPREPLY+=("$stem$word$2")
  done
}

# The same for the last of several with commas, but for those that are there.
_ctfix_list() {
  local word there='' left=''
  [[ $cur == *,* ]] && there=\${cur%,*} stem=$stem\${cur%,*}, cur=\${cur##*,}
  for word in $1; do
    [[ ,$there, == *",$word,"* ]] || left="$left $word"
  done
  compopt -o nospace 2>/dev/null
  _ctfix_offer "$left"
}

# Files and directories; -d: directories alone, -f: files only where the name matches.
_ctfix_files() {
  local path home=''
  compopt -o filenames 2>/dev/null
  case $cur in \\~/*) home=$HOME cur=$HOME\${cur#'~'} ;; esac
  while IFS= read -r path; do
    if [[ ! -d $path ]]; then
      [[ $1 == -d || ( $1 == -f && ! $path =~ $2 ) ]] && continue
    fi
    [[ -n $home ]] && path="~\${path#"$home"}"
    COMPREPLY+=("$stem$path")
  done < <(compgen -f -- "$cur")
}

# Values that the line gives for the flags $1 and $2.
_ctfix_given() {
  local i
  for ((i = 1; i < last; i++)); do
    case \${words[i]} in
    "$1" | "$2") ((i + 1 < last)) && printf '%s\\n' "\${words[i + 1]}" ;;
    "$2"=*) printf '%s\\n' "\${words[i]#*=}" ;;
    esac
  done
}

# Hosts and groups of the inventories that the line names; $2 may be --hosts.
_ctfix_names() {
  local source sources=()
  while IFS= read -r source; do sources+=(-i "$source"); done < <(_ctfix_given -i --inventory)
  ((\${#sources[@]} > 0)) || return
  if [[ $1 == pattern ]]; then
    local rest=\${cur##*[,:!&]}
    stem=$stem\${cur%"$rest"} cur=$rest
    compopt -o nospace 2>/dev/null
  fi
  _ctfix_offer "$("$program" complete-names "\${@:2}" "\${sources[@]}" 2>/dev/null </dev/null)"
}

_ctfix_runs() {
  local state
  state=$(_ctfix_given --state-dir --state-dir)
  state=\${state:-\${XDG_STATE_HOME:-$HOME/.local/state}/ctfix}
  _ctfix_offer "$(command ls -r "$state/runs" 2>/dev/null)"
}

# Options of the strategies that the line names, of all where it names none.
_ctfix_settings() {
  local strategy given names=''
  given=$(_ctfix_given -s --strategy)
  given=\${given//,/ }
  for strategy in \${given:-${STRATEGY_NAMES.join(' ')}}; do
    case $strategy in
${settings.join('\n')}
    esac
  done
  compopt -o nospace 2>/dev/null
  case $cur in
  *.*)
    strategy=\${cur%%.*} names=''
    case $strategy in
${settings.join('\n')}
    esac
    stem=$stem$strategy. cur=\${cur#*.}
    ;;
  esac
  _ctfix_offer "$(tr ' ' '\\n' <<<"$names" | sort -u)" =
}

_ctfix() {
  local program=$1 line=\${COMP_LINE:0:COMP_POINT} cur stem='' flag='' flags='' below='' positional='' i last path=''
  local -a words=()
  COMPREPLY=()
  read -ra words <<<"$line"
  [[ $line == *[[:blank:]] ]] && words+=('')
  last=$((\${#words[@]} - 1))
  cur=\${words[last]#[\\'\\"]}
  # The command is what stands in front of the first flag.
  for ((i = 1; i < last && i < 3; i++)); do
    case "$path \${words[i]}" in
${entries
  .filter(({ path }) => path.length > 0)
  .map(({ path }) => `    ${quoted(` ${path.join(' ')}`)}`)
  .join(' | \\\n')}) path=$path\\ \${words[i]} ;;
    *) break ;;
    esac
  done
  path=\${path# }
  case $path in
${entries.map(commandBranch).join('\n')}
  esac
  case $cur in
  --*=*) flag=\${cur%%=*} stem=\${cur%%=*}= cur=\${cur#*=} ;;
  *) ((last > 1)) && flag=\${words[last - 1]} ;;
  esac
  case $path:$flag in
${valueBranches(entries)}
    *)
    if [[ $cur == -* ]]; then
      _ctfix_offer "$flags"
    elif [[ -n $below ]]; then
      _ctfix_offer "$below"
    elif [[ -n $positional ]]; then
      eval "$positional"
    fi
    ;;
  esac
  # Readline replaces what it takes for the word, which begins anew after a = or a colon.
  local typed=\${words[last]#[\\'\\"]}
  local -i cut=$((\${#typed} - \${#2}))
  if ((cut > 0)) && [[ \${typed:cut} == "$2" ]]; then
    for i in "\${!COMPREPLY[@]}"; do COMPREPLY[i]=\${COMPREPLY[i]:cut}; done
  fi
}

complete -F _ctfix ctfix ctfix.js
`
}
