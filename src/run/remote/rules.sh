# Functions for firewall rules and modules, called by the compiled scripts like those of change.sh, which stands before
# them and has say(); nft.sh has nft_is_loaded(). A rule is always given as BACKEND FAMILY TABLE CHAIN COPY POSITION SPEC… (COPY: which of several
# equal rules, from 1; POSITION: a number from 1, or `end`).

nl='
'

# lose CHAIN|all: a step of the way back failed on which later ones build.
lost=''
# shellcheck disable=SC2034 # the script that calls it ends with it
lose() {
  failed=1
  is_lost "$1" && return 0
  lost=$lost$1$nl
  case $1 in
    all) say 'no step that could shut packets out is done in any chain any more' ;;
    *) say "no step that could shut packets out is done in $1 any more" ;;
  esac
}

# is_lost CHAIN|all|any
is_lost() {
  [ "$1" != any ] || [ -z "$lost" ] || return 0
  case $nl$lost in *"${nl}all$nl"* | *"$nl$1$nl"*) return 0 ;; esac
  return 1
}

# implied MATCH: -p has it in it already.
implied() {
  [ -n "$1" ] || return 1
  [ "$1" != "$protocol" ] || return 0
  case $1:$protocol in
    icmp6:ipv6-icmp | icmp6:icmpv6) return 0 ;;
  esac
  return 1
}

