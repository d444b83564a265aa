# shellcheck disable=SC2154 # dir is set by state.sh.
# The dead man's switch of one run, in its run directory; state.sh and timer.sh come before it in one text. POSIX sh; needs
# no network, no session and no clock of the day.
#   /bin/sh guard.sh VERB RUN_DIR [SECONDS]
#     start SECONDS   lock, check, snapshot, arm, change what is live
#     keep            over a new connection: confirm, write the files
#     revert          take it back, now
#     expire          what the timer does
#     wait            is the timer, where nothing better is to be had
#     status          what is the case
#     over            0 when it ended where it began and nobody is at work in it: another try may take its name
# Exit codes: codes.ts.

# Seconds that a script under way is waited for before its changes are taken back all the same.
patience=30
# Seconds after which whoever is at work counts as hanging.
endurance=120

# What the targets are, as one word in $present: equal before and after is equal to the byte. Small systems have but one of
# the tools.
digest() {
  present=
  for sum in sha256sum md5sum cksum; do
    has "$sum" || continue
    present=$(/bin/sh "$dir/undo.sh" "$dir" look 2>/dev/null | "$sum")
    present=${present%% *}
    break
  done
  [ -n "$present" ]
}

# For whoever asks; compared as a word, for there may be no space left to write it.
look_after() {
  digest
  { echo "$present" >"$dir/digest.after"; } 2>/dev/null
  :
}

