# shellcheck disable=SC2154 # what is shown is set by the files before it.
# Functions that print what a target of a change is at this moment, always in the same words, so that two looks can be
# compared by a digest; `unreadable` where somebody may not look. They stand after all of those. Nothing is changed
# and nothing is loaded by a look.

# show_value PATH: `value TEXT` or `absent`.
show_value() {
  if [ ! -e "$1" ]; then
    printf 'absent\n'
    return 0
  fi
  if now=$(cat "$1" 2>/dev/null); then printf 'value %s\n' "$now"; else printf 'unreadable\n'; fi
}

# show_values PATH…: each with its path, by one process where all of them can be read.
show_values() {
  grep -s '' /dev/null "$@" && return 0
  for path; do show_value "$path"; done
}

# label_of PATH: its SELinux label, or `-`. Newer ls prints label and path, older ones mode and names before.
label_of() {
  label=-
  if [ -e /sys/fs/selinux/enforce ] || [ -e /selinux/enforce ]; then
    # shellcheck disable=SC2045 # the words of one line
    for word in $(ls -dZ "$1" 2>/dev/null); do
      case $word in
        *:*:*:*)
          label=$word
          break
          ;;
      esac
    done
  fi
}

# show_file PATH: `absent`, `other` (no regular file), or a line `file MODE UID:GID LABEL` and the bytes behind it.
show_file() {
  if [ -L "$1" ]; then
    printf 'other\n'
    return 0
  fi
  if [ ! -e "$1" ]; then
    printf 'absent\n'
    return 0
  fi
  if [ ! -f "$1" ]; then
    printf 'other\n'
    return 0
  fi
  if [ ! -r "$1" ]; then
    printf 'unreadable\n'
    return 0
  fi
  set -f
  label_of "$1"
  # shellcheck disable=SC2046 # split into words, on purpose
  set -- "$1" $(ls -ldn "$1")
  set +f
  # A sign for an ACL or a label may follow the ten letters of the mode.
  printf 'file %s %s:%s %s\n' "${2%"${2#??????????}"}" "$4" "$5" "$label"
  cat "$1"
}

# show_place FIND: by what that finds, `present POSITION` or `absent`.
show_place() {
  if ! "$1"; then
    printf 'unreadable\n'
  elif [ -n "$place" ]; then
    printf 'present %s\n' "$place"
  else
    printf 'absent\n'
  fi
}

show_rule() {
  rule_at "$@"
  show_place find_rule
}

# show_module NAME: `loaded`, `unloading` or `absent`.
show_module() {
  module_state "$1"
  printf '%s\n' "$state"
}

# show_service NAME: `running` or `stopped`.
show_service() {
  if service_runs "$1"; then printf 'running\n'; else printf 'stopped\n'; fi
}

# show_boot_service NAME: `on STATE` or `off`.
show_boot_service() {
  boot_state "$1"
  if [ -n "$booted" ]; then printf 'on %s\n' "$booted"; else printf 'off\n'; fi
}

# show_image PATH [RUN_DIR]: `absent`, or `image DIGEST SIZE` with `rebuilt` where a run made it and `anew` where somebody
# made it after a run did.
show_image() {
  if [ ! -f "$1" ]; then
    printf 'absent\n'
  elif ! known_image "$@"; then
    printf 'unreadable\n'
  else
    printf 'image %s%s\n' "$sum" "${known:+ $known}"
  fi
}

# show_chain …: `present` and its rules, a line each, or `absent`.
show_chain() {
  chain_at "$@"
  if ! read_chain; then
    printf 'unreadable\n'
  elif [ -n "$there" ]; then
    printf 'present\n%s' "$rules"
  else
    printf 'absent\n'
  fi
}

# show_nft_table: `present` and all of it as nft prints it, or `absent`.
show_nft_table() {
  list_nft_table
  case $? in
    0) printf 'present\n%s\n' "$listed" ;;
    1) printf 'absent\n' ;;
    *) printf 'unreadable\n' ;;
  esac
}

show_nft_rule() {
  if nft_rule_at "$@"; then show_place find_nft_rule; else printf 'unreadable\n'; fi
}
