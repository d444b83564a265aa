# shellcheck disable=SC2154 # nl is set by rules.sh.
# Functions for nft, called by the compiled scripts; they stand after change.sh, which has say(), and rules.sh, which has
# $nl. The table `inet ctfix` is ours as a whole. A rule of ours in somebody else's chain is always given as FAMILY TABLE
# CHAIN POSITION TEXT (POSITION: a number from 1, or `end`; TEXT: as nft prints it).

# nft_is_loaded: asking for nft rules loads nothing. Built in it has no directory, and a container no list of modules.
nft_is_loaded() {
  if [ -d /sys/module/nf_tables ] || [ ! -e /proc/modules ] || [ ! -r /proc/kallsyms ]; then return 0; fi
  grep -q ' nf_tables_newtable' /proc/kallsyms
}

# What versions print differently, line by line: blanks, counters, flags, names of priorities, quotes. own.ts does it, too,
# and a test holds both against each other.
same_nft='s/[[:space:]]\{1,\}/ /g
s/counter packets [0-9]* bytes [0-9]* \{0,1\}/counter /g
s/tcp flags != syn \/ syn,rst,ack/tcp flags \& (syn | rst | ack) != syn/g
s/priority raw\([^[:alnum:]_]\)/priority -300\1/g
s/priority filter\([^[:alnum:]_]\)/priority 0\1/g
s/\([io]if\) "\{0,1\}lo"\{0,1\} /\1 "lo" /g
s/\([io]ifname\) "\{0,1\}lo"\{0,1\} /\1 "lo" /g
s/^ //
s/ $//'

# canonical_nft TEXT: in one line.
canonical_nft() {
  printf '%s\n' "$1" | tr '\t\n' '  ' | sed -e 's/# handle [0-9]*//g' -e "$same_nft"
}

# nft_list WORD…: what nft lists, in $listed; 1: there is no such thing, 2: nobody can tell. Without counters, where it
# knows how to leave them out.
listed_as='' listed_text=''
nft_list() {
  listed=''
  nft_is_loaded || return 1
  # One listing serves for several looks, until we change something.
  if [ "$listed_as" = "$*" ]; then
    listed=$listed_text
    return 0
  fi
  for flag in -s ''; do
    # shellcheck disable=SC2086 # one word or none
    listed=$(nft $flag "$@" 2>/dev/null </dev/null) && listed_as=$* listed_text=$listed && return 0
    # shellcheck disable=SC2086
    case $(nft $flag "$@" 2>&1 </dev/null) in
      *'No such file or directory'*) return 1 ;;
    esac
  done
  return 2
}

# nft_load TEXT: one transaction; what nft says is in $said.
nft_load() {
  listed_as=''
  said=$(printf '%s\n' "$1" | nft -f - 2>&1)
}

# nft_would_load: what boot reads loads as a whole, ours with it; nothing is changed by the try.
nft_confs='/etc/nftables.conf /etc/sysconfig/nftables.conf'
nft_would_load() {
  for conf in $nft_confs; do
    if grep -qs nftables-ctfix "$conf" && ! said=$(nft -c -f "$conf" 2>&1 </dev/null); then
      say "$conf would not load at the next boot: $said"
      return 1
    fi
  done
}

# list_nft_table: all of ours, in $listed; fails as nft_list does.
list_nft_table() {
  nft_list list table inet ctfix
  code=$?
  [ "$code" != 2 ] || say 'cannot list table inet ctfix: nft failed'
  return "$code"
}

expect_nft_table() {
  list_nft_table
  case $? in
    0) [ "$(canonical_nft "$listed")" = "$(canonical_nft "$1")" ] && return 0 ;;
    2) return 1 ;;
  esac
  say 'table inet ctfix is not what the plan was made on'
  return 1
}

expect_no_nft_table() {
  list_nft_table
  case $? in
    0) say 'table inet ctfix is there now, and the plan was made without it' ;;
    1) return 0 ;;
  esac
  return 1
}

# put_nft_table TEXT: in place of what is there, at once; may be repeated.
put_nft_table() {
  nft_load "add table inet ctfix${nl}delete table inet ctfix$nl$1" && return 0
  say "cannot load table inet ctfix: $said"
  return 1
}

