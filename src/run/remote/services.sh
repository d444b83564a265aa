# Functions for services, called by the compiled scripts; they stand after change.sh. POSIX sh. A service is always given by
# its name alone; which manager it has is found out on the host: systemd, OpenRC, or the scripts of sysvinit.

by_systemd() { [ -d /run/systemd/system ] && command -v systemctl >/dev/null 2>&1; }
by_openrc() { [ -d /run/openrc ] && command -v rc-service >/dev/null 2>&1; }

# service_runs NAME: by the status alone, which starts nothing; where Red Hat's scripts are, by the mark that each of them
# leaves: the one for iptables calls itself running while its tables are in the kernel, and a stop that unloads nothing
# leaves them there.
service_runs() {
  if by_systemd; then
    case $(systemctl is-active "$1" 2>/dev/null </dev/null) in
      active | reloading) return 0 ;;
    esac
    return 1
  fi
  if by_openrc; then
    rc-service "$1" status >/dev/null 2>&1 </dev/null
  elif [ -d /etc/rc.d/init.d ] && [ -d /var/lock/subsys ]; then
    [ -e "/var/lock/subsys/$1" ]
  elif [ -x "/etc/init.d/$1" ]; then
    "/etc/init.d/$1" status >/dev/null 2>&1 </dev/null
  else
    return 1
  fi
}

# turn_service NAME start|stop: a service that does not come to an end is not waited for longer than 60 s.
turn_service() {
  if by_systemd; then
    bounded 60 systemctl "$2" "$1"
  elif by_openrc; then
    bounded 60 rc-service "$1" "$2"
  elif command -v service >/dev/null 2>&1; then
    bounded 60 service "$1" "$2"
  else
    bounded 60 "/etc/init.d/$1" "$2"
  fi
}

expect_service() {
  service_runs "$1" && return 0
  say "service $1 does not run any more, and the plan was made with it"
  return 1
}

expect_no_service() {
  service_runs "$1" || return 0
  say "service $1 runs now, and the plan was made without it"
  return 1
}

# start_service NAME [RUN_DIR]: what was loaded for it is loaded again where its start, as that of iptables on RHEL 5 and 6,
# begins with a stop that takes modules out. One that RUN_DIR began to stop may call itself running with its rules gone.
start_service() {
  stopping=${2+$2/stopping-$1}
  if [ ! -e "$stopping" ] && service_runs "$1"; then return 0; fi
  started=''
  if turn_service "$1" start; then started=1; fi
  for module in ${brought-}; do
    load_module "$module" || return 1
  done
  if service_runs "$1" && { [ -n "$started" ] || [ ! -e "$stopping" ]; }; then
    [ -z "$stopping" ] || rm -f "$stopping"
    return 0
  fi
  say "cannot start service $1"
  return 1
}

# stop_service NAME [RUN_DIR]: what was begun and not ended is told by a file there.
stop_service() {
  service_runs "$1" || return 0
  stopping=${2+$2/stopping-$1}
  if [ -n "$stopping" ] && ! { printf '' >"$stopping"; } 2>/dev/null; then
    say "cannot write $stopping"
    return 1
  fi
  turn_service "$1" stop
  if ! service_runs "$1"; then
    [ -z "$stopping" ] || rm -f "$stopping"
    return 0
  fi
  say "cannot stop service $1"
  return 1
}

# levels_of NAME: the levels in which scripts of sysvinit start it, as digits, in $booted.
levels_of() {
  booted=
  for rcs in /etc/rc.d /etc; do
    [ -z "$booted" ] || continue
    for level in 0 1 2 3 4 5 6 S; do
      for link in "$rcs/rc$level.d"/S[0-9][0-9]"$1"; do
        if [ -e "$link" ] || [ -L "$link" ]; then booted=$booted$level; fi
      done
    done
  done
}

# boot_state NAME: what starts it at boot, in $booted: `enabled`, its runlevels (`boot default`), its levels (`2345`), or
# nothing.
boot_state() {
  booted=
  if by_systemd; then
    case $(systemctl is-enabled "$1" 2>/dev/null </dev/null) in
      enabled) booted=enabled ;;
    esac
  elif by_openrc; then
    for link in /etc/runlevels/*/"$1"; do
      if [ ! -e "$link" ] && [ ! -L "$link" ]; then continue; fi
      level=${link%/*}
      booted=$booted${booted:+ }${level##*/}
    done
  else
    levels_of "$1"
  fi
}

# boot_service_is NAME STATE
boot_service_is() {
  boot_state "$1"
  [ "$booted" = "$2" ]
}

expect_boot_service() {
  boot_service_is "$1" "$2" && return 0
  say "boot starts service $1 otherwise (${booted:-not}) than when the plan was made (${2:-not})"
  return 1
}

# turn_levels NAME WANTED: in these levels of sysvinit and no others.
turn_levels() {
  if command -v chkconfig >/dev/null 2>&1; then
    # What it does not name itself it leaves as it is.
    chkconfig --level 0123456 "$1" off
    [ -z "$2" ] || chkconfig --level "$2" "$1" on
    return
  fi
  [ -n "$2" ] || {
    update-rc.d "$1" disable
    return
  }
  for level in 2 3 4 5 S; do
    case $2 in
      *"$level"*) update-rc.d "$1" enable "$level" ;;
      *) update-rc.d "$1" disable "$level" ;;
    esac
  done
}

# turn_runlevels NAME WANTED: in these runlevels of OpenRC and no others.
turn_runlevels() {
  for level in $booted; do
    case " $2 " in
      *" $level "*) ;;
      *) rc-update del "$1" "$level" ;;
    esac
  done
  for level in $2; do
    case " $booted " in
      *" $level "*) ;;
      *) rc-update add "$1" "$level" ;;
    esac
  done
}

# put_boot_service NAME STATE: believes only what it reads back.
put_boot_service() {
  boot_service_is "$1" "$2" && return 0
  if by_systemd; then
    if [ -n "$2" ]; then bounded 60 systemctl enable "$1"; else bounded 60 systemctl disable "$1"; fi
  elif by_openrc; then
    turn_runlevels "$1" "$2"
  else
    turn_levels "$1" "$2"
  fi >/dev/null </dev/null
  boot_service_is "$1" "$2" && return 0
  say "cannot have boot start service $1 in this way: ${2:-not}"
  return 1
}

# each_level STATE: runlevels as words, in $each.
each_level() {
  each=$1
  case $1 in *[!0-9S]*) return 0 ;; esac
  each=
  for level in 0 1 2 3 4 5 6 S; do
    case $1 in *"$level"*) each="$each $level" ;; esac
  done
}

# lies_between NOW ONE OTHER: as a step that was cut off leaves it: nothing that is in neither of them.
lies_between() {
  each_level "$2"
  known=" $each "
  each_level "$3"
  known="$known$each "
  each_level "$1"
  for level in $each; do
    case $known in *" $level "*) ;; *) return 1 ;; esac
  done
}

# restore_boot_service NAME OURS BEFORE: back to what it was, unless somebody changed it since.
restore_boot_service() {
  boot_service_is "$1" "$3" && return 0
  if lies_between "$booted" "$2" "$3"; then
    put_boot_service "$1" "$3"
    return
  fi
  say "what boot does with service $1 was changed by somebody else since: left as it is"
  return 1
}
