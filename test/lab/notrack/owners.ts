/**
 * Who owns the rules of a host, each set up in a guest as it is found in the field: INPUT is dropped, answers pass, what is
 * INVALID is dropped before ICMP is accepted, and new connections get in to ports 22 and 80. Both families alike.
 */
import type { FirewallOwner } from '../../../src/facts/facts.ts'
import type { Flavour } from '../vm/root.ts'
import type { GuestShell } from '../vm/traffic.ts'
import {
  HOST_SCRIPT,
  HOST_SCRIPT_UNIT,
  IPTABLES_INIT,
  iptablesUnit,
  NFTABLES_CONF,
  PUBLIC_ZONE,
  saveFile,
  sysconfig,
} from './owner-files.ts'

export interface Owner {
  readonly flavour: Flavour
  /** What its facts must say. */
  readonly owner: FirewallOwner
  readonly setUp: string
  /** Every way in which it loads its rules again while the host is up. */
  readonly reloads: readonly string[]
  /** Waits for its rules, where its unit counts as started before they are there. */
  readonly settle?: string
}

const write = (path: string, text: string, mode = '644'): string =>
  `mkdir -p ${path.slice(0, path.lastIndexOf('/'))}
cat >${path} <<'END-OF-FILE'
${text.trimEnd()}
END-OF-FILE
chmod ${mode} ${path}
`

/**
 * What enable and start do: the same link, without the many seconds that scripts around init.d take on an emulated
 * processor.
 */
const switchOn = (units: readonly string[], target = 'multi-user'): string =>
  units
    .map(unit => `ln -sf /lib/systemd/system/${unit}.service /etc/systemd/system/${target}.target.wants/`)
    .concat(`systemctl start ${units.join(' ')}`)
    .join('\n')

/** What the plain guest comes with goes first. */
const VACATE = `
systemctl stop netfilter-persistent
rm /etc/systemd/system/multi-user.target.wants/netfilter-persistent.service
# It goes by these names as well.
rm /etc/systemd/system/iptables.service /etc/systemd/system/ip6tables.service
nft flush ruleset
rm -rf /etc/iptables
`

const PERSISTENT = `
${write('/etc/iptables/rules.v4', saveFile(4), '640')}
${write('/etc/iptables/rules.v6', saveFile(6), '640')}
systemctl restart netfilter-persistent
`

const PERSISTENT_RELOADS = ['netfilter-persistent reload', 'systemctl restart netfilter-persistent']

const LEGACY = `
nft flush ruleset
update-alternatives --quiet --set iptables /usr/sbin/iptables-legacy
update-alternatives --quiet --set ip6tables /usr/sbin/ip6tables-legacy
`

const service = (tool: 'iptables' | 'ip6tables', family: 4 | 6): string => `
${write(`/etc/sysconfig/${tool}`, saveFile(family), '600')}
${write(`/etc/sysconfig/${tool}-config`, sysconfig(tool), '600')}
${write(`/usr/libexec/iptables/${tool}.init`, IPTABLES_INIT, '755')}
${write(`/lib/systemd/system/${tool}.service`, iptablesUnit(tool, `IPv${family}`))}
`

export const OWNERS = {
  'netfilter-persistent, legacy': {
    flavour: 'plain',
    owner: 'netfilter-persistent',
    setUp: `${LEGACY}${PERSISTENT}`,
    reloads: PERSISTENT_RELOADS,
  },
  'netfilter-persistent, nft': {
    flavour: 'plain',
    owner: 'netfilter-persistent',
    setUp: PERSISTENT,
    reloads: PERSISTENT_RELOADS,
  },
  'iptables-services': {
    flavour: 'plain',
    owner: 'iptables-services',
    setUp: `${VACATE}${service('iptables', 4)}${service('ip6tables', 6)}systemctl daemon-reload
${switchOn(['iptables', 'ip6tables'])}`,
    reloads: ['systemctl reload iptables ip6tables', 'systemctl restart iptables ip6tables'],
  },
  nftables: {
    flavour: 'plain',
    owner: 'nftables',
    setUp: `${VACATE}${write('/etc/nftables.conf', NFTABLES_CONF, '755')}${switchOn(['nftables'], 'sysinit')}`,
    reloads: ['systemctl reload nftables', 'systemctl restart nftables'],
  },
  ufw: {
    flavour: 'managers',
    owner: 'ufw',
    // As `ufw enable` does, without the half minute that it takes on an emulated processor.
    setUp: `ufw allow 22/tcp; ufw allow 80/tcp; sed -i s/^ENABLED=.*/ENABLED=yes/ /etc/ufw/ufw.conf
${switchOn(['ufw'])}`,
    reloads: ['ufw reload', 'for i in 1 2; do /lib/ufw/ufw-init force-reload; done'],
  },
  firewalld: {
    flavour: 'managers',
    owner: 'firewalld',
    setUp: `${write('/etc/firewalld/zones/public.xml', PUBLIC_ZONE)}${switchOn(['firewalld'])}`,
    reloads: ['firewall-cmd --quiet --reload', 'systemctl restart firewalld'],
    settle: 'firewall-cmd --quiet --state',
  },
  nobody: {
    flavour: 'plain',
    owner: 'none',
    setUp: `${VACATE}${write('/usr/local/sbin/host-rules', HOST_SCRIPT, '755')}
${write('/lib/systemd/system/host-rules.service', HOST_SCRIPT_UNIT)}${switchOn(['host-rules'])}`,
    reloads: [],
  },
} as const satisfies Record<string, Owner>

export type OwnerName = keyof typeof OWNERS

/** Makes it the owner of a guest that was just started. */
export async function setUpOwner(guest: GuestShell, name: OwnerName): Promise<void> {
  await guest.script(`set -e\n${OWNERS[name].setUp}`, 120_000)
  await settle(guest, name)
}

/** Each way once; its rules are there again afterwards. */
export async function reloadOwner(guest: GuestShell, name: OwnerName, how: string): Promise<void> {
  await guest.script(how, 120_000)
  await settle(guest, name)
}

/** To be called after a boot as well. */
export async function settle(guest: GuestShell, name: OwnerName): Promise<void> {
  const { settle: wait = '' }: Owner = OWNERS[name]
  if (wait) await guest.script(wait, 120_000)
}
