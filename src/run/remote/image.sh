# shellcheck disable=SC2154 # change.sh sets what they share.
# Functions for the image that boot unpacks first, called by the compiled scripts; they stand after change.sh. POSIX sh.
# The old image lies in the run directory, as snapshot/PATH. Each that we made has a line in its file `images`:
#   DIGEST SIZE OLD_DIGEST OLD_SIZE rebuilt|back PATH
# by which any later run knows it. An image is always given as PATH RUN_DIR.

# sum_of FILE: digest and size, in $sum. Small systems have but one of the tools.
sum_of() {
  sum=
  for digest in sha256sum md5sum cksum; do
    command -v "$digest" >/dev/null 2>&1 || continue
    sum=$("$digest" <"$1" 2>/dev/null) || return 1
    break
  done
  sum=${sum%%[!0-9a-f]*}
  [ -n "$sum" ] || return 1
  size_of "$1" && sum="$sum $size"
}

# size_of FILE: bytes, in $size.
size_of() {
  size=$(wc -c <"$1" 2>/dev/null) && size=$((size))
}

# known_image PATH [RUN_DIR]: its digest and size in $sum; `rebuilt`, `anew` or nothing in $known; in $maker the run that
# made it. Of several lines that know it the last run's holds.
known_image() {
  known='' maker='' met='' missed='' every=/var/lib/ctfix
  if [ $# -gt 1 ]; then every=${2%/*}; fi
  sum_of "$1" || return 1
  for lines in "$every"/*/images; do
    [ -r "$lines" ] || continue
    while read -r new new_size old old_size made path; do
      [ "$path" = "$1" ] || continue
      case $sum in
        "$new $new_size")
          met=1 known='' maker=''
          [ "$made" != rebuilt ] || known=rebuilt maker=${lines%/*}
          ;;
        "$old $old_size") met=1 ;;
        *) missed=1 ;;
      esac
    done <"$lines"
  done
  [ -n "$met" ] || known=${missed:+anew}
}

# expect_image PATH ours|any RUN_DIR
expect_image() {
  if [ -f "$1" ] && known_image "$1" "$3"; then
    case $2:$known in
      ours:rebuilt | any:*) return 0 ;;
    esac
  fi
  say "$1 is not what the plan was made on"
  return 1
}

# image_is_done PATH RUN_DIR: this very run made it.
image_is_done() { [ -e "$2/images" ] && [ ! -e "$2/making-image" ]; }

# kernel_of PATH: the kernel it is for, in $kernel. Alpine names its images by flavour only.
kernel_of() {
  kernel=${1##*/}
  case $kernel in
    initrd.img-*) kernel=${kernel#initrd.img-} ;;
    initramfs-*.img)
      kernel=${kernel#initramfs-}
      kernel=${kernel%.img}
      ;;
    *) kernel=$(uname -r) ;;
  esac
}

# image_tool PATH: what makes it, in $maker_of_it.
image_tool() {
  case ${1##*/} in
    initrd.img-*) maker_of_it=update-initramfs ;;
    initramfs-*.img) maker_of_it=dracut ;;
    *) maker_of_it=mkinitfs ;;
  esac
  if [ "$maker_of_it" != dracut ] && ! command -v "$maker_of_it" >/dev/null 2>&1; then maker_of_it=dracut; fi
  command -v "$maker_of_it" >/dev/null 2>&1 && return 0
  say "there is nothing here that makes $1"
  return 1
}

# free_in DIR: KiB, in $free.
free_in() {
  # shellcheck disable=SC2046 # split into words, on purpose
  set -- $(df -Pk "$1" 2>/dev/null | tail -n 1)
  free=${4:-0}
}

# room_for_image PATH RUN_DIR: for the copy there, and for a new one beside the old.
room_for_image() {
  image_tool "$1" && size_of "$1" || return 1
  # A new one may be larger.
  needed=$((size / 1024))
  needed=$((needed * 5 / 4 + 1))
  for place in "${1%/*}" "$2"; do
    free_in "$place"
    [ "$free" -lt "$needed" ] || continue
    say "no room to make $1 anew: $place has $free KiB left, and $needed are needed"
    return 1
  done
}

# list_image PATH: whether it can be listed to its end, where there is a tool for that.
list_image() {
  for lister in lsinitramfs lsinitrd; do
    command -v "$lister" >/dev/null 2>&1 || continue
    listed=$("$lister" "$1" 2>/dev/null </dev/null | head -n 3) && [ -n "$listed" ]
    return
  done
}

