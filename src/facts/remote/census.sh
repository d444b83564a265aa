# shellcheck disable=SC2154 # probe.sh sets what they share.
# Who fills the connection table: counted here in one bounded pass, so that the table never travels. Sent before probe.sh
# for a diagnosis only. Like that it only reads what is there; facts/census.ts understands what it prints.
# To read the table takes the kernel's time and ours: beyond so many rows or seconds it is cut short, and says so.
census_rows=200000
# Before 2.6.24 each read of the file walks the table from its start, with the lock of the table held.
[ ! -e /proc/net/ip_conntrack ] || [ -e /proc/net/nf_conntrack ] || census_rows=20000
census_seconds=8
# What the strategy timeouts would set; an entry that was idle for longer would have left.
census_targets='ESTABLISHED=7440 TIME_WAIT=60 CLOSE_WAIT=60 FIN_WAIT=60'

# At most 20,000 different ports and peers are kept apart.
# shellcheck disable=SC2016 # awk's own dollars
census_program='
function clock(   line, part) {
  if ((getline line <"/proc/uptime") < 1) return 0
  close("/proc/uptime")
  split(line, part, " ")
  return part[1] + 0
}
function timeout_of(state,   line) {
  state = tolower(state)
  if ((getline line <("/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_" state)) > 0) return line + 0
  if ((getline line <("/proc/sys/net/ipv4/netfilter/ip_conntrack_tcp_timeout_" state)) > 0) return line + 0
  return 0
}
function own_addresses(   line, leaf, lines, i, address) {
  while ((getline line <"/proc/net/fib_trie") > 0 && ++lines <= 20000) {
    if (line ~ /\|-- /) { leaf = line; sub(/.*\|-- /, "", leaf) }
    else if (line ~ /\/32 host LOCAL/) { own[leaf] = 1; known = 1 }
  }
  while ((getline line <"/proc/net/if_inet6") > 0) {
    address = substr(line, 1, 4)
    for (i = 5; i < 33; i += 4) address = address ":" substr(line, i, 4)
    own[address] = 1
  }
}
# The ten that most entries have; what was printed is put to 0. Of a port, too, how many of them this host serves itself:
# a kernel that does not name its addresses cannot say.
function most(name, list,   key, best, n) {
  for (n = 0; n < 10; n++) {
    best = ""
    for (key in list) if (list[key] > 0 && (best == "" || list[key] > list[best])) best = key
    if (best == "") return
    print name " " list[best] " " best (name != "port" ? "" : known ? " " served[best] + 0 : " -")
    list[best] = 0
  }
}
BEGIN {
  start = clock()
  own_addresses()
  n = split(targets, target, " ")
  for (i = 1; i <= n; i++) {
    split(target[i], part, "=")
    edge[part[1]] = timeout_of(part[1]) - part[2]
  }
  # A connection whose last packet waits for its answer has this long and no more, however lately that packet came.
  clamp = timeout_of("UNACKNOWLEDGED")
  n = timeout_of("MAX_RETRANS")
  if (n > clamp) clamp = n
}
NR > limit { cut = "rows"; exit }
NR % 2048 == 0 && clock() - start > seconds { cut = "seconds"; exit }
{
  rows = NR
  at = $1 ~ /^ipv[46]$/ ? 3 : 1
  # What is offloaded shows neither time nor state; of tcp only established connections are.
  left = $(at + 2) ~ /^[0-9]+$/ ? $(at + 2) + 0 : -1
  state = left >= 0 ? $(at + 3) : ""
  if (state == "" || state ~ /=/) state = $at == "tcp" ? "ESTABLISHED" : "-"
  kind = $at " " state
  count[kind]++
  sure = $0 ~ /\[(ASSURED|OFFLOAD|HW_OFFLOAD)\]/
  alone = $0 ~ /\[UNREPLIED\]/
  if (sure) assured[kind]++
  if (alone) unreplied[kind]++
  if ($at == "tcp" && left >= 0 && edge[state] > 0 && left < edge[state]) {
    if (state != "ESTABLISHED" || (sure && left > clamp)) idle[kind]++
  }
  src = dst = sport = dport = ""
  for (i = at + 2; i <= NF; i++) {
    if ($i ~ /^src=/) {
      if (src != "") break
      src = substr($i, 5)
    } else if ($i ~ /^dst=/) dst = substr($i, 5)
    else if ($i ~ /^sport=/) sport = substr($i, 7) + 0
    else if ($i ~ /^dport=/) { dport = substr($i, 7) + 0; break }
  }
  key = $at " " (dport == "" ? "-" : dport)
  if (key in port) port[key]++
  else if (ports < 20000) { port[key] = 1; ports++ }
  if ((key in port) && ((dst in own) || dst ~ /^127\./)) served[key]++
  key = src in own ? dst : src
  if (key in peer) peer[key]++
  else if (peers < 20000) { peer[key] = 1; peers++ }
  # An answer that was taken for a beginning: the request went by untracked. A short connection is closing already.
  if ($at == "tcp" && alone && sport != "" && state ~ /^(ESTABLISHED|FIN_WAIT|CLOSE_WAIT|LAST_ACK|TIME_WAIT)$/) half[sport]++
}
END {
  print "rows " rows + 0
  if (cut != "") print "cut " cut
  for (kind in count) print "state " count[kind] " " assured[kind] + 0 " " unreplied[kind] + 0 " " idle[kind] + 0 " " kind
  most("port", port)
  most("peer", peer)
  most("half", half)
}'

