#!/bin/sh
# One read-only look at a host: prints raw text in frames, formats nothing, judges nothing (facts/parse.ts does).
#   /bin/sh -s -- NONCE [WINDOW_SECONDS] [STATES] [RULESET] [TRACKING] [CENSUS] [LOG] [FLOWS] [SSH_CONNECTION] <probe.sh
# It must not change what it looks at. Tools that ask the kernel by name load modules (`iptables -t nat -L`, `conntrack`,
# `ipset`), others start daemons (`docker ps`); so it reads files, and runs save tools only for what is there already.
# A file or tool that is missing is a fact, not an error. Fifty hosts may run it on two cores at once: forks are few.
set -u
LC_ALL=C
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH
export LC_ALL PATH
# Both would change what ls and grep print.
unset TIME_STYLE GREP_OPTIONS
umask 077

nl='
'
# What a strategy may write. Contents are printed whole, so both a file and their sum are limited.
ours="/etc/sysctl.conf /etc/sysctl.d/99-zz-ctfix.conf /etc/modprobe.conf /etc/modprobe.d/00-ctfix-blacklist.conf \
/etc/modprobe.d/ctfix.conf /etc/modprobe.d/zz-ctfix.conf /etc/modules /etc/modules-load.d/ctfix.conf /etc/sysconfig/iptables-config \
/etc/sysconfig/ip6tables-config /etc/sysconfig/modules/ctfix.modules /etc/sysupgrade.conf"
# What keeps rules over a boot, and our own ways to do that: read with the rules only.
owners="/etc/iptables/rules.v4 /etc/iptables/rules.v6 /etc/sysconfig/iptables /etc/sysconfig/ip6tables \
/etc/iptables/rules-save /etc/iptables/rules6-save /etc/nftables.conf /etc/sysconfig/nftables.conf /etc/nftables-ctfix.nft /etc/ufw/before.init /etc/ufw/after.init \
/etc/ufw/ctfix.init /etc/ctfix-notrack.nft /etc/ctfix-notrack.sh \
/etc/systemd/system/ctfix-notrack.service /etc/systemd/system/sysinit.target.d/ctfix.conf \
/etc/systemd/system/multi-user.target.d/ctfix.conf \
/etc/rc.d/rc2.d/S09ctfix /etc/rc.d/rc3.d/S09ctfix /etc/rc.d/rc4.d/S09ctfix /etc/rc.d/rc5.d/S09ctfix \
/etc/network/if-pre-up.d/ctfix /etc/local.d/ctfix.start"
file_limit=262144
files_limit=1048576
# Files and rules together: they must stay below what the other end takes of one command.
answer_limit=3670016

# Frames end with the newline before the next header, so a body keeps its own last byte, newline or not.
frame() { printf '\n@@%s %s\n' "$nonce" "$1"; }
has() { command -v "$1" >/dev/null 2>&1; }

# Small files, whole: `path:line`. -m keeps a strange one from filling the answer.
whole() { grep -sa -m 2000 '' /dev/null "$@"; }

# The first three are the names before anything is asked that could load something; `lines` has them after it.
values() {
  whole /proc/modules /proc/net/ip_tables_names /proc/net/ip6_tables_names \
    /proc/sys/net/netfilter/nf_conntrack_* /proc/sys/net/ipv4/netfilter/ip_conntrack_* \
    /proc/sys/net/nf_conntrack_max /proc/sys/net/ipv4/ip_conntrack_max \
    /sys/module/nf_conntrack/initstate /sys/module/ip_conntrack/initstate \
    /sys/module/nf_conntrack/parameters/hashsize /sys/module/ip_conntrack/parameters/hashsize \
    /proc/net/stat/nf_conntrack /proc/net/stat/ip_conntrack \
    /proc/uptime /proc/sys/kernel/random/boot_id /proc/sys/net/ipv4/ip_forward \
    /proc/sys/net/ipv4/ip_local_port_range \
    /proc/sys/net/ipv6/conf/all/forwarding /proc/1/cgroup /run/systemd/container \
    /etc/machine-id /var/lib/dbus/machine-id /etc/os-release /usr/lib/os-release /etc/redhat-release \
    /etc/openwrt_release /etc/alpine-release /etc/tuned/active_profile
}

