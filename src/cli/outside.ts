/** What --probe comes to: how this machine measures, made ready and tried before any host is touched. */
import type { Host } from '../inventory/host.ts'
import { createLasting, type Lasting } from '../run/outside/lasting.ts'
import { createOutside, type OutsideTools } from '../run/outside/outside.ts'
import { checkPing, tryPing } from '../run/outside/ping.ts'
import { placeOf } from '../run/outside/place.ts'
import { checkTargets, type Target } from '../run/outside/target.ts'
import { tryTcp } from '../run/outside/tcp.ts'
import type { Tools } from '../run/tools.ts'
import { createReach } from '../transport/reach.ts'
import type { SharedOptions } from './options.ts'
import type { ProbeOptions } from './probe-option.ts'

type Options = ProbeOptions & Pick<SharedOptions, 'jump' | 'sshConfig'>

/** For the tools of a run; empty where nothing is to be measured. Rejects with UsageError. */
export async function outsideOf(options: Options): Promise<Pick<Tools, 'outside'>> {
  const { probe = [] } = options
  return probe.length === 0 ? {} : { outside: createOutside(probe, await toolsOf(options)) }
}

/** For a watch, which with `once` is over in a moment; null where nothing is to be measured. Rejects with UsageError. */
export async function lastingOf(
  options: Options & { readonly once?: boolean },
): Promise<((host: Host) => Lasting) | null> {
  const { probe = [], once = false } = options
  return probe.length === 0 ? null : createLasting(probe, { ...(await toolsOf(options)), calm: !once })
}

async function toolsOf({ probe = [], jump, sshConfig }: Options): Promise<OutsideTools> {
  checkTargets(probe)
  if (probe.some(({ kind }) => kind === 'ping')) await checkPing()
  const reach = createReach({ jump, configFile: sshConfig })
  const attempt = (target: Target, address: string): ReturnType<typeof tryTcp> =>
    target.kind === 'ping' ? tryPing(address) : tryTcp(address, target.port)
  return { placeOf: (host, target) => placeOf(host, target, reach), attempt }
}
