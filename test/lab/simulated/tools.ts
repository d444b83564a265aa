/**
 * Tools of a pretended host that keep what they change: iptables-legacy and its restore for both families on a save text,
 * and modprobe on /proc/modules and /sys/module. They need awk, cat, mkdir and mv, and do what the real ones do where our scripts look.
 */
import type { Platform } from '../../facts/stage.ts'

/** Where a family's rules are kept. */
export const RULES: Readonly<Record<4 | 6, string>> = { 4: '/run/fake/rules4', 6: '/run/fake/rules6' }

/** The platform with tools that work; it starts with the rules that its own save stub prints. */
export function withWorkingTools(platform: Platform): Platform {
  const saved = /cat <<'END'\n(.*)\nEND/s.exec(platform.tools?.['iptables-legacy-save'] ?? '')?.[1] ?? ''
  const modules = String(platform.files['/proc/modules'] ?? '').match(/^\w+/gm) ?? []
  return {
    ...platform,
    directories: [...(platform.directories ?? []), '/lib/fake', ...modules.map(name => `/sys/module/${name}`)],
    files: {
      ...platform.files,
      [RULES[4]]: `${saved}\n`,
      [RULES[6]]: '',
      '/proc/net/ip6_tables_names': ['', 0o440],
    },
    tools: {
      ...platform.tools,
      'iptables-legacy': iptables(RULES[4], '/proc/net/ip_tables_names', 32),
      'iptables-legacy-save': `exec cat ${RULES[4]}`,
      'iptables-legacy-restore': restore('iptables-legacy', RULES[4]),
      'ip6tables-legacy': iptables(RULES[6], '/proc/net/ip6_tables_names', 128),
      'ip6tables-legacy-save': `exec cat ${RULES[6]}`,
      'ip6tables-legacy-restore': restore('ip6tables-legacy', RULES[6]),
      modprobe: MODPROBE,
      rmmod: 'exec /usr/sbin/modprobe -r "$1"',
    },
  }
}

/** Reads all lines, finds the chain, and prints them with one more or one less. Words come by the environment, unread. */
const EDIT = `
function fail(text, code) { print "iptables: " text >"/dev/stderr"; failed = code; exit code }
{ lines[NR] = $0 }
/^\\*/ { inside = substr($0, 2) == ENVIRON["table"] }
inside && /^:/ { order[substr($1, 2)] = ++chains; last = NR; if (substr($1, 2) == ENVIRON["chain"]) declared = 1 }
inside && $1 == "-A" && order[$2] <= order[ENVIRON["chain"]] { last = NR }
inside && $1 == "-A" && $2 == ENVIRON["chain"] { at[++length_] = NR; if ($0 == ENVIRON["line"] && !found) found = NR }
END {
  if (failed) exit failed
  verb = ENVIRON["verb"]; n = ENVIRON["number"]
  if (!declared) fail("No chain/target/match by that name.", 1)
  if (verb == "-C") exit !found
  if (verb == "-D") {
    gone = n == "" ? found : at[n]
    if (!gone) fail("Bad rule (does a matching rule exist in that chain?).", 1)
  } else if (verb == "-A") after = last
  else {
    n = n == "" ? 1 : n
    if (n > length_ + 1) fail("Index of insertion too big.", 1)
    after = n <= length_ ? at[n] - 1 : last
  }
  for (i = 1; i <= NR; i++) {
    if (i != gone) print lines[i]
    if (i == after) print ENVIRON["line"]
  }
}`

function iptables(state: string, names: string, bits: number): string {
  return `table=filter verb= number=
while [ $# -gt 0 ]; do
  case $1 in
    -h) printf 'iptables v1.8.9\\n  --wait\\t-w [seconds]\\n'; exit 0 ;;
    -w) shift ;;
    -t) table=$2; shift 2 ;;
    -[ADICS]) verb=$1 chain=\${2-}; shift; [ $# -eq 0 ] || shift; break ;;
    *) printf 'iptables: unknown option "%s"\\n' "$1" >&2; exit 2 ;;
  esac
done
case \${1-} in [0-9]*) number=$1; shift ;; esac
found=
while read -r name; do [ "$name" != "*$table" ] || found=1; done <${state}
if [ -z "$found" ]; then
  # Asking for a table is enough to have it loaded.
  case $table in
    raw) chains='PREROUTING OUTPUT' ;;
    filter) chains='INPUT FORWARD OUTPUT' ;;
    *) chains='PREROUTING INPUT FORWARD OUTPUT POSTROUTING' ;;
  esac
  {
    printf '*%s\\n' "$table"
    for name in $chains; do printf ':%s ACCEPT [0:0]\\n' "$name"; done
    printf 'COMMIT\\n'
  } >>${state}
  printf '%s\\n' "$table" >>${names}
fi
line="-A $chain" protocol=
while [ $# -gt 0 ]; do
  word=$1
  case "$1 \${2-}" in
    '-p '*) protocol=$2 ;;
    '-m tcp' | '-m udp') protocol= ;;
    '--syn '*) word='--tcp-flags FIN,SYN,RST,ACK SYN' ;;
  esac
  case $1 in
    --dport | --sport | --syn | --tcp-flags) [ -z "$protocol" ] || line="$line -m $protocol" protocol= ;;
  esac
  case $last$1 in
    -s*/* | -d*/*) ;;
    -s[0-9a-f]* | -d[0-9a-f]*) word=$1/${bits} ;;
  esac
  case $word in
    --tcp-flags\\ *) ;;
    *[\\ \\"]*) word=\\"$(printf '%s' "$word" | awk '{ gsub(/["\\\\]/, "\\\\\\\\&"); print }')\\" ;;
  esac
  line="$line $word" last=$1
  [ "$1" = -s ] || [ "$1" = -d ] || last=
  shift
done
export table verb chain number line
if [ "$verb" = -C ]; then exec awk '${EDIT}' ${state}; fi
awk '${EDIT}' ${state} >/lib/fake/rules && cat /lib/fake/rules >${state}`
}

