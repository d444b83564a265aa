/** Where our rules live on a host, and how they come back after a reload and a boot: by who owns the firewall. */
import type { Facts, FirewallOwner } from '../../facts/facts.ts'
import { RESTORES } from '../../facts/files.ts'
import type { Family } from '../../firewall/address.ts'
import type { Spelling } from '../../firewall/own-rule.ts'
import { contentOf } from '../edits.ts'

type IptablesBackend = 'iptables-legacy' | 'iptables-nft'

export type Home =
  | { readonly by: 'iptables'; readonly backend: IptablesBackend; readonly keeper: IptablesKeeper }
  | { readonly by: 'nft'; readonly keeper: NftKeeper }

/** Who brings rules of iptables back: a saved rule set, ufw's own hook, or a unit of ours. */
export type IptablesKeeper = SavedKeeper | 'ufw' | 'own'
export type SavedKeeper = 'saved-debian' | 'saved-redhat' | 'saved-openrc'
/** `included`: a file of ours that nftables.service reads. */
export type NftKeeper = 'included' | 'own'

const KEEPERS: Readonly<Partial<Record<FirewallOwner, IptablesKeeper>>> = {
  'netfilter-persistent': 'saved-debian',
  'iptables-services': 'saved-redhat',
  ufw: 'ufw',
  docker: 'own',
  none: 'own',
}

/** null where nobody here knows a way that would last: the text says why. */
export function homeOf(facts: Facts): Home | { readonly why: string } {
  const { firewall, tools, ruleset } = facts
  const { owner, backend } = firewall
  if (owner === 'nftables') return { by: 'nft', keeper: 'included' }
  if (owner === 'firewalld') {
    const hasNft = tools.nft && backend !== 'iptables-legacy'
    return hasNft
      ? { by: 'nft', keeper: 'own' }
      : {
          why: 'firewalld here works by iptables and flushes every table at each reload: untrack the flows by its own direct rules',
        }
  }
  const byOpenrc = owner === 'iptables-services' && facts.init === 'openrc'
  // Which file it loads is a setting of the service, and this one is the usual.
  if (byOpenrc && contentOf(facts, SAVED['saved-openrc'][4]) === null) {
    return { why: `the service iptables of OpenRC keeps its rules elsewhere than in ${SAVED['saved-openrc'][4]}` }
  }
  const keeper = byOpenrc ? 'saved-openrc' : KEEPERS[owner]
  if (!keeper) return { why: `${owner} writes the rules of this host: untrack the flows by its own settings` }
  const anyRules = ruleset?.sources.some(({ backend: from }) => from === 'nft')
  if ((backend === 'nft' || backend === null) && keeper === 'own' && tools.nft && (anyRules || !tools.iptables)) {
    return { by: 'nft', keeper: 'own' }
  }
  if (!tools.iptables) return { why: 'there is no iptables and no nft here to do it by' }
  return { by: 'iptables', backend: backend === 'iptables-nft' ? backend : legacyOr(backend), keeper }
}

/** A host without any rule has none of either; its plain `iptables` is then what is asked. */
function legacyOr(backend: Facts['firewall']['backend']): IptablesBackend {
  return backend === 'nft' ? 'iptables-nft' : 'iptables-legacy'
}

/** Families whose packets this host tracks and is asked to untrack. */
export function familiesOf(facts: Facts, home: Home, wanted: readonly Family[]): readonly Family[] {
  const hasV6 = facts.ipv6 && facts.family === 'nf_conntrack' && (home.by === 'nft' || facts.tools.ip6tables)
  return wanted.filter(family => family === 4 || hasV6)
}

/** How rules are spelt here: 2.6.18 has no `conntrack` match that knows UNTRACKED. */
export function spellingOf(facts: Facts, family: Family): Spelling {
  return { family, stateMatch: facts.family === 'ip_conntrack' ? 'state' : 'conntrack' }
}

/** Where saved rule sets lie, by family. */
export const SAVED: Readonly<Record<SavedKeeper, Readonly<Record<Family, string>>>> = {
  'saved-debian': { 4: '/etc/iptables/rules.v4', 6: '/etc/iptables/rules.v6' },
  'saved-redhat': { 4: '/etc/sysconfig/iptables', 6: '/etc/sysconfig/ip6tables' },
  'saved-openrc': { 4: '/etc/iptables/rules-save', 6: '/etc/iptables/rules6-save' },
}

/** Of two services one may be started at boot and the other not. Where neither is known to be both are taken to be. */
export function restoresFamily({ directories }: Facts, keeper: SavedKeeper, family: Family): boolean {
  const started = new Set(directories.map(path => RESTORES.exec(path)?.[1]))
  started.delete(undefined)
  return keeper === 'saved-debian' || started.size === 0 || started.has(family === 4 ? 'iptables' : 'ip6tables')
}