count_entries() {
  awk -v limit="$census_rows" -v seconds="$census_seconds" -v targets="$census_targets" "$census_program" "$@"
}

# The tool is asked only where what it asks is loaded already.
census_entries() {
  for census_table in /proc/net/nf_conntrack /proc/net/ip_conntrack; do
    [ -r "$census_table" ] || continue
    echo 'source proc'
    count_entries "$census_table"
    return
  done
  if [ "$uid" = 0 ] && [ -d /sys/module/nf_conntrack_netlink ] && has conntrack; then
    echo 'source netlink'
    { conntrack -L -f ipv4 -o extended && conntrack -L -f ipv6 -o extended; } 2>/dev/null | count_entries
    return
  fi
  echo 'source none'
}

# Other network namespaces in which programs run, with the counters of each: the limit is one for all of them, the count
# each one's own.
census_namespaces() {
  # shellcheck disable=SC2012 # where links lead, in one fork; ls puts them in an order of its own
  census_found=$(ls -l /proc/self/ns/net /proc/[0-9]*/ns/net 2>/dev/null | awk '
    { inode = $NF; gsub(/[^0-9]/, "", inode); split($(NF - 2), part, "/") }
    part[3] == "self" { own = inode; next }
    inode != "" && !(inode in pid) && n < 65 { pid[inode] = part[3]; n++ }
    END { for (inode in pid) if (inode != own) print inode " " pid[inode] }')
  [ -n "$census_found" ] || return 0
  printf '%s\n' "$census_found" | while read -r inode pid; do
    name=
    [ -r "/proc/$pid/comm" ] && read -r name <"/proc/$pid/comm"
    printf 'netns %s %s %s\n' "$inode" "$pid" "$name"
    grep -sa -m 33 '' /dev/null "/proc/$pid/net/stat/nf_conntrack"
  done
}

census() {
  frame census
  census_entries
  # Read after the rows: reading them lets go of what has expired.
  for census_path in /proc/sys/net/netfilter/nf_conntrack_count /proc/sys/net/ipv4/netfilter/ip_conntrack_count; do
    [ -r "$census_path" ] || continue
    read -r census_count <"$census_path" && printf 'count %s\n' "$census_count"
    break
  done
  [ -r /proc/net/nf_conntrack_expect ] &&
    awk 'NR > 20000 { exit } { n = NR } END { print "expect " n + 0 }' /proc/net/nf_conntrack_expect
  frame census-namespaces
  census_namespaces
}
