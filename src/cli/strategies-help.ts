/** The strategies as help and completion name them. */

interface StrategyHelp {
  readonly name: string
  readonly summary: string
  readonly options: readonly string[]
}

/** Said here once more, because schemas take longer to load than help may take; a test holds it against the strategies. */
export const STRATEGIES: readonly StrategyHelp[] = [
  {
    name: 'raise',
    summary: 'a larger table and hash (nf_conntrack_max, hashsize), at once and over a reboot',
    options: ['max', 'buckets', 'headroom', 'lower'],
  },
  {
    name: 'timeouts',
    summary: 'entries leave sooner: shorter TCP, UDP, ICMP and generic timeouts, at once and over a reboot',
    options: [
      ...['syn_sent', 'syn_recv', 'established', 'fin_wait', 'close_wait', 'last_ack', 'time_wait', 'close'],
      ...['max_retrans', 'unacknowledged', 'udp', 'udp_stream', 'icmp', 'icmpv6', 'generic', 'gre', 'gre_stream'],
      ...['sctp_established', 'sctp_closed', 'raise'],
    ],
  },
  {
    name: 'notrack',
    summary: 'flows of given ports no longer take up the table, in both directions, live and over reload and reboot',
    options: ['tcp', 'udp', 'peers', 'addresses', 'local_out', 'all', 'families'],
  },
  {
    name: 'blacklist',
    summary:
      'conntrack leaves the kernel and stays out: modules refused and removed, where no rule or program needs them',
    options: ['when', 'stop_firewall', 'stateless', 'resolvers', 'time_servers', 'passive_ftp'],
  },
  {
    name: 'untrigger',
    summary: 'tracking ends, without unloading anything: the stray rules that ask for it go, live and over a reboot',
    options: ['rules', 'stray', 'entries'],
  },
  {
    name: 'auto',
    summary: 'the strategy that the diagnosis of each host recommends, and why',
    options: [],
  },
]
