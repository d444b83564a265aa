/** What a guest's firewall is, live and on disk, in words that can be compared: before and after, over reload and reboot. */
import type { GuestShell } from '../vm/traffic.ts'

/** Only what is there already is read: the listing itself makes no table. */
const LIVE = `
for save in iptables-legacy-save ip6tables-legacy-save iptables-nft-save ip6tables-nft-save; do
  echo "== $save"
  $save 2>/dev/null || :
done
echo '== nft'
nft -s list ruleset`

const FILES = `
list() { find /etc -xdev ! -name ld.so.cache ! -name '*-' ! -name .pwd.lock ! -name adjtime "$@"; }
list -printf '%p %M %u:%g %l\\n'
list -type f -exec md5sum {} +`

/** A line of a rule set, and where it stands. */
interface Line {
  readonly table: string
  readonly chain: string
  readonly text: string
}

/**
 * Every live rule of both backends, a line each with its table and chain before it. Left out are counters, the order in which
 * chains were made, and chains of iptables' own tables that hold no rule and accept: a tool that looks, or takes its last
 * rule away, leaves such chains behind, and no packet sees a difference.
 */
export async function liveRules(guest: GuestShell): Promise<string> {
  const lines = linesOf(await guest.script(LIVE)).map(({ table, chain, text }) => ({
    where: `${table}, ${chain}: `,
    isOurs: !BUILT_IN.test(table),
    text: text.replace(/\[\d+:\d+\]/, '[0:0]').replace(/counter packets \d+ bytes \d+/g, 'counter'),
  }))
  const full = new Set(lines.filter(line => line.isOurs || !NOTHING.test(line.text)).map(({ where }) => where))
  return lines
    .filter(({ where }) => full.has(where))
    .toSorted((a, b) => (a.where < b.where ? -1 : Number(a.where > b.where)))
    .map(({ where, text }) => where + text)
    .join('\n')
}

const BUILT_IN = /^(\S+-save \*|nft table ip6? (raw|mangle|nat|filter|security)$)/
const NOTHING = /^(:\S+ ACCEPT \[0:0\]|type .* policy accept;)$/

function linesOf(listing: string): Line[] {
  const lines: Line[] = []
  let [tool, table, chain] = ['', '', '']
  for (const line of listing.split('\n')) {
    const text = line.trim()
    if (/^(#.*|COMMIT|\}|)$/.test(text)) continue
    if (text.startsWith('== ')) tool = text.slice(3)
    else if (/^(\*|table )/.test(line)) [table, chain] = [`${tool} ${text.replace(' {', '')}`, '']
    else if (/^\t\w.*\{$/.test(line)) chain = text.replace(' {', '')
    else lines.push({ table, chain: /^(?::|-A )(\S+)/.exec(line)?.[1] ?? chain, text })
  }
  return lines
}

/** A line for each file, directory and link below /etc: its mode, its owner, its content. */
export async function filesOf(guest: GuestShell): Promise<string> {
  return (await guest.script(FILES)).split('\n').toSorted().join('\n')
}
