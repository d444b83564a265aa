# Functions that the compiled scripts call (apply.sh, undo.sh). POSIX sh; says what went wrong on stderr,
# and leaves every decision to the exit code. Values and contents arrive as words, never as program text.

set -u
LC_ALL=C
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH
export LC_ALL PATH
umask 077

say() {
  printf 'ctfix: %s\n' "$*" >&2
}

# still RUN_DIR STATE: nobody began to take it back. Asked before each step, for who does waits for one that is under way.
still() {
  [ -e "$1/$2" ] && return 0
  say 'it is being taken back'
  return 1
}

# bounded SECONDS COMMAND…: its exit code; 1, with its number in $late, when it is not back by then. Nobody kills it here:
# what hangs in the kernel cannot be killed. So it must hold nothing that anybody waits for: with $mute not even stderr,
# and by exec, for a redirection that a shell takes back it keeps a copy for.
# shellcheck disable=SC2034 # read by image.sh
bounded() {
  tenths=$(($1 * 10)) late=
  shift
  (
    # What it starts and writes is not ours: with our own mask a service's files would be nobody else's to read.
    umask 022
    exec </dev/null >/dev/null
    [ -z "${mute-}" ] || exec 2>/dev/null
    "$@"
  ) &
  under_way=$!
  while kill -0 "$under_way" 2>/dev/null; do
    if [ "$tenths" -le 0 ]; then
      late=$under_way
      return 1
    fi
    if sleep 0.1 2>/dev/null; then
      tenths=$((tenths - 1))
    else
      sleep 1
      tenths=$((tenths - 10))
    fi
  done
  wait "$under_way"
}

# content_is FILE TEXT: byte for byte. The x keeps trailing newlines, which $( ) would drop.
content_is() {
  [ -f "$1" ] && [ "$(
    cat "$1"
    printf x
  )" = "${2}x" ]
}

# expect_value PATH VALUE: the plan was made on this value.
expect_value() {
  now=$(cat "$1" 2>/dev/null) || now=
  [ "$now" = "$2" ] && return 0
  say "$1 is now '$now', and the plan was made on '$2'"
  return 1
}

# expect_values PATH VALUE PATH VALUE …: all of them with one reading, for each reading is a process. Says nothing.
expect_values() {
  wanted='' left=$#
  while [ "$left" -gt 0 ]; do
    wanted="$wanted$2
"
    set -- "$@" "$1"
    shift 2
    left=$((left - 2))
  done
  [ "$(cat "$@" 2>/dev/null)" = "${wanted%?}" ]
}

expect_file() {
  content_is "$1" "$2" && return 0
  say "$1 is not what the plan was made on"
  return 1
}

expect_absent() {
  [ ! -e "$1" ] && [ ! -L "$1" ] && return 0
  say "$1 exists now, and the plan was made without it"
  return 1
}

# write_value PATH VALUE: what came of it nobody knows before it is read back.
write_value() {
  { printf '%s\n' "$2" >"$1"; } 2>/dev/null && return 0
  say "cannot write $2 to $1"
  return 1
}

# read_back PATH…: all of them with one reading, for each reading is a process. A shell that reads byte by byte gets no more
# than one of such a file.
read_back() {
  seen="
$(grep -s '' /dev/null "$@")
"
  :
}

# took PATH ge|eq VALUE: what was written is what was read back.
took() {
  now=${seen#*"
$1:"}
  [ "$now" != "$seen" ] || now=
  now=${now%%"
"*}
  case $2 in
    ge) [ "$now" -ge "$3" ] 2>/dev/null && return 0 ;;
    *) [ "$now" = "$3" ] && return 0 ;;
  esac
  say "wrote $3 to $1, but it reads '$now'"
  return 1
}

# put_value PATH ge|eq VALUE: writes, and believes only what it reads back.
# What a shell could not write some keep for the next file: so not in this shell, which may go on.
put_value() { (write_value "$1" "$3") && read_back "$1" && took "$@"; }

