/** Knocking at the SSH servers of a lab. */

import { createConnection } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** A port may be open before anybody answers in it (docker's proxy): only the banner counts. */
export async function waitForBanner(host: string, port: number): Promise<void> {
  const deadline = Date.now() + 20_000
  for (;;) {
    const banner = await new Promise<boolean>(resolve => {
      const socket = createConnection({ host, port, timeout: 2_000 })
      const end = (found: boolean) => () => {
        socket.destroy()
        resolve(found)
      }
      socket.once('data', end(true)).once('error', end(false)).once('close', end(false)).once('timeout', end(false))
    })
    if (banner) return
    if (Date.now() > deadline) throw new Error(`no SSH banner from ${host}:${port}`)
    await sleep(50)
  }
}
