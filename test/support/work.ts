/** How long a piece of work takes, whatever else the machine has to do at the time. */

/** Milliseconds of processor that this process takes for it: what waits for its turn meanwhile costs nothing. */
export function workMs(work: () => void): number {
  const start = process.cpuUsage()
  work()
  return sinceMs(start)
}

/** The same for work that waits in between. */
export async function workMsOf(work: () => Promise<unknown>): Promise<number> {
  const start = process.cpuUsage()
  await work()
  return sinceMs(start)
}

/** The same since a moment that was kept. */
export function sinceMs(start: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(start)
  return (user + system) / 1000
}
