/**
 * Loaded into the product by --import: notes what a process says of itself only from within, into the file that the
 * environment names. Its pauses count from its first connection on; before that nobody waits for it.
 */
import { subscribe } from 'node:diagnostics_channel'
import { writeFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'

const cpuMs = () => {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

const file = process.env.CTFIX_BENCH_WATCH
if (file) {
  const delay = monitorEventLoopDelay({ resolution: 5 })
  let longestWorkMs = 0
  let last = null
  subscribe('net.client.socket', () => {
    if (last !== null) return
    last = cpuMs()
    delay.enable()
    // A pause in which somebody else had the core is none of ours.
    setInterval(() => {
      const now = cpuMs()
      longestWorkMs = Math.max(longestWorkMs, now - last)
      last = now
    }, 5).unref()
  })
  process.once('exit', () => {
    const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage()
    if (last !== null) longestWorkMs = Math.max(longestWorkMs, cpuMs() - last)
    const seen = {
      longestWorkMs,
      longestPauseMs: delay.max / 1e6,
      residentMb: maxRSS / 1024,
      cpuMs: (userCPUTime + systemCPUTime) / 1000,
    }
    writeFileSync(file, JSON.stringify(seen))
  })
}
