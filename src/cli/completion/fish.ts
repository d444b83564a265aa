/** Completion for fish, 3.0 and later. */
import { type Entry, everyEntry, type Flag, type Value } from '../grammar.ts'
import { brief, SETTINGS, STRATEGY_NAMES } from './words.ts'

/** Fish knows two escapes within single quotes. */
const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`

/** The part of a `complete` line that says what a value may be. */
function offer({ kind, choices }: Value): string {
  if (choices.length > 0) return `-x -a ${quoted(choices.join(' '))}`
  const calls: Readonly<Record<Value['kind'], string>> = {
    file: '-r -F',
    directory: "-x -a '(__fish_complete_directories)'",
    playbook: "-x -a '(__ctfix_playbooks)'",
    pattern: "-x -a '(__ctfix_pattern)'",
    host: "-x -a '(__ctfix_names --hosts)'",
    run: "-x -k -a '(__ctfix_runs)'",
    strategies: "-x -a '(__ctfix_strategies)'",
    strategy: `-x -a ${quoted(STRATEGY_NAMES.join(' '))}`,
    setting: "-x -a '(__ctfix_settings)'",
    other: '-x',
  }
  return calls[kind]
}

function flagLine(condition: string, { names, description, value }: Flag): string {
  const spelled = names.map(name => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`))
  return `complete -c ctfix -n ${condition} ${[...spelled, ...(value ? [offer(value)] : [])].join(' ')} -d ${quoted(brief(description))}`
}

function entryLines({ path, flags, operands, entries }: Entry): string[] {
  const condition = quoted(`__ctfix_at ${path.join(' ')}`.trim())
  return [
    ...entries.map(
      below => `complete -c ctfix -n ${condition} -a ${below.path.at(-1)} -d ${quoted(brief(below.description))}`,
    ),
    ...operands.slice(0, 1).map(value => `complete -c ctfix -n ${condition} ${offer(value).replace(/^-[xr] ?/, '')}`),
    ...flags.map(flag => flagLine(condition, flag)),
  ]
}

/** The script. */
export function fishScript(program: Entry): string {
  const entries = everyEntry(program)
  const paths = entries.map(({ path }) => quoted(path.join(' ')))
  const settings = SETTINGS.map(
    ([name, options]) => `            case ${name}\n                printf '%s\\n' ${options.join(' ')}`,
  )
  return `# fish completion of ctfix, written by: ctfix completion fish

# The command is what stands in front of the first flag: "runs show", "apply".
function __ctfix_path
    set -l path
    for word in (commandline -opc)[2..-1]
        contains -- (string join -- ' ' $path $word) ${paths.filter(path => path !== "''").join(' ')}; or break
        set path $path $word
    end
    string join -- ' ' $path
end

function __ctfix_at
    test (__ctfix_path | string collect -a) = "$argv"
end

# Values that the line gives for the flags $argv: the short one, then the long one.
function __ctfix_given
    set -l words (commandline -opc)
    for i in (seq (count $words))
        if contains -- $words[$i] $argv; and test $i -lt (count $words)
            echo $words[(math $i + 1)]
        else if string match -q -- "$argv[-1]=*" $words[$i]
            string replace -- "$argv[-1]=" '' $words[$i]
        end
    end
end

# Hosts and groups of the inventories that the line names.
function __ctfix_names
    set -l program (commandline -opc)[1]
    set -l sources
    for source in (__ctfix_given -i --inventory)
        set sources $sources -i $source
    end
    test (count $sources) -gt 0; and $program complete-names $argv $sources 2>/dev/null </dev/null
end

# What is typed, without its --flag=.
function __ctfix_typed
    commandline -ct | string replace -r -- '^--[^=]*=' ''
end

function __ctfix_pattern
    set -l before (__ctfix_typed | string replace -r -- '[^,:!&]*$' '')
    for name in (__ctfix_names)
        echo $before$name
    end
end

function __ctfix_playbooks
    __fish_complete_suffix .yaml | string match -r -- '^[^\\t]*(?:\\.ya?ml|/)(?=\\t|$)'
end

function __ctfix_runs
    set -l state (__ctfix_given --state-dir)
    if test -z "$state"
        set state $HOME/.local/state/ctfix
        test -n "$XDG_STATE_HOME"; and set state $XDG_STATE_HOME/ctfix
    end
    command ls -r $state/runs 2>/dev/null
end

function __ctfix_strategies
    set -l before (__ctfix_typed | string replace -r -- '[^,]*$' '')
    for name in ${STRATEGY_NAMES.join(' ')}
        contains -- $name (string split , -- $before); or echo $before$name
    end
end

function __ctfix_options
    for strategy in $argv
        switch $strategy
${settings.join('\n')}
        end
    end
end

# Options of the strategies that the line names, of all where it names none.
function __ctfix_settings
    set -l strategies (__ctfix_given -s --strategy | string split ,)
    test (count $strategies) -gt 0; or set strategies ${STRATEGY_NAMES.join(' ')}
    if not string match -q '*.*' (__ctfix_typed)
        for name in (__ctfix_options $strategies | sort -u)
            echo $name=
        end
        return
    end
    set -l strategy (__ctfix_typed | string split -m 1 .)[1]
    for name in (__ctfix_options $strategy)
        echo $strategy.$name=
    end
end

complete -c ctfix -f
complete -c ctfix.js -w ctfix
${entries.flatMap(entryLines).join('\n')}
`
}
