/**
 * The hosts of the bench: namespace hosts that own their limits. A namespace cannot own the kernel's, so each has files
 * of its own in their places: written and read as the real ones are, by everybody who takes part.
 */
import type { Lab } from '../../test/lab/lab.ts'
import { startNamespaceHosts } from '../../test/lab/namespace.ts'
import { type Product, productFor } from '../../test/lab/product.ts'

const BEFORE = {
  nf_conntrack_max: 65536,
  nf_conntrack_buckets: 16384,
  nf_conntrack_tcp_timeout_established: 432000,
  nf_conntrack_tcp_timeout_time_wait: 120,
  nf_conntrack_tcp_timeout_close_wait: 60,
  nf_conntrack_tcp_timeout_fin_wait: 120,
} as const

const RESET = [
  'rm -rf /var/lib/ctfix /etc/sysctl.d/99-zz-ctfix.conf /etc/sysctl.d/99-conntrack.conf',
  ...Object.entries(BEFORE).map(([name, value]) => `echo ${value} >/proc/sys/net/netfilter/${name}`),
].join('\n')

const OWN = `
set -e
own=/run/lab/net
mkdir -p $own/netfilter $own/ipv4 $own/ipv6/conf/all
cd /proc/sys/net
for file in netfilter/nf_conntrack_* ipv4/ip_forward ipv4/ip_local_port_range ipv6/conf/all/forwarding; do
  cat "$file" >"$own/$file"
done
ln -s netfilter/nf_conntrack_max $own/nf_conntrack_max
cd /
mount --bind $own /proc/sys/net
mount --bind $own/netfilter/nf_conntrack_buckets /sys/module/nf_conntrack/parameters/hashsize
`

export interface Fleet extends AsyncDisposable {
  readonly lab: Lab
  readonly product: Product
  /** Every host as it was at first. */
  reset(): Promise<void>
}

/** Starts that many of them. */
export async function startFleet(count: number): Promise<Fleet> {
  const lab = await startNamespaceHosts(count)
  const everywhere = async (script: string): Promise<void> => {
    for (const { name } of lab.hosts()) {
      const { exitCode, stderr } = await lab.inspect(name, script)
      if (exitCode !== 0) throw new Error(`${name} could not be prepared: ${stderr}`)
    }
  }
  const reset = (): Promise<void> => everywhere(RESET)
  try {
    await everywhere(OWN)
    await reset()
  } catch (error) {
    await lab[Symbol.asyncDispose]()
    throw error
  }
  const product = productFor(lab)
  return {
    lab,
    product,
    reset,
    async [Symbol.asyncDispose]() {
      product[Symbol.dispose]()
      await lab[Symbol.asyncDispose]()
    },
  }
}
