/** What the kernel at hand calls things. Chosen by the family the probe found, never by a version. */
import type { Family } from '../facts/facts.ts'

/**
 * Sysctl of the limit. `net.nf_conntrack_max` is the same variable, but it is missing in other namespaces and
 * firewalld's module hook does not re-apply it, so the longer spelling is the one to write and keep.
 */
export function maxSysctl(family: Family): string {
  return family === 'nf_conntrack' ? 'net.netfilter.nf_conntrack_max' : 'net.ipv4.netfilter.ip_conntrack_max'
}

/** Sysctl of the hash size; writable on newer kernels only, so it is used where there is no module to give options to. */
export function bucketsSysctl(family: Family): string {
  return family === 'nf_conntrack' ? 'net.netfilter.nf_conntrack_buckets' : 'net.ipv4.netfilter.ip_conntrack_buckets'
}

/** The module parameter behind the hash size: writable at runtime on every kernel since 2.6.18. */
export function hashsizePath(family: Family): string {
  return `/sys/module/${family}/parameters/hashsize`
}

/** Sysctl of a timeout by its short name: `tcp_established`, `udp`, `udp_stream`, `icmp`, `generic`. */
export function timeoutSysctl(family: Family, name: string): string {
  const prefix = family === 'nf_conntrack' ? 'net.netfilter.nf_conntrack' : 'net.ipv4.netfilter.ip_conntrack'
  const ofState = /^(tcp|sctp|dccp)_(.+)$/.exec(name) ?? /^(udp|gre)_(stream)$/.exec(name)
  return ofState ? `${prefix}_${ofState[1]}_timeout_${ofState[2]}` : `${prefix}_${name}_timeout`
}
