# shellcheck disable=SC2154 # dir is set by state.sh.
# Second part of guard.sh: what calls `guard.sh expire` when nobody confirmed. POSIX sh.
# $dir/timer says which it is, `systemd UNIT` or `process PID`, so that it can be asked and called off.

# set_timer SECONDS: without a timer that is read back as pending there is no guard.
set_timer() { by_systemd "$1" || by_at || by_itself; }

by_systemd() {
  [ -d /run/systemd/system ] && has systemd-run && has systemctl || return 1
  unit=ctfix-${dir##*/}
  systemctl stop "$unit.timer" >/dev/null 2>&1
  systemctl reset-failed "$unit.service" >/dev/null 2>&1
  # Its own accuracy is a minute.
  systemd-run --unit="$unit" --on-active="${1}s" --timer-property=AccuracySec=100ms \
    /bin/sh "$dir/guard.sh" expire "$dir" >/dev/null 2>&1 || return 1
  if [ "$(systemctl is-active "$unit.timer" 2>/dev/null)" = active ]; then
    echo "systemd $unit" >"$dir/timer"
    return
  fi
  systemctl stop "$unit.timer" >/dev/null 2>&1
  return 1
}

# at knows minutes only, so it starts the process that waits; being atd's child, no session takes that along.
by_at() {
  has at && { pidof atd || pgrep atd; } >/dev/null 2>&1 || return 1
  echo "/bin/sh '$dir/guard.sh' wait '$dir' >/dev/null 2>&1" | at now >/dev/null 2>&1 && waits
}

by_itself() {
  if has setsid; then
    setsid /bin/sh "$dir/guard.sh" wait "$dir" </dev/null >/dev/null 2>&1 &
  else
    /bin/sh "$dir/guard.sh" wait "$dir" </dev/null >/dev/null 2>&1 &
  fi
  waiting=$!
  waits
}

# The process that waits says so itself: it lives, and can write where the way back lies.
waits() {
  naps=0
  until timer_pending; do
    [ "$naps" -lt 50 ] || return 1
    naps=$((naps + 1))
    nap
  done
}

timer_pending() {
  kind='' name=''
  { read -r kind name <"$dir/timer"; } 2>/dev/null
  case $kind in
    systemd) [ "$(systemctl is-active "$name.timer" 2>/dev/null)" = active ] ;;
    process) waits_for_us "$name" || lives "$name" "$dir" ;;
    *) return 1 ;;
  esac
}

waiting=
# waits_for_us PID: it is the one we have just started: its number is nobody else's. One that has died has no words any more.
waits_for_us() {
  [ "$1" = "$waiting" ] || return 1
  words=
  { read -r words <"/proc/$1/cmdline"; } 2>/dev/null
  [ -n "$words" ]
}

# For the sake of order: only `armed` expires. A process that waits sees that by itself within a second.
disarm() {
  kind='' name=''
  { read -r kind name <"$dir/timer"; } 2>/dev/null
  if [ "$kind" = systemd ]; then systemctl stop "$name.timer" >/dev/null 2>&1; fi
}

# Where logind ends what a session leaves behind, only who stands outside of all sessions stays.
wait_here() {
  for procs in /sys/fs/cgroup/cgroup.procs /sys/fs/cgroup/systemd/cgroup.procs; do
    [ ! -w "$procs" ] || echo "$$" >"$procs"
  done 2>/dev/null
  read -r deadline _ <"$dir/deadline"
  # One write, and whoever reads before it finds no timer.
  echo "process $$" >"$dir/timer"
  while [ -e "$dir/armed" ] && uptime_now && [ "$up" -lt "$deadline" ]; do sleep 1; done
  expire
}
