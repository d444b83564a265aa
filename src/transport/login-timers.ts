/** How long a login may take, step by step. */
import { ConnectError } from '../errors.ts'
import type { Host } from '../inventory/host.ts'
import type { Limits } from './attempt.ts'
import { cannotConnect } from './failure.ts'

interface TimerOptions {
  readonly limits: Limits
  readonly signal: AbortSignal
  readonly hasSpoken: () => boolean
  readonly reject: (error: ConnectError) => void
}

export interface Timers {
  /** Takes them away again. */
  stop(): void
  /** Work of ours that the server waits for: the login's deadline stands still meanwhile. */
  during<T>(work: Promise<T>): Promise<T>
}

/** One deadline for the server's first byte, one for the whole login. */
export function startTimers(host: Host, { limits, signal, hasSpoken, reject }: TimerOptions): Timers {
  const { bannerMs, loginMs, totalMs } = limits
  const late = (what: string): void => reject(cannotConnect(host, 'timeout', what))
  const banner = setTimeout(
    () => {
      if (!hasSpoken()) late('the connection stands, but the SSH server does not speak')
    },
    Math.min(bannerMs, totalMs),
  )
  let leftMs = Math.min(bannerMs + loginMs, totalMs)
  let since = performance.now()
  const goOn = (): NodeJS.Timeout => setTimeout(() => late('the SSH server speaks, but the login does not end'), leftMs)
  let login = goOn()
  let isOver = false
  const onAbort = (): void => reject(new ConnectError(host.name, 'aborted', `${host.name}: stopped while connecting`))
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  return {
    stop: () => {
      isOver = true
      clearTimeout(banner)
      clearTimeout(login)
      signal.removeEventListener('abort', onAbort)
    },
    during: async work => {
      clearTimeout(login)
      leftMs -= performance.now() - since
      try {
        return await work
      } finally {
        since = performance.now()
        if (!isOver) login = goOn()
      }
    },
  }
}