# restore_value PATH ge|eq OURS BEFORE: back to what it was, unless somebody made it theirs since. A hash size may have been
# rounded up to whole pages: at most 8192 above what was asked.
restore_value() {
  now=$(cat "$1" 2>/dev/null) || now=
  [ "$now" = "$4" ] && return 0
  if [ -z "$now" ] && [ -n "$3" ]; then
    say "cannot read $1, so it is left as it is"
    return 1
  fi
  case $2 in
    ge) [ "$now" -ge "$3" ] && [ "$now" -lt $(($3 + 8192)) ] ;;
    *) [ "$now" = "$3" ] ;;
  esac 2>/dev/null || {
    say "$1 is '$now' now, set by somebody else since: left as it is"
    return 1
  }
  put_value "$1" "$2" "$4"
}

# Where sync takes a file it syncs that file; older ones sync everything, which is slower and as good.
to_disk() {
  sync "$1" 2>/dev/null || sync
}

# no_new PATH: nothing is beside it that somebody left there.
no_new() {
  if [ -e "$1.ctfix-new" ] || [ -L "$1.ctfix-new" ]; then rm -f "$1.ctfix-new"; fi
}

# stage_file PATH MODE OWNER CONTENT: beside the file, checked and on disk; mode, owner and label are right before it is seen.
stage_file() {
  new=$1.ctfix-new
  no_new "$1"
  (printf '%s' "$4" >"$new") 2>/dev/null
  if ! content_is "$new" "$4"; then
    rm -f "$new" 2>/dev/null
    say "cannot write beside $1: read-only, or no space left"
    return 1
  fi
  if [ -e "$1" ]; then
    chcon --reference="$1" "$new" 2>/dev/null || :
  elif command -v restorecon >/dev/null 2>&1; then
    restorecon "$new" 2>/dev/null || :
  fi
  chmod "$2" "$new" && chown "$3" "$new" && to_disk "$new" && return 0
  rm -f "$new"
  say "cannot write beside $1"
  return 1
}

# own_directory PATH: the directory of a file that has it for itself is made when it is not there.
own_directory() {
  [ ! -d "${1%/*}" ] || return 0
  if ! mkdir -m 755 "${1%/*}"; then
    say "cannot make ${1%/*}"
    return 1
  fi
  if command -v restorecon >/dev/null 2>&1; then restorecon "${1%/*}" 2>/dev/null; fi
  parent=${1%/*}
  to_disk "${parent%/*}/"
}

# leave_directory PATH: it goes with its file, unless somebody else has something in it.
leave_directory() {
  rmdir "${1%/*}" 2>/dev/null || return 0
  parent=${1%/*}
  to_disk "${parent%/*}/"
}

# place_file PATH: renames what was staged over it. With several files these renames stand close together.
place_file() {
  mv -f "$1.ctfix-new" "$1" && return 0
  say "cannot put $1 in place"
  return 1
}

# settle_file PATH: the name is on disk, and its label is the one of its place.
settle_file() {
  if [ -e "$1" ] && command -v restorecon >/dev/null 2>&1; then restorecon "$1" 2>/dev/null; fi
  to_disk "${1%/*}"
}

put_file() {
  stage_file "$@" && place_file "$1" && settle_file "$1"
}

remove_file() {
  rm -f "$1" && [ ! -e "$1" ] && to_disk "${1%/*}" && return 0
  say "cannot remove $1"
  return 1
}

# drop_ours PATH OURS: removes a file we made, unless somebody made it theirs since.
drop_ours() {
  no_new "$1"
  [ -e "$1" ] || return 0
  if content_is "$1" "$2"; then
    remove_file "$1"
    return
  fi
  say "$1 was changed by somebody else since: left as it is"
  return 1
}

# restore_ours PATH OURS MODE OWNER CONTENT: puts the old content back, unless somebody changed ours since.
restore_ours() {
  no_new "$1"
  content_is "$1" "$5" && return 0
  if content_is "$1" "$2"; then
    put_file "$1" "$3" "$4" "$5"
    return
  fi
  say "$1 was changed by somebody else since: left as it is"
  return 1
}

# restore_gone PATH MODE OWNER CONTENT: puts a file back that we removed, unless somebody made another one since.
restore_gone() {
  if [ ! -e "$1" ] && [ ! -L "$1" ]; then
    put_file "$@"
    return
  fi
  content_is "$1" "$4" && return 0
  say "$1 was made anew by somebody else since: left as it is"
  return 1
}

# keep_copy PATH: a copy as it is, below the present directory.
keep_copy() {
  [ -e "$1" ] || return 0
  mkdir -p ".${1%/*}" && cp -p "$1" ".$1"
}
