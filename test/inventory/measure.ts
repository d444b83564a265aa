/** Reads the inventory named, selects hosts, and prints how many there were and the processor time it took. */
import { hearPrograms, loadInventory, selectHosts } from '../../src/inventory/index.ts'
import { NO_VAULT } from '../../src/inventory/vault.ts'

const [file = '', pattern = 'all'] = process.argv.slice(2)
const start = process.cpuUsage()
const programs = await hearPrograms([file], NO_VAULT, { say: () => {}, signal: new AbortController().signal })
const hosts = selectHosts(loadInventory([file], {}, { programs }), pattern).length
const { user, system } = process.cpuUsage(start)
process.stdout.write(`${JSON.stringify({ hosts, seconds: (user + system) / 1e6 })}\n`)
