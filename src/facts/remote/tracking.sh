# shellcheck disable=SC2154 # probe.sh sets what they share.
# What holds connection tracking on a host, and what would bring it back at boot; sent before probe.sh where a strategy asks
# for it. Like that it only reads: modprobe is asked what it would do and does nothing (--show-depends), nothing is
# started or loaded. facts/tracking.ts understands what it prints.

# Lines that may need tracking, in the words of iptables-save, of nft and of scripts; too many rather than too few.
# One that a backslash continues is one line. Shell scripts are read for what they tell iptables and nft only, by whatever
# name they call it; those that boot starts for any purpose (`init`) for rules that they add.
# The expression stands where it is used: out of a variable busybox compiles it for each line anew.
# shellcheck disable=SC2016 # awk's own dollars
saved_program='
function adds() {
  return text ~ /(^|[ \t"])(-[AI]|--append|--insert)[ \t=]|(^|[ {;])(ct (state|status|mark|count|helper) |masquerade|[ds]nat (ip6? )?to )/
}
function flush() {
  if (text == "") return
  if (text !~ /^[#;]/ && (kind == "rules" || adds() || (kind == "script" && text ~ /ip6?t|IP6?T|nft|NFT|^-[AI] |(^| )ct /)) && text ~ /-m *(state|conntrack|conn[a-z]+|helper|cluster)|--match[ =]|-j *(CT|CONN[A-Z]+|SYNPROXY|MASQUERADE|SNAT|DNAT|REDIRECT|NETMAP|FLOWOFFLOAD)|--jump[ =]|^\*nat|-t *nat|--table[ =]*nat|(^|[ {;])ct |masquerade|snat|dnat|redirect|synproxy|flow (add|offload)|flowtable|type nat|notrack|NOTRACK/) {
    if (++found > 400) print "more"
    else print "line " at ":" place ":" substr(text, 1, 300)
    if (found > 400) exit
  }
  text = ""
}
FNR == 1 { flush() }
FNR == 20001 { print "unread " FILENAME }
FNR > 20000 { next }
NR > 300000 {
  print "more"
  exit
}
{
  if (text == "") { at = FILENAME; place = FNR }
  line = $0
  sub(/^[ \t]+/, "", line)
  sub(/[ \t\r]+$/, "", line)
  more = sub(/[ \t]*\\$/, "", line)
  text = text (text == "" ? "" : " ") line
  if (length(text) > 4000) text = substr(text, 1, 4000)
  if (!more) flush()
}
END { flush() }'

# Files that files of rules and scripts name, with their kind: `include` of nft, what nft and iptables-restore are given,
# scripts that by their name have to do with a firewall or are read into another, and any `program` that systemd or cron
# starts at boot. A file too many does no harm. Where a name has a variable in it nobody can follow, unless that is set to
# one thing only, what names it is not read to its end.
# shellcheck disable=SC2016 # awk's own dollars
named_program='
function known(word,   name) {
  while (match(word, /\$[{]?[A-Za-z_][A-Za-z0-9_]*[}]?/)) {
    name = substr(word, RSTART + 1, RLENGTH - 1)
    gsub(/[{}]/, "", name)
    if (!((FILENAME, name) in value)) return word
    word = substr(word, 1, RSTART - 1) value[FILENAME, name] substr(word, RSTART + RLENGTH)
  }
  return word
}
FNR > 20000 || /^[ \t]*#/ { next }
/^[ \t]*include[ \t]/ {
  if (match($0, /"[^"]*"/)) print "rules " substr($0, RSTART + 1, RLENGTH - 2)
  next
}
/^[ \t]*(export[ \t]+)?[A-Za-z_][A-Za-z0-9_]*=["\047]?\/[^ \t$`;"\047]*["\047]?[ \t]*$/ {
  word = $NF
  gsub(/["\047]/, "", word)
  name = substr(word, 1, index(word, "=") - 1)
  word = substr(word, index(word, "=") + 1)
  if ((FILENAME, name) in value && value[FILENAME, name] != word) word = "$?"
  value[FILENAME, name] = word
}
/[\/$]/ {
  gives = /nft|-restore/
  starts = /^(Exec[A-Za-z]*=|@reboot)/
  given = 0
  for (i = 1; i <= NF; i++) {
    word = $i
    gsub(/["\047;]/, "", word)
    # A unit of systemd has its command behind a name and signs.
    sub(/^(<+|--file=|-f|Exec[A-Za-z]*=[-@:+!|]*)/, "", word)
    if (word == "") {
      if ($i ~ /^(<+|-f)$/) given = gives
      continue
    }
    word = known(word)
    if (word ~ /[$]/ && gives && (given || $i ~ /^["\047]*(<|--file=)/ || (i > 1 && $(i - 1) ~ /-restore$/ && i == NF))) print "unread " FILENAME
    if (word !~ /^\/[^*?>$]*$/ || word ~ /bin\/(nft|ip6?tables[^\/]*)$/) continue
    sourced = i > 1 && $(i - 1) ~ /^(\.|source)$/
    if (word ~ /\.sh$|fire|fw|iptables$/) print (kind != "init" ? "script " : sourced ? "init " : "program ") word
    else if (gives && word !~ /bin\/[^\/]*$/) print "rules " word
    else if (sourced) print "init " word
    # Nor is anything waited for that may lie on another machine.
    else if (starts && word !~ /^\/(dev|proc|sys|mnt|media|net)\// && !loads_files()) print "program " word
  }
}
function loads_files(   name) {
  name = FILENAME
  sub(/.*\//, "", name)
  sub(/\.service$/, "", name)
  return index(" " guards " ", " " name " ")
}'

# scripts_among: of the paths on stdin. Others are no text, and nobody reads them.
scripts_among() {
  awk '{ line = ""; getline line <$0; close($0); if (line ~ /^#!/) print }' 2>/dev/null
}

# sorted_out PATH…: those that are files go to $rules, $scripts, $inits or $started by $kind, once each; those that nobody
# may read to $unread.
sorted_out() {
  for path; do
    [ -f "$path" ] || continue
    case "$nl$rules$scripts$inits$started$unread" in *"$nl$path$nl"*) continue ;; esac
    if [ ! -r "$path" ]; then
      unread=$unread$path$nl
    elif [ "$kind" = script ]; then
      scripts=$scripts$path$nl
    elif [ "$kind" = init ]; then
      inits=$inits$path$nl
    elif [ "$kind" = program ]; then
      started=$started$path$nl
    else
      rules=$rules$path$nl
    fi
  done
}

# value_in FILE NAME: the value that a file of settings gives a name; no program is started for it.
value_in() {
  value=
  [ -r "$1" ] || return 1
  while read -r line; do
    case $line in "$2="*) value=${line#*=} ;; esac
  done <"$1"
  value=${value#[\"\']}
  value=${value%[\"\']}
  [ -n "$value" ]
}

# started_files: units, scripts and networks that boot starts. Those of services that load files known here say no more.
started_files() {
  for path in /etc/systemd/system/*.wants/*.service /etc/systemd/system/*.requires/*.service; do
    name=${path##*/}
    case " $guards " in *" ${name%.service} "*) continue ;; esac
    [ -e "/etc/systemd/system/$name" ] || sorted_out "$path"
  done
  for path in /etc/rc.d/rc[2-5S].d/S* /etc/rc[2-5S].d/S* /etc/runlevels/*/*; do
    name=${path##*/}
    case $path in /etc/rc*) name=${name#S[0-9][0-9]} ;; esac
    # Everything of rc.local is read as it is.
    case " $guards local rc.local " in *" $name "*) continue ;; esac
    # What systemd has a unit for it does not start by script.
    if [ -d /run/systemd/system ] && { [ -e "/lib/systemd/system/$name.service" ] || [ -e "/usr/lib/systemd/system/$name.service" ]; }; then
      continue
    fi
    if [ -e "/etc/init.d/$name" ]; then sorted_out "/etc/init.d/$name"; fi
  done
  for path in /etc/wireguard/*.conf; do
    name=${path##*/}
    name=${name%.conf}
    for link in "/sys/class/net/$name" /etc/systemd/system/*.wants/"wg-quick@$name.service" /etc/runlevels/*/"wg-quick.$name"; do
      if is_there "$link"; then sorted_out "$path"; fi
    done
  done
}

# Every file from which boot loads rules, and two levels of what they name.
saved_files() {
  rules='' scripts='' inits='' started='' unread='' kind=rules
  sorted_out /etc/iptables/rules.v4 /etc/iptables/rules.v6 /etc/iptables.up.rules /etc/sysconfig/iptables \
    /etc/sysconfig/ip6tables /etc/nftables.conf /etc/sysconfig/nftables.conf /etc/nftables.nft \
    /etc/iptables/rules-save /etc/iptables/rules6-save /etc/iptables/iptables.rules /etc/iptables/ip6tables.rules /var/lib/iptables/rules-save /var/lib/ip6tables/rules-save \
    /var/lib/nftables/rules-save
  if value_in /etc/conf.d/iptables IPTABLES_SAVE; then sorted_out "$value"; fi
  if value_in /etc/conf.d/ip6tables IP6TABLES_SAVE; then sorted_out "$value"; fi
  if value_in /etc/ufw/ufw.conf ENABLED && [ "$value" = yes ]; then
    for path in before before6 after after6 user user6; do
      sorted_out "/etc/ufw/$path.rules" "/lib/ufw/$path.rules"
    done
  fi
  named=$rules kind=script
  sorted_out /etc/rc.local /etc/rc.d/rc.local /etc/network/if-*.d/* /etc/network/interfaces /etc/network/interfaces.d/* \
    /etc/local.d/*.start /etc/ufw/before.init /etc/ufw/after.init /etc/systemd/system/*.service \
    /etc/systemd/system/*.service.d/*.conf /etc/NetworkManager/dispatcher.d/* /etc/networkd-dispatcher/*.d/* \
    /etc/crontab /etc/cron.d/* /var/spool/cron/* /var/spool/cron/crontabs/* /usr/local/lib/systemd/system/*.service \
    /var/lib/cloud/scripts/per-boot/*
  kind=init
  started_files
  named=$named${scripts}kind=init$nl$inits kind=rules
  for depth in 1 2 3; do
    IFS=$nl
    # shellcheck disable=SC2086 # split at newlines, on purpose
    set -f -- $named
    IFS=" 	$nl"
    set +f
    found=$(awk -v guards="$guards" "$named_program" "$@" 2>/dev/null </dev/null)
    [ -n "$found" ] || return 0
    rules_before=$rules scripts_before=$scripts inits_before=$inits started=''
    IFS=$nl
    # nft looks below /etc for what does not begin with a slash; its patterns are the shell's.
    for path in $found; do
      kind=${path%% *} path=${path#* }
      if [ "$kind" = unread ]; then
        case $nl$unread in *"$nl$path$nl"*) ;; *) unread=$unread$path$nl ;; esac
        continue
      fi
      case $path in
        /*) ;;
        ./*) path=${path#.} ;;
        *) path=/etc/$path ;;
      esac
      # shellcheck disable=SC2086 # a pattern, on purpose
      sorted_out $path
    done
    if [ -n "$started" ]; then
      kind=init found=$(printf '%s' "$started" | scripts_among) started=''
      # shellcheck disable=SC2086 # split at newlines, on purpose
      sorted_out $found
    fi
    IFS=" 	$nl"
    named=${rules#"$rules_before"}${scripts#"$scripts_before"}
    # What is named that deep is not looked into.
    if [ "$depth" = 3 ]; then
      rules=$rules_before scripts=$scripts_before inits=$inits_before unread=$unread$named
    fi
    named=${named}kind=init$nl${inits#"$inits_before"}
  done
}

saved_rules() {
  saved_files
  printf '%s' "$unread" | while read -r path; do printf 'unread %s\n' "$path"; done
  printf '%s' "$rules" | while read -r path; do printf 'seen %s\n' "$path"; done
  [ -n "$rules$scripts$inits" ] || return 0
  IFS=$nl
  set -f
  # shellcheck disable=SC2086 # split at newlines, on purpose
  set -- kind=rules $rules kind=script $scripts kind=init $inits
  set +f
  IFS=" 	$nl"
  awk "$saved_program" "$@"
}

# is_there PATH…: the first one, or a link that leads nowhere.
is_there() { [ -e "$1" ] || [ -L "$1" ]; }

guards='firewalld ufw iptables ip6tables netfilter-persistent nftables shorewall shorewall6 ferm firehol conntrackd docker'
# Nor do these load rules at boot, but what they start lives on tracking.
guards=$guards' containerd crio kubelet k3s k3s-agent libvirtd virtqemud virtnetworkd openvswitch openvswitch-switch'
guards=$guards' keepalived lxd snap.lxd.daemon incus'

# started_by: what starts $name at boot, in $booted, in the words of services.sh: `enabled` of systemd, the runlevels of
# OpenRC, the levels of sysvinit as digits.
started_by() {
  booted='' levels=''
  for path in /etc/systemd/system/*.wants/"$name.service" /etc/systemd/system/*.requires/"$name.service" \
    /etc/systemd/system/*.wants/"$name.socket"; do
    if is_there "$path"; then booted=enabled; fi
  done
  for path in /etc/runlevels/*/"$name"; do
    is_there "$path" || continue
    path=${path%/*}
    levels=$levels${levels:+ }${path##*/}
  done
  [ -n "$booted$levels" ] || for path in /etc/rc.d/rc[0-6S].d /etc/rc[0-6S].d; do
    is_there "$path"/S[0-9][0-9]"$name" || continue
    level=${path##*/rc}
    case $levels in *"${level%.d}"*) ;; *) levels=$levels${level%.d} ;; esac
  done
  # systemd makes a unit of such a script, and has its own word for it.
  if [ -n "$levels" ] && [ -d /run/systemd/system ] && [ -z "$native" ]; then booted=enabled; fi
  [ -d /run/systemd/system ] || booted=$levels
}

# `NAME [running] [enabled STATE]` of those that exist, by the links that their manager keeps.
services() {
  asked=
  # Before systemd 240 nothing but systemd itself knows what runs; it is there, and not started by being asked.
  if [ -d /run/systemd/system ] && [ ! -d /run/systemd/units ] && has systemctl; then
    # shellcheck disable=SC2086 # a list of words
    asked=$(systemctl is-active $guards 2>/dev/null)
    set -f
    # shellcheck disable=SC2086 # a line each
    set -- $asked
    set +f
  else
    set --
  fi
  for name in $guards; do
    active=${1-}
    [ $# -eq 0 ] || shift
    state='' there='' native=''
    for path in "/lib/systemd/system/$name.service" "/usr/lib/systemd/system/$name.service" \
      "/etc/systemd/system/$name.service" "/etc/init.d/$name"; do
      [ -e "$path" ] || continue
      there=1
      case $path in *.service) native=1 ;; esac
    done
    [ -n "$there" ] || continue
    if is_there "/run/systemd/units/invocation:$name.service" || [ "$active" = active ] ||
      is_there "/run/openrc/started/$name" || is_there "/var/lock/subsys/$name"; then
      state=' running'
    fi
    started_by
    printf 'service %s%s%s\n' "$name" "$state" "${booted:+ enabled $booted}"
  done
}

# What modprobe would do, name by name. Only kmod and what was before it can be asked: others know no dry run, and would
# load what they are asked about.
dry_runs() {
  program=
  # By its path: a shell of busybox would take its own.
  for path in /sbin /usr/sbin /bin /usr/bin; do
    if [ -z "$program" ] && [ -x "$path/modprobe" ]; then program=$path/modprobe; fi
  done
  if [ -L "$program" ]; then
    case $(ls -l "$program" 2>/dev/null) in
      *kmod) ;;
      *) program= ;;
    esac
  fi
  for name in nf_conntrack ip_conntrack nf_conntrack_ipv4 xt_conntrack xt_state nft_ct iptable_nat nf_nat; do
    case $nl$available in
      *"/$name.ko"*) ;;
      *) continue ;;
    esac
    printf 'try %s\n' "$name"
    if [ -z "$program" ]; then
      echo '#unreadable'
    else
      "$program" --show-depends "$name" 2>/dev/null || echo '#failed'
    fi
  done
}

# limited SECONDS COMMAND…: ended when it takes longer; where nothing can end it, it is not begun.
limited() {
  if timeout 1 true 2>/dev/null; then
    timeout "$@"
  elif timeout -t 1 true 2>/dev/null; then
    # As busybox had it before 1.30.
    timeout -t "$@"
  else
    return 1
  fi
}

# memory_for KIB: makes a directory in memory with that much room, in $room.
memory_for() {
  for room in /run /dev/shm; do
    if [ ! -w "$room" ]; then continue; fi
    # shellcheck disable=SC2046 # words, on purpose
    set -- "$1" $(df -Pk "$room" 2>/dev/null | tail -n 1)
    [ "${5:-0}" -gt "$1" ] 2>/dev/null || continue
    room=$(mktemp -d "$room/ctfix.XXXXXX" 2>/dev/null) && return 0
  done
  return 1
}

# list_within LISTER: these make copies of parts of the image on their way, on the disk unless told otherwise. Where memory
# has no room for them nobody asks. What they leave when they are ended goes here, in a shell of its own for the traps.
list_within() (
  # shellcheck disable=SC2012 # its size in bytes, whatever shell and tools
  size=$(ls -Lln "$image" 2>/dev/null | awk '{ print int($5 / 512) + 1024 }')
  memory_for "${size:-0}" || exit 1
  trap 'rm -rf "$room"' EXIT
  trap 'exit 1' HUP INT PIPE TERM
  TMPDIR=$room
  export TMPDIR
  limited 20 "$1" "$image"
)

list_image() {
  if has lsinitramfs; then
    list_within lsinitramfs
  elif has lsinitrd; then
    list_within lsinitrd
  else
    # shellcheck disable=SC2016 # for the shell that is started
    limited 20 sh -c 'zcat "$1" | cpio -t' sh "$image"
  fi 2>/dev/null
}

image() {
  image=
  for path in "/boot/initrd.img-$release" "/boot/initramfs-$release.img" "/boot/initramfs-${release##*-}"; do
    [ -f "$path" ] || continue
    image=$path
    break
  done
  [ -n "$image" ] || return 0
  printf 'image %s\n' "$image"
  for tool in update-initramfs dracut mkinitfs; do
    if has "$tool"; then
      printf 'tool %s\n' "$tool"
      break
    fi
  done
  [ -r "$image" ] || return 0
  # A list without a single name is none.
  { list_image && echo '#whole'; } | grep -E '^#whole|conntrack|modprobe\.d/[^/]*ctfix|(^|[ /])(lib|usr|etc)$'
}

# Whether the table has the connection that we came by. Addresses of IPv6 are spelt out there.
# shellcheck disable=SC2016 # awk's own dollars
own_program='
function spelt(address,   part, n, i, left, right, all) {
  sub(/%.*/, "", address)
  if (address ~ /\./) {
    sub(/.*:/, "", address)
    return address
  }
  if (address !~ /:/) return address
  n = index(address, "::")
  if (n) {
    left = split(substr(address, 1, n - 1), part, ":")
    all = ""
    for (i = 1; i <= left; i++) all = all sprintf("%s ", part[i])
    right = split(substr(address, n + 2), part, ":")
    for (i = left + right; i < 8; i++) all = all "0 "
    for (i = 1; i <= right; i++) all = all sprintf("%s ", part[i])
  } else {
    gsub(/:/, " ", address)
    all = address
  }
  n = split(all, part, " ")
  address = ""
  for (i = 1; i <= n; i++) address = address (i > 1 ? ":" : "") substr("0000" part[i], length(part[i]) + 1)
  return address
}
BEGIN {
  split(connection, word, " ")
  client = spelt(word[1])
  server = spelt(word[3])
  one = "src=" client " dst=" server " sport=" word[2] " dport=" word[4] " "
  other = "src=" server " dst=" client " sport=" word[4] " dport=" word[2] " "
}
NR > 300000 { over = 1; exit }
/ tcp / && (index($0, one) || index($0, other)) { met = 1; exit }
END { print "own " (met ? "tracked" : over ? "unknown" : "untracked") }'

own_connection() {
  [ -n "$came_by" ] || return 0
  for table in /proc/net/nf_conntrack /proc/net/ip_conntrack; do
    [ -r "$table" ] && awk -v connection="$came_by" "$own_program" "$table" && return
  done
}

tracking() {
  frame tracking-modules
  available=$(grep -s conntrack "/lib/modules/$release/modules.dep")
  [ ! -r "/lib/modules/$release/modules.dep" ] || printf 'list\n%s\n' "$available"
  frame tracking-dry-runs
  dry_runs
  frame tracking-image
  image
  frame tracking-saved
  saved_rules
  frame tracking-services
  services
  frame tracking-place
  # Those of this network namespace: /sys may be that of another one. Old kernels leave no blank behind the colon.
  sed -n 's/^ *\([^ ]*\): *[0-9].*/interface \1/p' /proc/net/dev 2>/dev/null
  # Ours is among them.
  # shellcheck disable=SC2012 # names of the kernel
  ls -l /proc/self/ns/net /proc/[0-9]*/ns/net 2>/dev/null |
    awk '/ -> / && !($NF in seen) { seen[$NF] = 1; n++ } END { print "namespaces " n + 0 }'
  came_by=
  while read -r line; do
    case $line in SSH_CONNECTION=*) came_by=${line#*=} ;; esac
  done <<END
$(connection)
END
  own_connection
  grep -sHE '^[ 	]*(nameserver|server|pool|peer|NTP=|FallbackNTP=)' /etc/resolv.conf /run/systemd/resolve/resolv.conf \
    /etc/ntp.conf /etc/chrony.conf /etc/chrony/chrony.conf /etc/systemd/timesyncd.conf
}
