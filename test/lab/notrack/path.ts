/** A long answer to the far client: it arrives only where the guest hears that its packets are too big for the path. */
import type { GuestShell } from '../vm/traffic.ts'
import { buildNet, type Family, SERVER } from './net.ts'

const MEGABYTES = 10

/** Without a single byte for so long the transfer hangs, however slow the machine is. */
const STALL_SECONDS = 7

/** Seconds it took, or that it hangs: what a path-MTU black hole looks like from outside. */
export type Transfer = number | 'stalled'

/** Fetches a long page from port 80 of the guest, which has to find out anew what the path can take. */
export async function transfer(guest: GuestShell, family: Family): Promise<Transfer> {
  await buildNet(guest)
  const host = family === 4 ? SERVER[4] : `[${SERVER[6]}]`
  const limits = `--speed-limit 1 --speed-time ${STALL_SECONDS} --max-time 90`
  const answer = await guest.script(
    `
file=/srv/www/long
[ -s $file ] || head -c ${MEGABYTES}000000 /dev/zero >$file
ip route flush cache
ip -6 route flush cache
ip tcp_metrics flush >/dev/null
ip netns exec far curl -s -o /dev/null -w '%{time_connect} %{size_download} %{time_total}\\n' ${limits} http://${host}/long || :`,
    120_000,
  )
  const [connected, size, seconds] = answer.trim().split(' ').map(Number)
  if (!connected) throw new Error(`the far client cannot even connect: ${answer}`)
  return size === MEGABYTES * 1e6 ? (seconds ?? 0) : 'stalled'
}