# The copy for a person: undo.sh does without it. Nothing is listed that would load a module or make a table. Files are
# there by now.
snapshot() {
  cd "$dir/snapshot" || return 1
  grep -s . /proc/modules /proc/sys/net/netfilter/* /proc/sys/net/ipv4/netfilter/* /sys/module/*_conntrack/parameters/* >values 2>/dev/null
  while read -r table; do
    iptables-save -t "$table" >"iptables-$table"
  done </proc/net/ip_tables_names 2>/dev/null
  while read -r table; do
    ip6tables-save -t "$table" >"ip6tables-$table"
  done </proc/net/ip6_tables_names 2>/dev/null
  if [ -d /sys/module/nf_tables ] && has nft; then nft list ruleset >nftables 2>/dev/null; fi
  for service in iptables ip6tables netfilter-persistent firewalld ufw nftables docker; do
    if [ -d /run/systemd/system ] && [ -e "/etc/systemd/system/multi-user.target.wants/$service.service" ]; then
      echo "$service enabled"
    elif [ -e "/etc/init.d/$service" ]; then
      echo "$service installed"
    fi
  done >services
}

# A log that cannot be opened (a disk that just became read-only) would keep a script from being run at all.
ready_log() { { printf '' >>"$log"; } 2>/dev/null || log=/dev/null; }

# In state reverting, as one who is at work: runs undo.sh, which is safe to run again where it was cut off.
# A step that was under way for longer than we have patience may come to its end after us, so then all of it is done twice.
take_back() {
  ready_log
  for limit in "$patience" "$endurance"; do
    calm=yes code=0
    await_others "$limit" || calm=no
    script undo undo >>"$log" 2>&1 || code=72
    [ "$calm" = no ] || break
  done
  if [ "$calm" = no ]; then
    say 'a step of the change still hangs, and may yet have its effect' 2>>"$log"
    code=72
  fi
  look_after
  before=
  { read -r before <"$dir/digest.before"; } 2>/dev/null
  if [ "$code" = 0 ] && [ "$present" != "$before" ]; then
    say 'what is there now is not what was there before' 2>>"$log"
    code=72
  fi
  if [ "$code" = 0 ]; then claim reverting reverted; else claim reverting revert-failed; fi
  to_disk "$dir"
  work_ends
  return "$code"
}

# Takes back what could not be done.
undone() {
  take_back && return 71
  tail -n 5 "$log" >&2
  return 72
}

# Somebody else takes it back: ends when it is back, with 76, or could not be taken back, with 72.
# Who died at it is stood in for.
await_revert() {
  while state_of "$dir" && [ "$state" = reverting ]; do
    # As long as going back may take, with its own patience in it.
    await_others $((patience + endurance + 30)) || return 72
    work_begins
    if ! busy "$dir" && [ -e "$dir/reverting" ]; then take_back; fi
    work_ends
    [ ! -e "$dir/reverting" ] || nap
  done
  [ "$state" = reverted ] || return 72
  return 76
}

start() {
  # Once in a directory: a second try of the same run must not give up what the first one has begun.
  # A shell that must not write over a file makes it or fails, as mkdir does.
  set -C
  first=yes
  { printf '' >"$dir/started"; } 2>/dev/null || first=no
  set +C
  if [ "$first" = no ]; then
    [ -e "$dir/started" ] || give_up 73 "cannot write to $dir"
    say "locked: this run is under way here, see $dir"
    return 77
  fi
  work_begins || give_up 73 "cannot write to $dir"
  take_host || give_up 77
  no_copy="cannot copy the present state to $dir: no space left?"
  [ -d "$dir/snapshot" ] || mkdir "$dir/snapshot" 2>/dev/null || give_up 73 "$no_copy"
  (cd "$dir/snapshot" && exec /bin/sh "$dir/apply.sh" "$dir" check)
  case $? in
    0) ;;
    75) give_up 75 ;;
    74) give_up 73 "$no_copy" ;;
    *) give_up 73 'cannot check what is there' ;;
  esac
  { (snapshot) && digest && echo "$present" >"$dir/digest.before" && [ -s "$dir/digest.before" ]; } >/dev/null 2>&1 ||
    give_up 73 "$no_copy"
  arm "$1" || return
  script apply change >>"$log" 2>&1
  code=$?
  [ ! -s "$log" ] || tail -n 5 "$log" >&2
  if [ "$code" = 0 ] && [ -e "$dir/armed" ]; then
    work_ends
    return 0
  fi
  if seize armed; then
    disarm
    undone
    return
  fi
  await_revert
}

# give_up CODE [WHY]: nothing was changed, so nothing is left behind.
give_up() {
  [ "$#" -lt 2 ] || say "$2"
  cd / && rm -rf "$dir"
  exit "$1"
}

# arm SECONDS: on disk before the first change, and with a timer that runs.
arm() {
  uptime_now || give_up 74 'no guard could be armed: this host has no clock that counts from its boot'
  boot_now
  { echo "$((up + $1)) $boot" >"$dir/deadline"; } 2>/dev/null || give_up 73 "cannot write to $dir: no space left?"
  if ! claim begun armed; then
    say 'called off before anything was changed'
    work_ends
    return 76
  fi
  to_disk "$dir/deadline" "$dir/digest.before" "$dir"
  set_timer "$1" && return 0
  claim armed begun && give_up 74 'no guard could be armed: neither systemd-run nor at nor a process of its own'
  if seize armed; then
    undone
    return
  fi
  await_revert
}

keep() {
  while :; do
    state_of "$dir"
    case $state in
      none) return 70 ;;
      armed)
        # Files alone would be half of the change.
        if rebooted_since "$dir"; then
          claim armed reverted
          continue
        fi
        if await_others "$endurance"; then
          work_begins
          if claim armed confirmed; then
            disarm
            # Before the first file: a boot then knows that there may be some.
            to_disk "$dir"
            write_files
            return
          fi
          work_ends
        fi
        # Not confirmed, so it is not left half done.
        seize armed || continue
        disarm
        undone
        return
        ;;
      confirmed)
        if rebooted_since "$dir"; then
          seize confirmed || continue
          take_back || return
          return 76
        fi
        # Somebody was cut off, or is at it right now: the files may be written twice, but not by two.
        await_others "$endurance" || return 72
        work_begins
        if ! busy "$dir" && [ -e "$dir/confirmed" ]; then
          write_files
          return
        fi
        work_ends
        nap
        ;;
      kept) return 0 ;;
      *)
        await_revert
        return
        ;;
    esac
  done
}

# In state confirmed, as one who is at work.
write_files() {
  if script apply files >>"$log" 2>&1 && look_after && claim confirmed kept; then
    to_disk "$dir"
    work_ends
    return 0
  fi
  if seize confirmed; then
    undone
    return
  fi
  await_revert
}

revert() {
  while :; do
    state_of "$dir"
    was=$state
    case $was in
      none)
        # Whoever is just beginning finds it called off.
        claim begun reverted && return 70
        state_of "$dir"
        [ "$state" = none ] || continue
        return 70
        ;;
      reverted)
        [ -e "$dir/digest.before" ] || return 70
        return 0
        ;;
      reverting)
        await_revert
        [ "$?" = 76 ] || return 72
        return 0
        ;;
      armed)
        if rebooted_since "$dir"; then
          claim armed reverted
          continue
        fi
        ;;
      kept | revert-failed)
        # It has ended, so another run may be at work by now.
        work_begins
        take_host || {
          work_ends
          return 77
        }
        ;;
    esac
    seize "$was" || continue
    disarm
    take_back
    return
  done
}

expire() {
  # Whoever only looks must not be seen as one at work, or another run would be refused for it.
  [ -e "$dir/armed" ] || return 0
  seize armed || return 0
  say 'not confirmed in time' 2>>"$log"
  take_back
}

status() {
  state_of "$dir"
  echo "state $state"
  deadline=
  uptime_now
  { read -r deadline _ <"$dir/deadline"; } 2>/dev/null
  [ -z "$deadline" ] || echo "left $((deadline - ${up:-0}))"
  if rebooted_since "$dir"; then echo 'boot other'; else echo 'boot same'; fi
  if timer_pending; then echo 'timer pending'; else echo 'timer gone'; fi
  if busy "$dir"; then echo 'worker busy'; else echo 'worker gone'; fi
  for name in before after; do
    [ ! -s "$dir/digest.$name" ] || echo "$name $(cat "$dir/digest.$name")"
  done
  [ ! -e "$dir/owner" ] || cat "$dir/owner"
}

over() {
  ! busy "$dir" || return 1
  state_of "$dir"
  case $state in
    none | reverted | revert-failed) return 0 ;;
  esac
  return 1
}

main() {
  log=$dir/log
  cd / || return 1
  # Whoever asked may be gone before this has ended.
  trap '' HUP PIPE
  ready_log
  case ${1-} in
    start) start "$3" ;;
    wait) wait_here ;;
    keep | revert | expire | status | over) "$1" ;;
    *) exit 64 ;;
  esac
}

main "$@" </dev/null