drop_nft_table() {
  list_nft_table
  case $? in
    1) return 0 ;;
    2) return 1 ;;
  esac
  nft_load 'delete table inet ctfix' && return 0
  say "cannot remove table inet ctfix: $said"
  return 1
}

# nft_rule_at FAMILY TABLE CHAIN POSITION TEXT: which rule. It becomes program text of nft, and must be one rule there: outside
# of quotes nothing may end a command, begin a comment or name a variable.
nft_rule_at() {
  family=$1 table=$2 chain=$3 position=$4
  plain=$(printf '%s\n' "$5" | sed 's/"[^"]*"//g')
  case $family$table$chain in *[!A-Za-z0-9_./-]*) plain=\; ;; esac
  case $plain in
    *[\;\#\"\\\$]* | *"$nl"*)
      say "a rule of $family $table $chain cannot be given to nft: its text would be more than a rule"
      return 1
      ;;
  esac
  wanted=$(printf '%s\n' "$5" | sed "$same_nft")
}

# find_nft_rule: its place and handle (empty: not there), how many are equal, how many rules the chain has, and the handle
# of the one that stands at the position. The rules of a chain without a name are inside of one that ends at its `}`.
find_nft_rule() {
  place='' handle='' copies=0 length=0 occupant='' depth=0
  nft_list -a list chain "$family" "$table" "$chain"
  case $? in
    1) return 0 ;;
    2)
      say "cannot list $family $table $chain: nft failed"
      return 1
      ;;
  esac
  listed=$(printf '%s\n' "$listed" | sed "$same_nft")
  set -f
  IFS=$nl
  for line in $listed; do
    number=''
    case $line in
      *' # handle '*) number=${line##*' # handle '} line=${line%' # handle '*} ;;
    esac
    case $line in
      *'{')
        depth=$((depth + 1))
        continue
        ;;
      '}'*) depth=$((depth - 1)) ;;
    esac
    if [ "$depth" -ne 2 ] || [ -z "$number" ]; then continue; fi
    length=$((length + 1))
    [ "$length" != "$position" ] || occupant=$number
    [ "$line" = "$wanted" ] || continue
    copies=$((copies + 1))
    [ -n "$place" ] || place=$length handle=$number
  done
  IFS=" 	$nl"
  set +f
}

expect_nft_rule() {
  nft_rule_at "$@" || return 1
  find_nft_rule || return 1
  [ -z "$place" ] || return 0
  say "a rule is no longer in $family $table $chain, and the plan was made with it"
  return 1
}

expect_no_nft_rule() {
  nft_rule_at "$@" || return 1
  find_nft_rule || return 1
  [ -n "$place" ] || return 0
  say "a rule is in $family $table $chain already, and the plan was made without it"
  return 1
}

# put_nft_rule …: in front of the one that stands at its place, or at the end of a chain that has become shorter; believes
# only what it reads back. `position` with a handle is what every version knows.
put_nft_rule() {
  nft_rule_at "$@" || return 1
  find_nft_rule || return 1
  [ -z "$place" ] || return 0
  was=$length
  if [ -n "$occupant" ]; then
    nft_load "insert rule $family $table $chain position $occupant $5"
  else
    position=$((length + 1))
    nft_load "add rule $family $table $chain $5"
  fi || {
    say "cannot add a rule to $family $table $chain: $said"
    return 1
  }
  find_nft_rule || return 1
  [ -z "$place" ] || return 0
  # Whatever it reads as, it is the one that stands there now.
  if [ "$length" -eq $((was + 1)) ] && nft_load "delete rule $family $table $chain handle $occupant"; then
    say "a rule was added to $family $table $chain and reads otherwise than it was written: it is out again"
  else
    say "a rule was added to $family $table $chain, reads otherwise than it was written, and could not be taken out"
  fi
  return 1
}

# take_nft_rule …: by its handle, which no other rule ever has. Of two with the same words nobody can say whose is whose.
take_nft_rule() {
  nft_rule_at "$@" || return 1
  find_nft_rule || return 1
  [ -n "$place" ] || return 0
  if [ "$copies" -gt 1 ]; then
    say "a rule of $family $table $chain was added once more by somebody else: left as it is"
    return 1
  fi
  nft_load "delete rule $family $table $chain handle $handle" && return 0
  say "cannot take a rule out of $family $table $chain: $said"
  return 1
}
