# First part of guard.sh: what the state of a run is, who is at work in it, and who holds the host. POSIX sh.
#
# The state is the name of one file, and every step from one to the next is one rename, so of two who try one wins:
#   begun > armed > confirmed > kept      armed, confirmed, kept, revert-failed > reverting > reverted | revert-failed
#   begun > reverted: called off          armed > reverted: its live values went with a boot
# `begun` counts as none: nothing was changed. Who is at work is a file worker.PID: made before anything else is looked
# at, so of two who begin at once at least one sees the other.

set -u
LC_ALL=C
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH
export LC_ALL PATH
umask 077

dir=${2-}
# A person who stands before it, and has not named it.
[ -n "$dir" ] || dir=$(cd "$(dirname "$0")" && pwd)

has() { command -v "$1" >/dev/null 2>&1; }

say() { printf 'ctfix: %s\n' "$*" >&2; }

# What is asked here is left in a variable: to print it would take a process each time.

# Seconds since boot, in $up: nobody can set this clock.
uptime_now() {
  up=
  { read -r up _ </proc/uptime; } 2>/dev/null
  up=${up%%.*}
  [ -n "$up" ]
}

# In $boot. Old kernels give no more than one byte to a shell that reads byte by byte.
boot_now() {
  boot=
  { read -r boot </proc/sys/kernel/random/boot_id; } 2>/dev/null
  case $boot in
    ????????-????-????-????-????????????) ;;
    *) boot=$(cat /proc/sys/kernel/random/boot_id 2>/dev/null) || boot=unknown ;;
  esac
}

nap() { sleep 0.1 2>/dev/null || sleep 1; }

# Where sync takes a name it syncs that one; older ones sync everything, which is slower and as good.
to_disk() { sync "$@" 2>/dev/null || sync; }

# state_of DIR, in $state. One that becomes `reverting` while we look may come from the end of the list, so that is looked
# at twice.
state_of() {
  for state in armed confirmed kept reverting reverted revert-failed reverting; do
    [ ! -e "$1/$state" ] || return 0
  done
  state=none
}

claim() { mv -f "$dir/$1" "$dir/$2" 2>/dev/null; }

# seize STATE: claims the run for taking it back, as one who is at work in it. Where nothing can be renamed any more
# nobody can confirm either, so it is taken back all the same.
seize() {
  work_begins
  claim "$1" reverting && return 0
  [ -e "$dir/$1" ] && return 0
  work_ends
  return 1
}

# rebooted_since DIR: its live changes went with an earlier boot.
rebooted_since() {
  begun_in=
  { read -r _ begun_in <"$1/deadline"; } 2>/dev/null
  [ -n "$begun_in" ] || return 1
  boot_now
  [ "$begun_in" != "$boot" ]
}

# lives PID DIR: that process is there and at work in that run. A number alone could be somebody else's by now.
lives() {
  kill -0 "$1" 2>/dev/null || return 1
  [ ! -r /proc/self/cmdline ] || { tr '\0' '\n' <"/proc/$1/cmdline" | grep -Fqx -e "$2"; } 2>/dev/null
}

# busy DIR: somebody but us is at work in that run.
busy() {
  for worker in "$1"/worker.*; do
    pid=${worker##*.}
    [ "$pid" != "$$" ] && lives "$pid" "$1" && return 0
  done
  return 1
}

work_begins() { { printf '' >"$dir/worker.$$"; } 2>/dev/null; }

# With the note of the script that ended: nobody takes the dead for somebody at work, so it may go as late as this.
child=
work_ends() { rm -f "$dir/worker.$$" "$dir/worker.${child:-$$}" 2>/dev/null; }

# await_others SECONDS: until nobody else is at work in this run; 1 when somebody still is after so long.
await_others() {
  busy "$dir" || return 0
  uptime_now
  end=$((up + $1))
  while busy "$dir"; do
    uptime_now
    [ "$up" -lt "$end" ] || return 1
    nap
  done
}

# script NAME VERB: runs it as one who is at work of its own, which it notes before it does anything, for it may outlive us.
script() {
  [ -z "$child" ] || rm -f "$dir/worker.$child" 2>/dev/null
  /bin/sh "$dir/$1.sh" "$dir" "$2" worker &
  child=$!
  wait "$child"
}

# holds DIR: that run is beginning, or has not ended: nobody else may change this host. Who is at work is looked at first:
# whoever ends working in a run leaves it in the state that says so.
holds() {
  busy "$1" && return 0
  state_of "$1"
  case $state in
    armed | confirmed | reverting) return 0 ;;
  esac
  return 1
}

# What a boot broke off ends here: live values went with it, and files are written only after `confirmed` is on disk.
settle() {
  rebooted_since "$1" || return 0
  ! busy "$1" || return 0
  state_of "$1"
  case $state in
    armed) mv -f "$1/armed" "$1/reverted" 2>/dev/null ;;
    confirmed | reverting) /bin/sh "$1/guard.sh" revert "$1" >/dev/null 2>&1 ;;
  esac
}

# take_host: 1 when another run has it, which is said. Asked by one who is already noted as at work, and who is so until
# its state says the same. Of two who begin at once the one whose name comes first waits for the other to go, so that
# not both go. The order of the names looked for is the one in which a run goes through them.
take_host() {
  runs=${dir%/*} tries=0
  for mark in "$runs"/*/worker.* "$runs"/*/armed "$runs"/*/confirmed "$runs"/*/reverting; do
    other=${mark%/*}
    # A mark may have gone while we waited for somebody else, because its run went on: what counts is what holds now.
    if [ ! -d "$other" ] || [ "$other" = "$dir" ]; then continue; fi
    settle "$other"
    while holds "$other"; do
      state_of "$other"
      if [ "$tries" -ge 50 ] || [ "$state" != none ] || expr "x$other" \< "x$dir" >/dev/null; then
        refuse "$other"
        return 1
      fi
      tries=$((tries + 1))
      nap
    done
  done
}

# refuse DIR: says who has the host, and for how long.
refuse() {
  left=
  uptime_now
  { read -r left _ <"$1/deadline"; } 2>/dev/null
  left=$((${left:-0} - ${up:-0}))
  state_of "$1"
  case $state in
    armed)
      what="its change is not confirmed yet, $left s are left"
      [ "$left" -ge 0 ] || what="its change was not confirmed, and its guard is $((-left)) s late"
      ;;
    confirmed | reverting) what='it is in the middle of a change' ;;
    *) what='it is at work' ;;
  esac
  say "locked by run ${1##*/} of $(field who "$1/owner") since $(field at "$1/owner"): $what"
}

# field NAME FILE
field() { sed -n "s/^$1 //p" "$2" 2>/dev/null; }