# Existence and access by the shell's own tests, no fork: `e`, `er`, `erw` and the path. A link to nowhere exists too:
# systemd keeps one for every unit that runs, so nobody has to ask it (and wake dbus).
present() {
  list=
  for path in "$@"; do
    [ -e "$path" ] || [ -L "$path" ] || continue
    flags=e
    [ -r "$path" ] && flags=er
    [ -w "$path" ] && flags=${flags}w
    list=$list$flags' '$path$nl
  done
  printf '%s' "$list"
}

places() {
  units=/run/systemd/units/invocation
  set -- /proc/modules /proc/slabinfo /proc/net/ip_tables_names /proc/net/ip6_tables_names /proc/net/nf_conntrack \
    /proc/net/ip_conntrack /proc/net/stat/nf_conntrack /proc/net/stat/ip_conntrack /proc/vz /proc/bc \
    /proc/user_beancounters /.dockerenv /run/.containerenv /dev/lxd /dev/.lxc /run/systemd/system /run/openrc \
    /sbin/procd /etc/openwrt_release /etc/inittab /etc/rc.d/init.d /etc/init.d \
    /sys/module/nf_conntrack/parameters/hashsize /sys/module/ip_conntrack/parameters/hashsize \
    /proc/sys/net/netfilter/nf_conntrack_max /proc/sys/net/ipv4/netfilter/ip_conntrack_max \
    /proc/sys/net/nf_conntrack_max /proc/sys/net/netfilter/nf_conntrack_buckets /var/lib/ctfix \
    /etc /etc/sysctl.d /etc/modprobe.d /etc/modules-load.d /etc/sysconfig /etc/sysconfig/modules /etc/modules.d \
    /etc/ufw /etc/firewalld /etc/iptables /etc/sysconfig/iptables /etc/iptables/rules.v4 /etc/nftables.conf \
    /etc/config/firewall /sbin/fw4 /sbin/fw3 /var/lock/subsys/iptables /var/lock/subsys/ip6tables \
    "$units":firewalld.service "$units":ufw.service "$units":iptables.service "$units":ip6tables.service \
    "$units":netfilter-persistent.service "$units":nftables.service "$units":docker.service \
    "$units":tuned.service /etc/systemd/system/*.wants/ufw.service /etc/systemd/system/*.wants/iptables.service \
    /etc/systemd/system/*.wants/ip6tables.service /etc/systemd/system/*.wants/nftables.service \
    /etc/systemd/system/*.wants/netfilter-persistent.service \
    /etc/rc3.d/S??iptables /etc/rc.d/rc3.d/S??iptables /etc/rc3.d/S??ip6tables /etc/rc.d/rc3.d/S??ip6tables \
    /etc/runlevels/*/iptables /etc/runlevels/*/ip6tables /etc/runlevels/*/nftables \
    /etc/systemd/system /etc/systemd/system/sysinit.target.d /etc/rc.d/rc3.d /etc/network/if-pre-up.d /etc/local.d \
    /etc/runlevels/default/local /sys/class/net/docker0 /sys/class/net/br-* /sys/class/net/cni0 /sys/class/net/cbr0 /sys/class/net/virbr* \
    /sys/class/net/lxdbr* /sys/class/net/lxcbr* /sys/class/net/podman* /sys/class/net/kube-ipvs0 "$@"
  present "$@"
}

# One ls for modes, owners, sizes and where links lead: the namespaces and the iptables in use are links too. By its name
# the kernel's log is the first.
listing() {
  # shellcheck disable=SC2086 # a list of words
  listed=$(ls -lnd /dev/kmsg $files /proc/1/ns/net /proc/self/ns/net /proc/self/ns/pid \
    /usr/sbin/iptables /sbin/iptables /etc/alternatives/iptables \
    /usr/sbin/iptables-save /sbin/iptables-save /etc/alternatives/iptables-save \
    /proc/sys/net/netfilter/nf_conntrack_max /proc/sys/net/netfilter/nf_conntrack_buckets \
    /proc/sys/net/ipv4/netfilter/ip_conntrack_max /sys/module/nf_conntrack/parameters/hashsize \
    /sys/module/ip_conntrack/parameters/hashsize 2>/dev/null)
  printf '%s\n' "$listed"
}

