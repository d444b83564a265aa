# shellcheck disable=SC2154 # rules.sh sets what they share.
# Functions for chains of iptables that only we write, called by the compiled scripts; they stand after rules.sh. A chain is
# always given as BACKEND FAMILY TABLE CHAIN, its rules as one word: a line each, as save prints them behind `-A CHAIN`.

# read_chain: whether it is there, and its rules.
read_chain() {
  there='' rules='' inside=''
  save_rules || return 1
  set -f
  IFS=$nl
  for line in $saved; do
    case $line in
      "*$table") inside=1 ;;
      '*'*) inside='' ;;
      ":$chain "*) [ -z "$inside" ] || there=1 ;;
      "-A $chain" | "-A $chain "*)
        [ -n "$inside" ] || continue
        line=${line#"-A $chain"}
        rules=$rules${line# }$nl
        ;;
    esac
  done
  IFS=" 	$nl"
  set +f
}

# first_line: takes the first line off $left, in $line.
first_line() {
  line=${left%%"$nl"*}
  case $left in
    *"$nl"*) left=${left#*"$nl"} ;;
    *) left='' ;;
  esac
}

# canonical_rules RULES: the same for what versions write differently, in $all. No word is empty, so an empty line parts
# them.
canonical_rules() {
  left=$1 all=''
  set -f
  while [ -n "$left" ]; do
    first_line
    line_words "$line"
    all=$all$canonical$nl$nl
  done
  set +f
}

# holds_rules RULES: that is what read_chain found.
holds_rules() {
  [ -n "$there" ] || return 1
  canonical_rules "$1"
  wanted=$all
  canonical_rules "$rules"
  [ "$all" = "$wanted" ]
}

# table_text LINES: for restore, which empties a chain of ours that is declared, and does all of it or nothing.
table_text() {
  printf '*%s\n:%s - [0:0]\n%sCOMMIT\n' "$table" "$chain" "$1"
}

# restore_table: waits for the lock where the tool knows how to (1.6.2 and later). What it says is in $said.
restore_table() {
  forget_listing
  case $("$tool-restore" -h 2>&1 </dev/null) in
    *--wait*) said=$(table_text "$1" | "$tool-restore" -w -n 2>&1) ;;
    *) said=$(table_text "$1" | "$tool-restore" -n 2>&1) ;;
  esac
}

# load_rules RULES: all at once, over what the chain had.
load_rules() {
  left=$1 lines='' older=''
  while [ -n "$left" ]; do
    first_line
    lines="$lines-A $chain $line$nl"
    case $line in
      *'-j CT --notrack'*) line=${line%%'-j CT --notrack'*}'-j NOTRACK'${line#*'-j CT --notrack'} ;;
    esac
    older="$older-A $chain $line$nl"
  done
  restore_table "$lines" && return 0
  # Kernels before 2.6.34, and their tools, have NOTRACK only.
  if [ "$lines" != "$older" ] && restore_table "$older"; then return 0; fi
  say "cannot load chain $chain of $table: $said"
  return 1
}

# remove_chain: empties and removes it at once; one that somebody still jumps to stays as it is.
remove_chain() {
  restore_table "-X $chain$nl" && return 0
  say "cannot remove chain $chain of $table, is it still jumped to? $said"
  return 1
}

expect_chain() {
  chain_at "$@"
  read_chain || return 1
  holds_rules "$5" && return 0
  say "chain $chain of $table is not what the plan was made on"
  return 1
}

expect_no_chain() {
  chain_at "$@"
  read_chain || return 1
  [ -n "$there" ] || return 0
  say "chain $chain of $table is there now, and the plan was made without it"
  return 1
}

# put_chain … RULES: with these rules and no others; believes only what it reads back.
put_chain() {
  chain_at "$@"
  read_chain || return 1
  holds_rules "$5" && return 0
  was=$there had=$rules
  load_rules "$5" || return 1
  read_chain || return 1
  holds_rules "$5" && return 0
  if [ -n "$was" ]; then load_rules "$had"; else remove_chain; fi || return 1
  say "chain $chain of $table reads otherwise than it was written: it is as it was before"
  return 1
}

# drop_chain … OURS: removes a chain we made, unless somebody made it theirs since.
drop_chain() {
  chain_at "$@"
  read_chain || return 1
  [ -n "$there" ] || return 0
  if holds_rules "$5"; then
    remove_chain
    return
  fi
  say "chain $chain of $table was changed by somebody else since: left as it is"
  return 1
}

# restore_chain … BEFORE [OURS]: back to what it held, unless somebody changed ours since; without OURS we had removed it.
restore_chain() {
  chain_at "$@"
  read_chain || return 1
  holds_rules "$5" && return 0
  if { [ $# -eq 5 ] && [ -z "$there" ]; } || { [ $# -eq 6 ] && holds_rules "$6"; }; then
    put_chain "$1" "$2" "$3" "$4" "$5"
    return
  fi
  say "chain $chain of $table was changed by somebody else since: left as it is"
  return 1
}
