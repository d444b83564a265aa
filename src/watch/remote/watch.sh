#!/bin/sh
# How full the table is, again and again: one line at once, then one for each line on stdin, until stdin ends.
#   /bin/sh -s -- NONCE [NEWEST] <watch.sh, and after the first answer lines `look` or `log`
# Who asks sets the pace, so nothing sleeps here, nothing piles up, and it ends with the connection. A look starts one
# process. It reads what the kernel shows anyway and loads nothing; watch/reading.ts judges.
set -u
LC_ALL=C
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH
export LC_ALL PATH
unset GREP_OPTIONS

nl='
'

# A module may come and go while we look.
places() {
  if [ -e /proc/sys/net/netfilter/nf_conntrack_max ] || [ -e /proc/net/stat/nf_conntrack ]; then
    family=nf_conntrack sys=/proc/sys/net/netfilter
  elif [ -e /proc/sys/net/ipv4/netfilter/ip_conntrack_max ] || [ -e /proc/net/stat/ip_conntrack ]; then
    family=ip_conntrack sys=/proc/sys/net/ipv4/netfilter
  else
    family=- sys=/nowhere
  fi
  base=$sys/$family
  stat=/proc/net/stat/$family
}

# The columns wanted, by the names of the header: kernels have moved them about.
header() {
  names='' pick='' at=0
  for name; do
    at=$((at + 1))
    case $name in
      entries | drop | early_drop | insert_failed)
        names=$names,$name
        pick="$pick,\${$at-}"
        ;;
    esac
  done
}

# A row for each CPU, as the kernel writes it. What is evaluated are the places of columns.
row() { eval "rows=\"\$rows row=${pick#,}\""; }

# One grep reads all: the shell's own `read` takes a byte at a time, and of a number in /proc/sys the kernel then gives the
# first digit only.
look() {
  places
  up=- count=- max=- buckets=- names='' rows=''
  set -f
  IFS=$nl
  # shellcheck disable=SC2046 # split at newlines, on purpose
  set -- $(grep -sa '' /dev/null /proc/uptime "${base}_count" "${base}_max" "${base}_buckets" "$stat")
  IFS=' 	'
  for line; do
    value=${line#*:}
    # shellcheck disable=SC2086 # split into words, on purpose
    case ${line%%:*} in
      /proc/uptime) up=${value%% *} ;;
      "${base}_count") count=$value ;;
      "${base}_max") max=$value ;;
      "${base}_buckets") buckets=$value ;;
      "$stat") if [ -z "$names" ]; then header $value; else row $value; fi ;;
    esac
  done
  set +f
  IFS=" 	$nl"
}

# Lines of a full table that are newer than the newest one known, and when the last one was.
# shellcheck disable=SC2016 # awk's own dollars
log_program='
/(ip|nf)_conntrack: (nf_conntrack: )?table full(, dropping packet| in netns [0-9]+, dropping packet)/ {
  if (match($0, /in netns [0-9]+/) && substr($0, RSTART + 9, RLENGTH - 9) != own) next
  at = 0
  if (match($0, /\[ *[0-9]+\.[0-9]+\]/)) at = substr($0, RSTART + 1, RLENGTH - 2) + 0
  else undated++
  if (at > since + 0.0000005) fresh++
  if (at > last) last = at
}
END {
  if (known != "" && undated > known) fresh += undated - known
  printf "%d,%.6f,%d", fresh, (last > since ? last : since), undated
}'

# What is older than the newest line known is not counted again; the clock of a host that was booted begins anew.
log() {
  lines=-
  text=$(dmesg -l warn 2>/dev/null) || text=$(dmesg 2>/dev/null) || return 0
  [ "$up" = - ] || [ "${newest%%.*}" -le "$((${up%%.*} + 60))" ] || newest=0
  case $text in
    *'table full'*)
      lines=$(
        awk -v since="$newest" -v known="$undated" -v own="$own" "$log_program" <<END
$text
END
      )
      ;;
    *) lines=0,$newest,0 ;;
  esac
  # No awk, perhaps.
  case $lines in *,*,*) ;; *)
    lines=-
    return 0
    ;;
  esac
  # Of lines without a time only their number tells.
  undated=${lines##*,}
  lines=${lines%,*}
  newest=${lines#*,}
}

main() {
  nonce=${1-} newest=${2:-0} undated=''
  case $nonce in '' | *[!0-9A-Za-z]*)
    echo 'usage: sh -s -- NONCE [NEWEST]' >&2
    exit 64
    ;;
  esac
  case $newest in *[!0-9.]*) newest=0 ;; esac
  # The kernel log names network namespaces by this number.
  own=$(ls -ld /proc/self/ns/net 2>/dev/null)
  own=${own##*\[}
  own=${own%\]*}
  asked=log
  while :; do
    lines=''
    look
    [ "$asked" != log ] || log
    printf '@@%s up=%s family=%s count=%s max=%s buckets=%s%s%s%s\n' "$nonce" "$up" "$family" "$count" "$max" \
      "$buckets" "${names:+ names=${names#,}}" "$rows" "${lines:+ log=$lines}" || exit 0
    read -r asked || exit 0
  done
}
main "$@"