# As uname says it, which has to be started for that.
kernel() {
  if [ -r /proc/sys/kernel/osrelease ] && [ -r /proc/sys/kernel/arch ]; then
    read -r release </proc/sys/kernel/osrelease
    read -r machine </proc/sys/kernel/arch
  else
    machine=$(uname -rm)
    release=${machine%% *}
    machine=${machine#* }
  fi
}

# Where ufw takes its sysctl values from.
ufw_sysctl() {
  ufw_file=
  [ -r /etc/default/ufw ] || return 0
  while read -r line; do
    case $line in IPT_SYSCTL=*) ufw_file=${line#IPT_SYSCTL=} ;; esac
  done </etc/default/ufw
  ufw_file=${ufw_file#[\"\']}
  ufw_file=${ufw_file%[\"\']}
}

programs='kube-proxy|kubelet|kubelite|k3s|k3s-server|k3s-agent|dockerd|containerd|conntrackd|tuned|firewalld'
programs=$programs'|ovs-vswitchd|cilium-agent|calico-node|keepalived|libvirtd|virtqemud|haproxy|podman|crio|lxd|incusd'

# Everything of which only some lines matter, by one grep: settings by file and line, memory, mounts, programs.
# It runs after all that could load something, so it names modules and tables once more: they must be as before.
lines() {
  pattern='conntrack|_nat|xt_state|xt_CT|NOTRACK|nft_ct|^Mem(Total|Available):|^(TCP|UDP|SCTP|FWM) '
  pattern=$pattern'|^[^ ]+ (/|/etc|/sys|/proc|/proc/sys|/proc/sys/net) |^ENABLED=|^include *=|^reapply_sysctl'
  pattern=$pattern"|^($programs)\$|^[0-9]+ \\(($programs)\\)"
  pattern=$pattern'| (Live|Loading|Unloading) 0x|^(filter|nat|mangle|raw|security)$'
  # Where /lib is a link to usr/lib its files would come twice.
  lib=/lib
  [ -L /lib ] && lib=/nowhere
  # comm came with 2.6.33; stat says the same for more work.
  set -- /proc/[0-9]*/comm
  [ -e /proc/1/comm ] || set -- /proc/[0-9]*/stat
  if [ $# -gt 3000 ]; then
    printf '%s\n' "$@" | xargs grep -sanE -m 1 "$pattern" /dev/null
    set --
  fi
  set -- "$@" /etc/sysctl.conf /etc/sysctl.d/*.conf /run/sysctl.d/*.conf /usr/local/lib/sysctl.d/*.conf \
    /usr/lib/sysctl.d/*.conf $lib/sysctl.d/*.conf /etc/ufw/ufw.conf ${ufw_file:+"$ufw_file"} \
    /etc/tuned/tuned-main.conf /etc/tuned/*/tuned.conf /etc/tuned/profiles/*/tuned.conf \
    /usr/lib/tuned/*/tuned.conf /usr/lib/tuned/profiles/*/tuned.conf \
    /etc/modprobe.conf /etc/modprobe.d/* /run/modprobe.d/*.conf /usr/local/lib/modprobe.d/*.conf \
    /usr/lib/modprobe.d/*.conf $lib/modprobe.d/*.conf \
    /etc/modules /etc/modules-load.d/*.conf /run/modules-load.d/*.conf /usr/local/lib/modules-load.d/*.conf \
    /usr/lib/modules-load.d/*.conf $lib/modules-load.d/*.conf /etc/conf.d/modules /etc/modules.d/* \
    /etc/modules-boot.d/* /etc/sysconfig/modules/*.modules
  grep -sanE -m 1000 "$pattern" /dev/null /proc/meminfo /proc/slabinfo /proc/mounts /proc/net/ip_vs /proc/cmdline "$@" \
    /proc/modules /proc/net/ip_tables_names /proc/net/ip6_tables_names
}

# A file masks its namesakes in later directories even when it says nothing about us (or is a link to /dev/null).
config_names() {
  printf '%s\n' /etc/sysctl.d/*.conf /run/sysctl.d/*.conf /usr/local/lib/sysctl.d/*.conf \
    /etc/modprobe.d/*.conf /run/modprobe.d/*.conf /usr/local/lib/modprobe.d/*.conf \
    /etc/modules-load.d/*.conf /run/modules-load.d/*.conf /usr/local/lib/modules-load.d/*.conf
}

# Takes a line of ls -ln as words; prints the file's bytes when it is one of those wanted and within the limits.
content() {
  [ $# -eq 9 ] || return 0
  case $1:$9 in
    -*:/etc/*) ;;
    *) return 0 ;;
  esac
  [ "$5" -le "$most" ] && [ $((files_size + $5)) -le "$files_limit" ] && [ -r "$9" ] || return 0
  case " $wanted " in *" $9 "*) ;; *) return 0 ;; esac
  files_size=$((files_size + $5))
  frame "file $9"
  [ "$5" -eq 0 ] || dd if="$9" bs=$((most + 1)) count=1 2>/dev/null
}

# contents FILES LIMIT: those of them that were listed.
contents() {
  wanted=$1 most=$2
  set -f
  IFS=$nl
  # shellcheck disable=SC2086 # split at newlines, on purpose
  set -- $listed
  IFS=' '
  for line; do
    # shellcheck disable=SC2086 # split into words, on purpose
    content $line
  done
  IFS=" 	$nl"
  set +f
}

# Reads a kernel log on stdin: how many lines there were, how many of ours by namespace, the last 20 of ours.
# shellcheck disable=SC2016 # awk's own dollars
log_program='
/(ip|nf)_conntrack: (nf_conntrack: )?table full(, dropping packet| in netns [0-9]+, dropping packet)/ {
  where = "-"
  if (match($0, /in netns [0-9]+/)) where = substr($0, RSTART + 9, RLENGTH - 9)
  count[where]++
  kept[n++ % 20] = substr($0, 1, 300)
}
/conntrack: expectation table full/ { expected++; expectation = substr($0, 1, 300) }
END {
  print "seen " NR
  for (where in count) print "count " count[where] " " where
  if (expected) print "expect " expected "\nexpected " expectation
  for (i = (n > 20 ? n - 20 : 0); i < n; i++) print "line " kept[i % 20]
}'

# A log that is there has a record, and dmesg could read it. What stands in its place in a container may be anything: so
# it has to be the device by its numbers, or to give one. Small systems know no nonblock, and without it a log that is
# empty is waited for.
a_record() {
  case $listed in c*' 1, '*'11 '*' /dev/kmsg'*) return 0 ;; esac
  [ -n "$(dd if=/dev/kmsg bs=8192 count=1 iflag=nonblock 2>/dev/null)" ]
}

log() {
  restricted=0
  [ -r /proc/sys/kernel/dmesg_restrict ] && read -r restricted </proc/sys/kernel/dmesg_restrict
  if [ "$uid" = 0 ] || [ "$restricted" = 0 ]; then
    # The message is a warning; printing all the rest is what costs. Small and old ones do not know -l.
    if found=$(dmesg -l warn 2>/dev/null); then
      case $found in
        *'table full'*)
          found=$(
            awk "$log_program" <<END
$found
END
          )
          ;;
        # A log without a warning, or no log? The first record says it, too, and is had for less; and the later look says it
        # for the earlier one.
        '') { [ "${1-}" = earlier ] || a_record || dmesg 2>/dev/null | read -r _; } && found=seen ;;
        *) found=seen ;;
      esac
    else
      found=$(dmesg 2>/dev/null | awk "$log_program")
    fi
    report_log dmesg && return
  fi
  # Without the right group journalctl ends well and prints nothing: an empty answer says nothing.
  if [ -d /run/systemd/system ] && has journalctl; then
    found=$(journalctl -k -q --no-pager -n 20000 -o short-monotonic 2>/dev/null | awk "$log_program")
    report_log journal && return
  fi
  for path in /var/log/kern.log /var/log/messages /var/log/syslog; do
    [ -r "$path" ] || continue
    found=$(tail -c 262144 "$path" 2>/dev/null | awk "$log_program")
    report_log file && return
  done
  :
}

report_log() {
  case $found in
    '' | 'seen 0'*) return 1 ;;
    *) printf 'source %s\n%s\n' "$1" "$found" ;;
  esac
}

# Reads save output and `nft list ruleset`, each behind a line `#from WHERE`: names of tables, how many rules each has,
# and the rules that may need connection tracking.
# shellcheck disable=SC2016 # awk's own dollars
rules_program='
function keep(where, text) {
  if (++kept <= 400) print "rule " where "\t" substr(text, 1, 300)
  else if (kept == 401) print "more"
}
NR > 50000 { print "truncated"; exit }
/^#from / { from = $2; table = chain = ""; print; next }
from == "" { print "before " $0; next }
/managed by iptables-nft/ { print "compat"; next }
from != "nft" && /^\*/ { table = substr($1, 2); print "table " from " " table; next }
from != "nft" && /^-A / {
  rules[from]++
  if ($0 ~ / -m (state|conntrack|connmark|connbytes|connlimit|connlabel|helper|cluster) | -j (CONNMARK|CONNSECMARK|CT|SYNPROXY|MASQUERADE|SNAT|DNAT|REDIRECT|NETMAP|FLOWOFFLOAD)( |$)/)
    keep(from " " table, $0)
  next
}
from != "nft" { next }
/^table / { table = $2 " " $3; chain = ""; print "table nft " table; next }
/^[ \t]*chain / { chain = $2; next }
/^[ \t]*}/ { chain = ""; next }
chain == "" || /^[ \t]*(type|policy|comment|#)/ { next }
{
  rules[from]++
  sub(/^[ \t]+/, "")
  if (/comment "ctfix"( # handle [0-9]+)?$/) print "own " table " " chain "\t" substr($0, 1, 4000)
  # nft 1.0.6 prints nothing for a target of IPv6 whose like it has met in IPv4, and leaves a blank.
  if ($0 ~ /(^| )ct |masquerade|snat|dnat|redirect|synproxy|flow (add|offload)|xt (match|target)|# ?(-m|-j|xt_)| $/)
    keep("nft " table " " chain, $0)
}
END { for (from in rules) print "count " from " " rules[from] }'

# legacy_save TOOL [OPTION]
legacy_save() {
  if has "$1-legacy-save"; then
    "$1-legacy-save" ${2:+"$2"}
    return
  fi
  # A save tool that speaks nft would not show these tables.
  case $listed in *'iptables'*' -> '*nft*) return 1 ;; esac
  "$1-save" ${2:+"$2"}
}

# True when asking for nft rules loads nothing: the module is there, or it is built in.
nft_is_loaded() {
  [ -d /sys/module/nf_tables ] || [ ! -e /proc/modules ] ||
    grep -qs '/nf_tables\.ko' "/lib/modules/$release/modules.builtin"
}

rules() {
  legacy4='' legacy6='' nft='' tables=''
  # Save tools walk exactly the tables named there; without a name there is nothing to ask for.
  [ -r /proc/net/ip_tables_names ] && read -r legacy4 </proc/net/ip_tables_names
  [ -r /proc/net/ip6_tables_names ] && read -r legacy6 </proc/net/ip6_tables_names
  if has nft; then
    # Nearly as cheap as to start an awk, and without a table no awk is needed.
    if nft_is_loaded; then
      tables=$(nft list tables 2>/dev/null) && [ -z "$tables" ] || nft=nft
    fi
  elif has iptables-nft-save; then
    nft_is_loaded && nft=save
  fi
  [ -n "$legacy4$legacy6$nft" ] || return 0
  {
    [ -z "$tables" ] || printf '%s\n' "$tables"
    if [ -n "$legacy4" ]; then
      echo '#from legacy4'
      legacy_save iptables || echo '#from failed'
    fi
    if [ -n "$legacy6" ]; then
      echo '#from legacy6'
      legacy_save ip6tables || echo '#from failed'
    fi
    case $nft in
      nft)
        echo '#from nft'
        # -t leaves out the elements of sets, which can be many; older ones do not know it. Whose tables they are it
        # says as a comment or on stderr, by its version.
        warned=$(nft -t list ruleset 2>&1 >&3) || warned=$(nft list ruleset 2>&1 >&3) || echo '#from failed'
        printf '%s\n' "$warned"
        ;;
      save)
        echo '#from nft4'
        iptables-nft-save || echo '#from failed'
        echo '#from nft6'
        ip6tables-nft-save || echo '#from failed'
        ;;
    esac
  } 3>&1 2>/dev/null | awk "$rules_program"
}

# saved NAME COMMAND…: what a tool says of the rules; `whole` follows only where it came to its end.
saved() {
  frame "ruleset $1"
  what=$1
  shift
  "$@" && frame "whole $what"
}

# compat FAMILY: iptables-nft has a table there, so its own save tool can be asked without creating one.
compat() {
  for table in filter raw mangle nat security; do
    case $nl$tables$nl in *"${nl}table $1 $table$nl"*) return 0 ;; esac
  done
  return 1
}

# Every live rule, for a plan that changes rules: asked of the same tools as above, of what is there already only, and
# word for word. The first frame names what there is to list, so that a tool that is missing is seen.
# shellcheck disable=SC2016 # awk's own dollars
ruleset() {
  set --
  [ -z "$legacy4" ] || set -- "$@" legacy4
  [ -z "$legacy6" ] || set -- "$@" legacy6
  if has iptables-nft-save && has ip6tables-nft-save; then
    if [ "$nft" = save ] || compat ip; then set -- "$@" nft4; fi
    if [ "$nft" = save ] || compat ip6; then set -- "$@" nft6; fi
  fi
  # Loaded, and no tool to ask.
  if [ "$nft" = nft ] || { [ -z "$nft" ] && ! has nft && ! has iptables-nft-save && nft_is_loaded; }; then
    set -- "$@" nft
  fi
  printf '%s\n' "$*"
  for source; do
    case $source in
      # With counters, as nft has them: a rule that nothing came by looks the same as one that does its work.
      legacy4) saved "$source" legacy_save iptables -c ;;
      legacy6) saved "$source" legacy_save ip6tables -c ;;
      nft4) saved "$source" iptables-nft-save -c ;;
      nft6) saved "$source" ip6tables-nft-save -c ;;
      # -t leaves out the elements of sets; an nft without JSON, or without -t, fails before it prints.
      nft) saved nft-terse nft -j -t list ruleset || saved nft-json nft -j list ruleset || saved nft-text nft list ruleset ;;
    esac
  done 2>/dev/null | awk -v mark="@@$nonce " -v limit="$((answer_limit - files_size))" '
    index($0, mark) == 1 { if (!over || $2 == "ruleset") print; next }
    { size += length($0) + 1; if (size > limit) over = 1 }
    !over'
}

