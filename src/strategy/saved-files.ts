/** Files of rules that boot loads: which are known, who loads them, and what is said of those nobody could read. */
import type { Family } from '../firewall/address.ts'

/** Saves of iptables that the probe reads whole, and whose they are. */
export const SAVES: Readonly<Record<string, Family>> = {
  '/etc/iptables/rules.v4': 4,
  '/etc/iptables/rules.v6': 6,
  '/etc/sysconfig/iptables': 4,
  '/etc/sysconfig/ip6tables': 6,
  '/etc/iptables/rules-save': 4,
  '/etc/iptables/rules6-save': 6,
}

/** By which service a file of rules gets loaded, as far as anybody knows. */
const LOADERS: readonly (readonly [RegExp, readonly string[]])[] = [
  [/^\/etc\/iptables\/rules\.v[46]$/, ['netfilter-persistent', 'iptables-persistent']],
  [/^\/etc\/(sysconfig\/iptables|iptables\/rules-save)$/, ['iptables']],
  [/^\/etc\/(sysconfig\/ip6tables|iptables\/rules6-save)$/, ['ip6tables']],
  [/^\/etc\/(nftables|sysconfig\/nftables)/, ['nftables']],
  [/^\/(etc|lib|usr\/lib)\/ufw\//, ['ufw']],
  [/^\/(etc|lib|usr\/lib)\/firewalld\//, ['firewalld']],
]

/** Names of the services that load it. */
export function loadersOf(path: string): readonly string[] {
  return LOADERS.find(([pattern]) => pattern.test(path))?.[1] ?? []
}

/** Of a file in `tracking.savedUnread`. `more`: the probe looks at so many lines and no further. */
export function unreadText(file: string): string {
  return file === 'more'
    ? 'there are more saved rules than are looked at'
    : `${file} could not be read, or followed to what it names`
}
