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

# load_module NAME: one that is still on its way out must be out first.
load_module() {
  naps=0
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
