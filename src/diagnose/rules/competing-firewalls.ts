/** Several owners of the rules: each throws out, at its next start, what another one has put there. */
import type { Rule } from '../finding.ts'

export const competingFirewalls: Rule = ({ firewall, ufw, managers, tracking, ruleset }) => {
  const running = new Set([
    ...(ufw?.enabled ? ['ufw'] : []),
    ...(managers.includes('firewalld') ? ['firewalld'] : []),
    ...(['iptables-services', 'netfilter-persistent', 'nftables'].includes(firewall.owner) ? [firewall.owner] : []),
    ...(firewall.also ?? []),
    ...(tracking?.services ?? [])
      .filter(({ name, enabled }) => enabled && ['ufw', 'firewalld', 'netfilter-persistent', 'nftables'].includes(name))
      .map(({ name }) => name),
  ])
  if (running.size < 2 && !firewall.mixed) return null
  const owners = [...running].toSorted()
  // A program that keeps a table of its own in nft is no second owner of iptables.
  const isApart = ruleset !== null && !ruleset.sources.some(({ backend }) => backend === 'iptables-nft')
  return {
    code: 'competing-firewalls',
    severity: running.size > 1 || !isApart ? 'warning' : 'notice',
    title:
      owners.length > 1
        ? `several programs own the firewall: ${owners.join(', ')}`
        : `rules are in force in ${isApart ? 'legacy iptables and in nft' : 'both backends of iptables, legacy and nft'}`,
    evidence: [
      ...(owners.length > 1 ? ['each puts its own rules in force when it starts, whatever is there'] : []),
      ...(firewall.mixed ? ['legacy tables and nft tables both hold rules; a packet must pass both'] : []),
    ],
    remedy: 'leave the rules to one of them before anything about tracking is changed',
  }
}
