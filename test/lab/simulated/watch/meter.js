/** Loaded into the product by --import: notes once a second what it has used, as lines of JSON in the file that is named. */
import { appendFileSync } from 'node:fs'

const file = process.env.CTFIX_METER
if (file) {
  setInterval(() => {
    const { user, system } = process.cpuUsage()
    const seen = {
      ms: performance.now(),
      cpuMs: (user + system) / 1000,
      residentMb: process.memoryUsage.rss() / 1048576,
    }
    appendFileSync(file, `${JSON.stringify(seen)}\n`)
  }, 1000).unref()
}
