/** How long looking at a host may take once it is reached. Getting there has its own limit, and so has a change: its guard. */
import { ConnectError } from '../errors.ts'
import type { Host } from '../inventory/host.ts'
import { formatDuration } from '../lang/duration.ts'
import type { Tools } from './tools.ts'

/** The same as `work`, or ConnectError `timeout` as soon as the time of the host is over; nobody waits for `work` then. */
export async function inTime<T>({ name }: Host, { hostTimeoutSeconds: seconds }: Tools, work: Promise<T>): Promise<T> {
  if (seconds === undefined) return work
  const { promise: end, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    const hint = 'nothing was changed there; --host-timeout is how long a host may take'
    reject(new ConnectError(name, 'timeout', `${name}: not looked at within ${formatDuration(seconds)}`, { hint }))
  }, seconds * 1000)
  try {
    return await Promise.race([end, work])
  } finally {
    clearTimeout(timer)
  }
}