/** Reads the text to restore, then the rules, and prints these with one chain emptied, filled and perhaps removed. */
const RESTORE = `
function fail(text) { print "iptables-restore: " text >"/dev/stderr"; failed = 1; exit 1 }
FNR == NR && /^\\*/ { table = $0 }
FNR == NR && /^:/ { chain = substr($1, 2) }
FNR == NR && $1 == "-A" { if (/ NONSENSE/) fail("line " FNR " failed"); new = new $0 "\\n" }
FNR == NR && $1 == "-X" { removed = 1 }
FNR == NR { next }
/^\\*/ { inside = $0 == table; declared = 0 }
inside && /^:/ && substr($1, 2) == chain { declared = 1; if (removed) next }
inside && !/^:/ && !/^\\*/ && !declared { if (!removed) print ":" chain " - [0:0]"; declared = 1 }
inside && $1 == "-A" && $2 == chain { next }
inside && removed && $1 == "-A" && $NF == chain { fail("line 3 failed") }
inside && /^COMMIT/ { printf "%s", new }
{ print }
END { if (failed) exit 1 }`

/** With -n only; one chain of ours a call, which stands behind all others. */
function restore(tool: string, state: string): string {
  return `case $* in
  -h) printf 'iptables-restore v1.8.9\\n  [ --wait=<seconds>\\n'; exit 0 ;;
  '-w -n' | -n) ;;
  *) exit 2 ;;
esac
cat >/lib/fake/restore
while read -r line; do case $line in '*'*) ${tool} -t "\${line#?}" -S >/dev/null 2>&1 ;; esac; done </lib/fake/restore
awk '${RESTORE}' /lib/fake/restore ${state} >/lib/fake/rules && cat /lib/fake/rules >${state}`
}

/** What a module takes with it when it goes; kept beside, so that it is there again when the module is. */
const MODPROBE = `remove=
while [ $# -gt 1 ]; do
  [ "$1" != -r ] || remove=1
  shift
done
name=$(printf '%s' "$1" | tr - _)
kept=/lib/fake/$name
loaded=
while read -r line; do case $line in "$name "*) loaded=$line ;; esac; done </proc/modules
belongings="/sys/module/$name"
[ "$name" != nf_conntrack ] ||
  belongings="$belongings /proc/sys/net/netfilter /proc/sys/net/nf_conntrack_max /proc/net/stat/nf_conntrack /proc/net/nf_conntrack"
without='$1 == name { next }
index("," $4, "," name ",") {
  $3 = $3 - 1
  n = split($4, users, ",")
  $4 = ""
  for (i = 1; i < n; i++) if (users[i] != name) $4 = $4 users[i] ","
  if ($4 == "") $4 = "-"
}
{ print }'
if [ -z "$remove" ]; then
  [ -z "$loaded" ] || exit 0
  if cat /etc/modprobe.d/*.conf 2>/dev/null | grep -q "^install $name /bin/false"; then
    printf "modprobe: ERROR: Error running install command '/bin/false' for module %s: retcode 1\\n" "$name" >&2
    exit 1
  fi
  for path in $belongings; do
    [ ! -e "$kept$path" ] || mv "$kept$path" "$path"
  done
  [ -d "/sys/module/$name" ] || mkdir -p "/sys/module/$name"
  # Where nothing else happened since, everything is as it was.
  if [ -e "$kept/modules" ] && [ "$(cat /proc/modules)" = "$(awk -v name="$name" "$without" "$kept/modules")" ]; then
    cat "$kept/modules" >/proc/modules
  else
    printf '%s 16384 0 - Live 0x0\\n' "$name" >>/proc/modules
  fi
  exit 0
fi
[ -n "$loaded" ] || exit 0
case $loaded in
  *' 0 - '*) ;;
  *) printf 'modprobe: FATAL: Module %s is in use.\\n' "$name" >&2; exit 1 ;;
esac
mkdir -p "$kept"
cat /proc/modules >"$kept/modules"
awk -v name="$name" "$without" "$kept/modules" >"$kept/new"
cat "$kept/new" >/proc/modules
for path in $belongings; do
  [ -e "$path" ] || continue
  mkdir -p "$kept\${path%/*}"
  mv "$path" "$kept$path"
done`