# Our own table as nft prints it; our rules in tables of others were seen on the way through all of them. There is no
# frame where nobody could look.
own_table() {
  if [ "$nft" = nft ]; then
    case $nl$tables$nl in
      *"${nl}table inet ctfix$nl"*)
        # Older ones know no -s, and print counters with it.
        table=$(nft -s list table inet ctfix 2>/dev/null || nft list table inet ctfix 2>/dev/null) || return 0
        frame own-table
        printf '%s\n' "$table"
        return
        ;;
    esac
    [ -n "$tables" ] || return 0
  elif ! has nft; then
    return
  fi
  frame own-table
}

# A shell drops what stands between variables, so it only says whether there is one; mostly there is none. An old bash may
# drop all that follows, too.
container() {
  case ${BASH_VERSION-} in [123].*) said=yes ;; *) said= ;; esac
  {
    while read -r line || [ -n "$line" ]; do
      case $line in *container=*) said=yes ;; esac
    done </proc/1/environ
  } 2>/dev/null
  [ -z "$said" ] || grep -asoE 'container=[a-z-]+' /proc/1/environ
}

# sudo drops SSH_CONNECTION, but its own environment, and that of the shell before it, still has it.
connection() {
  if [ -n "$ssh_connection" ]; then
    printf 'SSH_CONNECTION=%s\n' "$ssh_connection"
    return
  fi
  pid=$PPID
  set --
  while [ "$pid" -gt 1 ] && [ $# -lt 6 ] && [ -r "/proc/$pid/stat" ]; do
    set -- "$@" "/proc/$pid/environ"
    read -r stat <"/proc/$pid/stat"
    # The name in parentheses may hold blanks and parentheses.
    stat=${stat##*') '}
    stat=${stat#* }
    pid=${stat%% *}
  done
  [ $# -eq 0 ] || grep -asohE 'SSH_CONNECTION=[0-9A-Za-z.:%]+ [0-9]+ [0-9A-Za-z.:%]+ [0-9]+' "$@"
}

# Counts live entries by protocol and state. A look through the whole of a large table would cost more than it tells.
# shellcheck disable=SC2016 # awk's own dollars
states_program='
NR > 20000 { exit }
{
  at = $1 ~ /^ipv[46]$/ ? 3 : 1
  state = $(at + 3)
  if (state ~ /=/) state = $0 ~ /\[ASSURED\]/ ? "assured" : "-"
  count[$at " " state]++
}
END { for (what in count) print count[what] " " what }'

# Counts live entries of the flows asked for. One belongs to them when what is local in it is the service: it was asked
# (its destination), or answered without having been seen asked (its source: what is left where tracking was ended in one
# direction only). A host that is itself a client of such a service elsewhere has neither. Where the kernel does not name
# its addresses (before 2.6.39 few had fib_trie), all are taken for local: better one too many than one overlooked.
# shellcheck disable=SC2016 # awk's own dollars
flows_program='
function note(kind, s, text,   list, n, i, edge) {
  if (text == "" || text == "-") return
  asked[kind, s] = 1
  n = split(text, list, ",")
  for (i = 1; i <= n; i++) {
    asked[kind, s, list[i]] = 1
    if (split(list[i], edge, "-") != 2) continue
    nets[kind, s]++
    from[kind, s, nets[kind, s]] = edge[1]
    to[kind, s, nets[kind, s]] = edge[2]
  }
}
# Networks are compared as strings, so numbers need all their digits; IPv6 has them.
function digits(address,   part) {
  if (address ~ /:/) return address
  split(address, part, ".")
  return sprintf("v4.%03d.%03d.%03d.%03d", part[1], part[2], part[3], part[4])
}
function fits(kind, s, address,   i, key) {
  if (!((kind, s) in asked) || ((kind, s, address) in asked)) return 1
  key = nets[kind, s] ? digits(address) : ""
  for (i = 1; i <= nets[kind, s]; i++) if (key >= from[kind, s, i] && key <= to[kind, s, i]) return 1
  return 0
}
function number(address,   part) {
  split(address, part, ".")
  return ((part[1] * 256 + part[2]) * 256 + part[3]) * 256 + part[4]
}
function is_local(address,   i, n) {
  if (address ~ /:/) return any6 || (address in own)
  if (any4 || (address in own) || address ~ /^127\./) return 1
  n = blocks ? number(address) : 0
  for (i = 1; i <= blocks; i++) if (n >= first[i] && n < first[i] + size[i]) return 1
  return 0
}
function has_port(s, port,   i) {
  if (every[s]) return 1
  if (port == "") return 0
  for (i = 1; i <= ranges[s]; i++) if (port >= low[s, i] && port <= high[s, i]) return 1
  return 0
}
function serves(s, address, port, peer) {
  return has_port(s, port) && fits("end", s, address) && fits("peer", s, peer) && is_local(address)
}
BEGIN {
  any4 = any6 = 1
  while ((getline line <"/proc/net/fib_trie") > 0) {
    if (++lines > 300000) { any4 = 1; break }
    if (line ~ /\|-- /) { leaf = line; sub(/.*\|-- /, "", leaf) }
    else if (line ~ /\/32 host LOCAL/) { own[leaf] = 1; any4 = 0 }
    else if (line ~ /\/[1-9][0-9]* host LOCAL/ && leaf !~ /^127\./) {
      # All of a network, as on lo.
      sub(/.*\//, "", line)
      first[++blocks] = number(leaf)
      # busybox may be built without powers.
      size[blocks] = 1
      for (i = line + 0; i < 32; i++) size[blocks] *= 2
    }
  }
  while ((getline line <"/proc/net/if_inet6") > 0) {
    address = substr(line, 1, 4)
    for (i = 5; i < 33; i += 4) address = address ":" substr(line, i, 4)
    own[address] = 1
    any6 = 0
  }
  # The ports that this host chooses for what it begins.
  mine = "32768-60999"
  if ((getline line <"/proc/sys/net/ipv4/ip_local_port_range") > 0 && split(line, edge, " ") == 2) mine = edge[1] "-" edge[2]
  count = split(flows, selector, ";")
  for (s = 1; s <= count; s++) {
    split(selector[s], word, " ")
    protocol[s] = word[1]
    if (word[2] == "*") every[s] = 1
    if (word[2] == "own") word[2] = mine
    ranges[s] = split(word[2], list, ",")
    for (i = 1; i <= ranges[s]; i++) {
      low[s, i] = high[s, i] = list[i] + 0
      if (split(list[i], edge, "-") == 2) high[s, i] = edge[2] + 0
    }
    note("peer", s, word[3])
    note("end", s, word[4])
  }
}
NR > 300000 { print "more"; exit }
{
  rows = NR
  at = $1 ~ /^ipv[46]$/ ? 3 : 1
  src = dst = sport = dport = ""
  for (i = at + 2; i <= NF; i++) {
    if ($i ~ /^src=/) {
      if (src != "") break
      src = substr($i, 5)
    } else if ($i ~ /^dst=/) dst = substr($i, 5)
    else if ($i ~ /^sport=/) sport = substr($i, 7) + 0
    else if ($i ~ /^dport=/) dport = substr($i, 7) + 0
  }
  for (s = 1; s <= count; s++) {
    end = ""
    if (protocol[s] == "out") {
      if (fits("end", s, src) && fits("peer", s, dst) && is_local(src)) end = src
    } else if (protocol[s] == "any" || protocol[s] == $at) {
      if (serves(s, dst, dport, src)) end = dst
      else if (serves(s, src, sport, dst)) end = src
    }
    if (end == "") continue
    if (++entries <= 3) print "entry " substr($0, 1, 400)
    if (!(end in seen) && ++ends <= 256) print "at " end
    seen[end] = 1
    break
  }
}
END { print "rows " rows + 0 "\nentries " entries + 0 }'

earlier() {
  frame earlier-stat
  whole /proc/modules /proc/net/ip_tables_names /proc/net/ip6_tables_names /proc/uptime /proc/net/stat/nf_conntrack /proc/net/stat/ip_conntrack \
    /proc/sys/net/netfilter/nf_conntrack_count /proc/sys/net/ipv4/netfilter/ip_conntrack_count
  frame earlier-log
  log earlier
  sleep "$window"
}

main() {
  nonce=${1-} window=${2:-0} states=${3:-0} ruleset=${4:-0} tracking=${5:-0} census=${6:-0} log=${7:-1} flows=${8-}
  ssh_connection=${9:-${SSH_CONNECTION-}}
  case $nonce in '' | *[!0-9A-Za-z]*)
    echo 'usage: sh -s -- NONCE [WINDOW_SECONDS] [STATES] [RULESET] [TRACKING] [CENSUS] [LOG] [FLOWS] [SSH_CONNECTION]' >&2
    exit 64
    ;;
  esac
  case $window in *[!0-9]*) window=0 ;; esac
  files=$ours
  [ "$ruleset" != 1 ] || files="$ours $owners"
  uid=
  if [ -r /proc/self/status ]; then
    while read -r key _ value _; do
      [ "$key" = Uid: ] && uid=$value && break
    done </proc/self/status
  fi
  [ -n "$uid" ] || uid=$(id -u)

  [ "$window" -eq 0 ] || earlier
  frame values
  values
  frame host
  kernel
  printf 'uname %s %s\nuid %s\ntools' "$release" "$machine" "$uid"
  for tool in conntrack iptables ip6tables nft; do
    has "$tool" && printf ' %s' "$tool"
  done
  echo
  [ -r /proc/net/if_inet6 ] && read -r _ </proc/net/if_inet6 && echo ipv6
  case $machine in x86_64 | i?86) ;; *) printf 'page %s\n' "$(getconf PAGESIZE 2>/dev/null)" ;; esac
  frame listing
  listing
  if [ "$log" = 1 ]; then
    frame log
    log
  fi
  ufw_sysctl
  frame places
  places ${ufw_file:+"$ufw_file"}
  printf 'ufw %s\n' "$ufw_file"
  if [ -e /sys/fs/selinux/enforce ] || [ -e /selinux/enforce ]; then
    frame labels
    # shellcheck disable=SC2086 # a list of words
    ls -dZ $files 2>/dev/null
  fi
  files_size=0
  contents "$ours" "$file_limit"
  # A saved rule set is a large file; those above go first, so that it does not take their place.
  [ "$ruleset" != 1 ] || contents "$owners" "$files_limit"
  frame names
  config_names
  if [ -d /run/systemd/system ] && [ ! -d /run/systemd/units ] && has systemctl; then
    frame units
    systemctl is-active firewalld ufw iptables ip6tables netfilter-persistent nftables docker tuned 2>/dev/null
  fi
  # systemd writes /run/systemd/container, docker leaves a file; elsewhere only the first program's environment says it.
  if [ ! -d /run/systemd/system ] && [ ! -e /.dockerenv ]; then
    frame container
    container
  fi
  frame connection
  connection
  frame rules
  [ "$uid" != 0 ] || rules
  if [ "$ruleset" = 1 ]; then
    frame ruleset
    [ "$uid" != 0 ] || ruleset
    [ "$uid" != 0 ] || own_table
  fi
  if [ "$states" = 1 ]; then
    frame states
    for table in /proc/net/nf_conntrack /proc/net/ip_conntrack; do
      [ -r "$table" ] && awk "$states_program" "$table" && break
    done
  fi
  if [ -n "$flows" ]; then
    frame flows
    for table in /proc/net/nf_conntrack /proc/net/ip_conntrack; do
      [ -r "$table" ] && awk -v flows="$flows" "$flows_program" "$table" && break
    done
  fi
  # By census.sh and tracking.sh, which are sent where they are asked for.
  [ "$census" != 1 ] || census
  [ "$tracking" != 1 ] || tracking
  frame lines
  lines
  frame end
  exit 0
}
main "$@" </dev/null
