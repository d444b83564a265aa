/** Services that load rules about states: which of them stop, what of the live rules goes with them, and what then is open. */
import type { BootServiceChange, ServiceChange } from '../../change/change.ts'
import type { Facts } from '../../facts/facts.ts'
import type { Place } from '../../firewall/ruleset.ts'

export type Service = NonNullable<Facts['tracking']>['services'][number]

interface Firewall {
  /** Whether rules that stand there may be its own. */
  readonly owns: (place: Pick<Place, 'backend' | 'family' | 'table'>) => boolean
  /** Its stop takes no live rule. */
  readonly keeps?: true
  /** What its stop leaves, for a warning. */
  readonly leaves?: string
}

const SAVED: Firewall = {
  owns: ({ backend }) => backend !== 'nft',
  keeps: true,
  leaves: 'every live rule, which go with the next reboot',
}
const FIREWALLS: Readonly<Record<string, Firewall>> = {
  firewalld: { owns: ({ backend, table }) => backend !== 'nft' || table === 'firewalld' },
  iptables: { owns: ({ backend, family }) => backend !== 'nft' && family === 'ip' },
  ip6tables: { owns: ({ backend, family }) => backend !== 'nft' && family === 'ip6' },
  nftables: { owns: ({ backend }) => backend !== 'iptables-legacy' },
  'netfilter-persistent': SAVED,
  'iptables-persistent': SAVED,
}

/** Those here that run, or that boot starts. */
export function firewallsOf({ tracking }: Facts): Service[] {
  return (tracking?.services ?? []).filter(({ name, running, enabled }) => name in FIREWALLS && (running || enabled))
}

/** True when what stands there goes with one of these: at its stop, or at the reboot after which it is not started. */
export function isTaken(services: readonly Service[], place: Place, now: boolean): boolean {
  return services.some(({ name, running }) => {
    const firewall = FIREWALLS[name]
    return firewall?.owns(place) && (!now || (running && !firewall.keeps))
  })
}

/** They stop before the modules go; boot starts them no more. At the next reboot: they run until then. */
export function stopChanges(
  facts: Facts,
  services: readonly Service[],
  now: boolean,
): (ServiceChange | BootServiceChange)[] {
  const why = 'asked for: without tracking it could not load its rules'
  const stops = services.flatMap(({ name, running }): ServiceChange[] =>
    now && running ? [{ kind: 'service', layer: 'runtime', target: name, before: 'running', after: null, why }] : [],
  )
  const boots = services.flatMap(({ name, enabled, startedBy: words }): BootServiceChange[] =>
    enabled
      ? [
          {
            kind: 'boot-service',
            layer: 'persistent',
            target: name,
            before: words ?? startedBy(facts),
            after: null,
            why,
          },
        ]
      : [],
  )
  return [...stops, ...boots]
}

/** In the words of this service manager for what is entered the usual way. */
function startedBy({ init }: Facts): string {
  return init === 'openrc' ? 'default' : init === 'sysvinit' ? '2345' : 'enabled'
}

/** What nobody filters any more, said before anybody agrees to it. */
export function openWarnings(services: readonly Service[], facts: Facts, now: boolean): string[] {
  if (services.length === 0) return []
  const names = services.map(({ name }) => name).join(', ')
  const when = now ? 'from now on' : 'from the next reboot on'
  const path = facts.managementPath ? `, port ${facts.managementPath.serverPort} among them` : ''
  return [
    `${names} ${services.length > 1 ? 'stop' : 'stops'}: ${when} nothing filters what comes in, every port that listens is open to anybody${path}`,
    ...services.flatMap(({ name }) => {
      const leaves = FIREWALLS[name]?.leaves
      return leaves && now ? [`${name} leaves, when it stops, ${leaves}`] : []
    }),
  ]
}