# start_image_tool: for $kernel; where it can write elsewhere, to $made.
start_image_tool() {
  case $maker_of_it in
    update-initramfs) bounded 100 update-initramfs -u -k "$kernel" ;;
    dracut) bounded 100 dracut -f "$made" "$kernel" ;;
    mkinitfs) bounded 100 mkinitfs -o "$made" "$kernel" ;;
  esac
}

# make_image PATH RUN_DIR: beside the old one, or by a tool that writes over it. One that takes longer than its 100 s is
# ended, so that it does not write over what is put back.
make_image() {
  kernel_of "$1"
  image_tool "$1" || return 1
  made=$1.ctfix-new
  [ "$maker_of_it" != update-initramfs ] || made=$1
  if ! start_image_tool; then
    [ -z "$late" ] || kill "$late" 2>/dev/null
    say "$maker_of_it could not make $1 anew"
    return 1
  fi
  size_of "$2/snapshot$1" && old_size=$size && size_of "$made" || return 1
  if [ "$size" -eq 0 ] || [ $((size * 3)) -lt "$old_size" ] || ! list_image "$made"; then
    say "the new $1 is not whole"
    return 1
  fi
  [ "$made" != "$1" ] || return 0
  to_disk "$made"
  chmod "$(mode_of "$1")" "$made" && mv -f "$made" "$1"
}

# mode_of PATH: as chmod takes it.
mode_of() {
  case $(ls -ld "$1") in
    -rw-------*) echo 600 ;;
    *) echo 644 ;;
  esac
}

# copy_back FROM PATH: beside it, compared, renamed over it.
copy_back() {
  if cp -p "$1" "$2.ctfix-new" && sum_of "$1" && was=$sum && sum_of "$2.ctfix-new" && [ "$sum" = "$was" ]; then
    to_disk "$2.ctfix-new"
    mv -f "$2.ctfix-new" "$2" && to_disk "${2%/*}" && return 0
  fi
  rm -f "$2.ctfix-new"
  say "cannot put the copy of $2 back"
  return 1
}

# change_image PATH RUN_DIR rebuilt|back COMMAND…: what was begun and not ended is told by a file.
change_image() {
  image=$1 run=$2 word=$3
  shift 3
  image_is_done "$image" "$run" && return 0
  { printf '' >"$run/making-image"; } 2>/dev/null && to_disk "$run/making-image" && "$@" || return 1
  settle_file "$image"
  sum_of "$run/snapshot$image" && before=$sum && sum_of "$image" || return 1
  printf '%s %s %s %s\n' "$sum" "$before" "$word" "$image" >"$run/images" && rm -f "$run/making-image"
}

# rebuild_image PATH RUN_DIR: out of the files as they are now.
rebuild_image() { change_image "$1" "$2" rebuilt make_image "$1" "$2"; }

# return_image PATH RUN_DIR: to what it was before the run that made it, or, where that copy is gone, anew.
return_image() {
  known_image "$1" "$2" || return 1
  if [ -n "$maker" ] && [ -f "$maker/snapshot$1" ]; then
    change_image "$1" "$2" back copy_back "$maker/snapshot$1" "$1"
  else
    change_image "$1" "$2" back make_image "$1" "$2"
  fi
}

# restore_image PATH RUN_DIR: back to the byte, unless somebody made it anew since.
restore_image() {
  if [ ! -e "$2/images" ] && [ ! -e "$2/making-image" ]; then return 0; fi
  rm -f "$1.ctfix-new"
  sum_of "$2/snapshot$1" || {
    say "the copy of $1 is gone"
    return 1
  }
  before=$sum ours=
  if [ -e "$2/images" ] && [ ! -e "$2/making-image" ]; then
    read -r new new_size _ <"$2/images"
    ours="$new $new_size"
  fi
  if [ -f "$1" ]; then sum_of "$1" || sum=; else sum=; fi
  if [ "$sum" != "$before" ]; then
    if [ -n "$ours" ] && [ -n "$sum" ] && [ "$sum" != "$ours" ]; then
      say "$1 was made anew by somebody else since: left as it is"
      return 1
    fi
    copy_back "$2/snapshot$1" "$1" || return 1
  fi
  rm -f "$2/images" "$2/making-image"
}
