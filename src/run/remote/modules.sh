# shellcheck disable=SC2034 # change.sh reads what is set for it.
# Functions for kernel modules, called by the compiled scripts; they stand after change.sh. POSIX sh.

# module_state NAME: `loaded` (or built in, which has a directory, too, where it has parameters), `unloading`, or `absent`,
# in $state; the modules that hold it in $users, as /proc/modules has them: `xt_state,xt_CT,`.
module_state() {
  module=$1 state=absent users=
  while :; do
    case $module in
      *-*) module=${module%%-*}_${module#*-} ;;
      *) break ;;
    esac
  done
  [ ! -d "/sys/module/$module" ] || state=loaded
  [ -r /proc/modules ] || return 0
  while read -r name _ _ held now _; do
    [ "$name" = "$module" ] || continue
    state=loaded users=$held
    [ "$now" != Unloading ] || state=unloading
    break
  done </proc/modules
}

expect_module() {
  module_state "$1"
  [ "$state" != loaded ] || return 0
  say "module $1 is $state now, and the plan was made with it"
  return 1
}

expect_no_module() {
  module_state "$1"
  [ "$state" != absent ] || return 0
  say "module $1 is $state now, and the plan was made without it"
  return 1
}

# What modprobe is told by any file but ours. In /etc/modprobe.conf our lines stand in pairs.
# shellcheck disable=SC2016 # awk's own dollars
unrefused='
held != "" && $0 == "blacklist " name { held = ""; next }
held != "" { print held; held = "" }
NF == 3 && $1 == "install" && $3 == "/bin/false" { held = $0; name = $2; next }
{ print }
END { if (held != "") print held }'

# load_past_refusal NAME: past our own refusal, and past no other: by all other lines that modprobe would read, its options
# among them, in one file, which kmod and what was before it take for -C. Of files of one name the last of these counts.
load_past_refusal() {
  lines=$(mktemp -d /run/ctfix.XXXXXX 2>/dev/null || mktemp -d 2>/dev/null) || return 1
  mkdir "$lines/by-name"
  for path in /lib/modprobe.d/* /usr/lib/modprobe.d/* /usr/local/lib/modprobe.d/* /run/modprobe.d/* /etc/modprobe.d/*; do
    name=${path##*/}
    case $name in
      00-ctfix-blacklist.conf | '*') continue ;;
      *.conf | *.dist) ;;
      *.*) continue ;;
    esac
    # An empty one, or a link to /dev/null, stands for the one it hides.
    if [ -e "$path" ]; then cat "$path" >"$lines/by-name/$name" 2>/dev/null; fi
  done
  {
    [ ! -f /etc/modprobe.conf ] || awk "$unrefused" /etc/modprobe.conf
    for path in "$lines"/by-name/*; do
      # One whose last line has no end.
      if [ -f "$path" ]; then cat "$path" && echo; fi
    done
  } >"$lines/all"
  bounded 30 modprobe -C "$lines/all" "$1"
  rm -rf "$lines"
}

# refused_by_us: our lines are in force.
refused_by_us() {
  [ -f /etc/modprobe.d/00-ctfix-blacklist.conf ] || grep -qs '^install [a-z_]* /bin/false$' /etc/modprobe.conf
}

# load_module NAME: one that is still on its way out must be out first. Names are kept in $brought, for services that begin
# by taking modules out.
brought=''
load_module() {
  naps=0
  case " $brought " in
    *" $1 "*) ;;
    *) brought="$brought $1" ;;
  esac
  module_state "$1"
  while [ "$state" = unloading ]; do
    if [ "$naps" -ge 10 ]; then
      say "cannot load module $1: it is still being taken out, which may last until the next boot"
      return 1
    fi
    naps=$((naps + 1))
    sleep 1
    module_state "$1"
  done
  [ "$state" != loaded ] || return 0
  bounded 30 modprobe "$1"
  module_state "$1"
  # An earlier run may have left a refusal that this one found, and has to leave.
  if [ "$state" != loaded ] && refused_by_us; then
    load_past_refusal "$1"
    module_state "$1"
  fi
  [ "$state" != loaded ] || return 0
  say "cannot load module $1"
  return 1
}

# leaves_late NAME: it, or all that is left of it, goes when the kernel lets go: said, and no failure.
leaves_late() {
  module_state "$1"
  case $state in
    absent) return 1 ;;
    unloading)
      say "module $1 is still being taken out: packets on their way hold it. It is gone after the next boot at the latest"
      return 0
      ;;
  esac
  waits_for=$users
  while [ -n "$waits_for" ]; do
    user=${waits_for%%,*}
    waits_for=${waits_for#"$user"}
    waits_for=${waits_for#,}
    module_state "$user"
    if [ "$state" = unloading ]; then
      say "module $1 is held by $user, which is still being taken out: it stays until the next boot"
      return 0
    fi
  done
  return 1
}

# unload_module NAME: this one only, never by force; one that is in use stays, and that is said. The kernel may wait for
# packets that hold it, with rmmod beyond the reach of any signal, so nobody waits longer than 10 s for that.
unload_module() {
  module_state "$1"
  case $state in
    absent) return 0 ;;
    # A module that is held by one on its way out cannot be helped, either.
    loaded)
      mute=1
      leaves_late "$1" || bounded 10 rmmod "$1"
      mute=
      ;;
  esac
  module_state "$1"
  [ "$state" != absent ] || return 0
  leaves_late "$1" && return 0
  module_state "$1"
  held=${users%,}
  case $held in - | '') held=rules ;; esac
  say "cannot take out module $1: it is in use by $held"
  return 1
}

# return_value PATH ge|eq VALUE: what the value was when its module went; the kernel knows its own only, or what a file says.
# Where the module did not come back that was said.
return_value() {
  if [ ! -e "$1" ]; then
    [ -n "${missed-}" ] || say "there is no $1, so what it was cannot be put back"
    missed=1
    return 1
  fi
  now=$(cat "$1" 2>/dev/null) || now=
  [ "$now" = "$3" ] || put_value "$@"
}