# prefix_of NETWORK: 10.0.0.0/255.0.0.0, as iptables 1.3 prints it, is 10.0.0.0/8. Other masks stay.
prefix_of() {
  network=$1 mask=${1#*/}. bits=0
  while [ -n "$mask" ]; do
    case ${mask%%.*} in
      255) bits=$((bits + 8)) ;;
      254) bits=$((bits + 7)) ;;
      252) bits=$((bits + 6)) ;;
      248) bits=$((bits + 5)) ;;
      240) bits=$((bits + 4)) ;;
      224) bits=$((bits + 3)) ;;
      192) bits=$((bits + 2)) ;;
      128) bits=$((bits + 1)) ;;
      0) ;;
      *) return 0 ;;
    esac
    mask=${mask#*.}
  done
  network=${1%%/*}/$bits
}

# canonical WORD…: the words of a rule, one a line, the same for what versions write differently. words.ts does it, too.
canonical() {
  canonical='' protocol='' last=''
  while [ $# -gt 0 ]; do
    taken=1
    case "$1 ${2-}" in
      '-m '*)
        if implied "${2-}"; then taken=2; else canonical=$canonical$nl$1; fi
        ;;
      '-j NOTRACK') canonical=$canonical$nl-j${nl}CT$nl--notrack taken=2 ;;
      '--syn '*) canonical=$canonical$nl--tcp-flags${nl}FIN,SYN,RST,ACK${nl}SYN ;;
      '-s ' | '-s !' | '-d ' | '-d !') canonical=$canonical$nl$1 ;;
      '-s '*/*.* | '-d '*/*.*)
        prefix_of "$2"
        canonical=$canonical$nl$1$nl$network taken=2
        ;;
      '-s '*/* | '-d '*/*) canonical=$canonical$nl$1$nl$2 taken=2 ;;
      '-s '* | '-d '*)
        bits=32
        [ "$family" = 4 ] || bits=128
        canonical=$canonical$nl$1$nl$2/$bits taken=2
        ;;
      *)
        [ "$last" != -p ] || protocol=$1
        [ -z "$1" ] || canonical=$canonical$nl$1
        ;;
    esac
    last=$1
    shift "$taken"
  done
}

# split_quoted TEXT: its words, one a line; save quotes with " and takes a backslash inside for the next character's sake.
split_quoted() {
  rest=$1 words='' word='' quoted=''
  while [ -n "$rest" ]; do
    char=${rest%"${rest#?}"}
    rest=${rest#?}
    case $quoted$char in
      ' ') words=$words$word$nl word='' ;;
      '"') quoted=1 ;;
      '1"') quoted='' ;;
      # A backslash, quoted in the one way that no reader mistakes.
      1[\\])
        word=$word${rest%"${rest#?}"}
        rest=${rest#?}
        ;;
      *) word=$word$char ;;
    esac
  done
  words=$words$word
}

# line_words TEXT: canonical words of a rule as save prints it. Splits by itself: globbing is off here.
line_words() {
  before_ifs=$IFS
  case $1 in
    *'"'*)
      split_quoted "$1"
      IFS=$nl
      ;;
    *)
      words=$1
      IFS=' '
      ;;
  esac
  # shellcheck disable=SC2086 # split into words, on purpose
  canonical $words
  IFS=$before_ifs
}

# chain_at BACKEND FAMILY TABLE CHAIN: which chain, and by which tool.
chain_at() {
  backend=$1 family=$2 table=$3 chain=$4
  tool=iptables
  [ "$family" = 4 ] || tool=ip6tables
  if command -v "$tool-${1#iptables-}" >/dev/null 2>&1; then tool=$tool-${1#iptables-}; fi
}

# rule_at BACKEND FAMILY TABLE CHAIN COPY POSITION SPEC…: which rule of it.
rule_at() {
  chain_at "$@"
  copy=$5 position=$6
  shift 6
  canonical "$@"
  wanted=$canonical
}

# save_rules: all rules of the tool, in $saved. By save, which walks the tables that exist; asked for one table (-t, -S)
# or one rule (-C), the tools load what is missing. One listing serves for several looks, until we change something.
saved_by='' saved_text=''
forget_listing() {
  saved_by=''
}

save_rules() {
  saved=''
  # Nothing is there yet, and asking would load it.
  if [ "$backend" = iptables-nft ] && ! nft_is_loaded; then return 0; fi
  if [ "$saved_by" = "$tool" ]; then
    saved=$saved_text
    return 0
  fi
  saved=$("$tool-save" 2>/dev/null </dev/null) && saved_by=$tool saved_text=$saved && return 0
  say "cannot list rules: $tool-save failed"
  return 1
}

# find_rule: its place in the chain (empty: not there), how many are equal, how many rules the chain has.
find_rule() {
  place='' copies=0 length=0 inside=''
  save_rules || return 1
  set -f
  IFS=$nl
  for line in $saved; do
    case $line in
      "*$table") inside=1 ;;
      '*'*) inside='' ;;
      "-A $chain" | "-A $chain "*)
        [ -n "$inside" ] || continue
        length=$((length + 1))
        line=${line#"-A $chain"}
        line_words "${line# }"
        [ "$canonical" = "$wanted" ] || continue
        copies=$((copies + 1))
        [ "$copies" -ne "$copy" ] || place=$length
        ;;
    esac
  done
  IFS=" 	$nl"
  set +f
}

# use_tool WORD…: waits for the lock where the tool knows how to (1.4.20 and later).
use_tool() {
  forget_listing
  case $("$tool" -h 2>&1 </dev/null) in
    *--wait*) "$tool" -w -t "$table" "$@" ;;
    *) "$tool" -t "$table" "$@" ;;
  esac
}

expect_rule() {
  rule_at "$@"
  find_rule || return 1
  [ -z "$place" ] || return 0
  say "a rule is no longer in $table $chain, and the plan was made with it"
  return 1
}

expect_no_rule() {
  rule_at "$@"
  find_rule || return 1
  [ -n "$place" ] || return 0
  say "a rule is in $table $chain already, and the plan was made without it"
  return 1
}

# put_rule …: adds it where it belongs, or at the end of a chain that has become shorter; believes only what it reads back.
put_rule() {
  rule_at "$@"
  shift 6
  find_rule || return 1
  [ -z "$place" ] || return 0
  was=$length at=$position
  if [ "$position" = end ] || [ "$position" -gt "$length" ]; then
    at=$((length + 1))
    use_tool -A "$chain" "$@"
  else
    use_tool -I "$chain" "$position" "$@"
  fi || {
    say "cannot add a rule to $table $chain"
    return 1
  }
  find_rule || return 1
  [ -z "$place" ] || return 0
  # By its place: by its words the kernel might take out a rule of somebody else that it holds for the same.
  [ "$length" -ne $((was + 1)) ] || use_tool -D "$chain" "$at"
  find_rule || return 1
  if [ "$length" -eq "$was" ]; then
    say "a rule was added to $table $chain and reads otherwise than it was written: it is out again"
  else
    say "a rule was added to $table $chain, reads otherwise than it was written, and could not be taken out"
  fi
  return 1
}

# take_rule …: by its words, so that nobody else's is hit; by its number only where several have the same words. Where
# there are more of them than the plan knew nobody can say which is whose.
take_rule() {
  rule_at "$@"
  shift 6
  find_rule || return 1
  [ -n "$place" ] || return 0
  if [ "$copies" -gt "$copy" ]; then
    say "a rule of $table $chain was added once more by somebody else: left as it is"
    return 1
  fi
  if [ "$copies" -eq 1 ]; then
    use_tool -D "$chain" "$@"
  else
    use_tool -D "$chain" "$place"
  fi
  find_rule || return 1
  [ -n "$place" ] || return 0
  say "cannot take a rule out of $table $chain"
  return 1
}

# forget_entries WORD…: removes the live entries that conntrack selects by these words. Their number may be large and the
# table busy, so there is an end to it; what is left then ends by itself, as it would have.
forget_entries() {
  if ! command -v conntrack >/dev/null 2>&1; then
    say 'there is no conntrack here: live entries stay until they end by themselves'
    return 1
  fi
  if timeout 1 true 2>/dev/null; then
    set -- timeout 20 conntrack -D "$@"
  elif timeout -t 1 true 2>/dev/null; then
    # As busybox had it before 1.30.
    set -- timeout -t 20 conntrack -D "$@"
  else
    set -- conntrack -D "$@"
  fi
  # Each of them is printed; what counts comes on stderr.
  "$@" >/dev/null </dev/null
}
