/** What a host is, in one digest a part: so that "nothing was touched" can be shown. */
import type { Lab } from './lab.ts'

/** Prints parts as `name digest`. Counters, counts and the run directory move by themselves and are left out. */
const DIGEST = `
sum() { printf '%s %s\\n' "$1" "$(md5sum | cut -d' ' -f1)"; }
files() { find /etc -xdev -type f ! -name ld.so.cache ! -name '*-' ! -name .pwd.lock ! -name adjtime "$@" 2>/dev/null; }
{ files -exec ls -ln {} + | awk '{ print $1, $3, $4, $NF }' | sort; files -exec md5sum {} + | sort -k2; } | sum files
grep -s . /proc/sys/net/netfilter/* /proc/sys/net/ipv4/ip_conntrack_max /proc/sys/net/ipv4/netfilter/* \
  /sys/module/*_conntrack/parameters/hashsize | grep -v _count: | sum values
cut -d' ' -f1 /proc/modules 2>/dev/null | sort | sum modules
{ iptables-save; ip6tables-save; nft list ruleset; } 2>/dev/null | sed 's/\\[[0-9:]*\\]//; s/packets [0-9]* bytes [0-9]*//; /^#/d' | sum rules
`

/**
 * Digests of files, live values, modules and rules. Without `staged`, files that are written beside others and not put in
 * place do not count: nothing reads them.
 */
export async function digestOf(
  lab: Lab,
  host: string,
  { staged = true }: { readonly staged?: boolean } = {},
): Promise<Readonly<Record<string, string>>> {
  const script = staged ? DIGEST : DIGEST.replace('! -name ld.so.cache', "! -name ld.so.cache ! -name '*.ctfix-new'")
  const { stdout, stderr, exitCode } = await lab.inspect(host, script, { timeoutMs: 60_000 })
  const parts = Object.fromEntries(
    stdout
      .trim()
      .split('\n')
      .map(line => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)]),
  )
  if (exitCode !== 0 || Object.keys(parts).length !== 4) throw new Error(`no digest of ${host}: ${stdout}${stderr}`)
  return parts
}
