/** Where tries go: to the host itself or to what stands before it, and never to the port that we log in by. */
import type { Host } from '../../inventory/host.ts'
import { inNumbers, type Reach } from '../../transport/reach.ts'
import type { Place } from './outside.ts'
import type { Target } from './target.ts'

/** In numbers, or why there can be no try. */
export async function placeOf(host: Host, target: Target, reach: (host: Host) => Promise<Reach>): Promise<Place> {
  const own = await reach(host)
  if (target.address === null && 'why' in own) return { why: `not probed: ${own.why}` }
  // What ssh_config says of the host holds for its own address alone.
  const home = async () => ('why' in own ? own : inNumbers(own.address, own.family))
  const place = await (target.address === null ? home() : inNumbers(target.address))
  if ('why' in place || 'why' in own || target.kind !== 'tcp' || target.port !== own.port) return place
  // Who connects there often and does not log in is shut out, by sshd itself or by what reads its log: and so are we.
  const ours = await home()
  const isOurs = 'address' in ours && ours.address === place.address
  return isOurs ? { why: 'not probed: its SSH port, which we need' } : place
}
