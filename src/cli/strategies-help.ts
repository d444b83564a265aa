/** Help text on strategies and exit codes. */

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
]

/** What follows the list of commands. */
export function strategiesHelp(): string {
  const lines = STRATEGIES.map(({ name, summary, options }) => `  ${name.padEnd(10)} ${summary}\n${rows(options)}`)
  return `
Strategies (--strategy NAME --set key=value):
${lines.join('\n')}

Exit codes: 0 as wanted, 1 failed and unchanged, 2 changes pending (--detailed-exitcode), 3 unreachable, 4 rolled back,
  5 a person is needed, 6 stopped early, 7 stale, 8 locked, 9 blocked, 64 usage, 65 unreadable input, 66 no such host, 130 interrupted
`
}

function rows(names: readonly string[]): string {
  const lines: string[] = []
  for (const name of names) {
    const last = lines.at(-1)
    if (last === undefined || last.length + name.length > 90) lines.push(name)
    else lines[lines.length - 1] = `${last}, ${name}`
  }
  return `             options: ${lines.join(',\n                      ')}`
}
