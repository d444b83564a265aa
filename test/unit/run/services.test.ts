import { createServer, type Server } from 'node:net'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { Host } from '../../../src/inventory/host.ts'
import { loadInventory } from '../../../src/inventory/index.ts'
import type { Task } from '../../../src/plan/plan.ts'
import { askServices, judgeServices } from '../../../src/run/services.ts'
import { defineStrategy } from '../../../src/strategy/strategy.ts'

const [web] = loadInventory(['web-1,'], { password: null, become: null }).hosts
if (!web) throw new Error('no host')
const here: Host = { ...web, address: '127.0.0.1' }

const strategy = defineStrategy({
  name: 'serves',
  summary: '',
  relief: 'at-once',
  options: z.object({ tcp: z.array(z.number()) }),
  plan: () => ({ changes: [], warnings: [], blockers: [], settled: {} }),
  servicesOf: ({ tcp }) => tcp,
})
const serving = (...tcp: readonly number[]): Task => ({ steps: [{ strategy, options: { tcp } }], force: false })

async function listen(server: Server, port = 0): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<void>()
  server.listen(port, '127.0.0.1', resolve)
  await promise
  const address = server.address()
  return typeof address === 'object' && address ? address.port : expect.unreachable()
}

async function close(server: Server): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  server.close(() => resolve())
  await promise
}

describe('services', () => {
  it('are asked for from here only, and only where a strategy names them', async () => {
    expect(await askServices({ ...here, connection: 'local' }, serving(80))).toBeNull()
    expect(await askServices(here, serving())).toBeNull()
    expect(await judgeServices(here, null)).toEqual([])
  })

  it('answer as before, or do no more', async () => {
    const [first, second] = [createServer(), createServer()]
    const ports = [await listen(first), await listen(second)]
    const [port = 0, gone = 0] = ports
    const silent = createServer()
    const closed = await listen(silent)
    await close(silent)
    const before = await askServices(here, serving(port, gone, closed, port))
    expect(before).toEqual({ asked: [port, gone, closed], answered: ports })
    const pass = { name: 'service-answers', status: 'pass', detail: `tcp ${port}, ${gone} answer as before` }
    expect(await judgeServices(here, before)).toEqual([pass])
    await close(second)
    const fail = { name: 'service-answers', status: 'fail', detail: `tcp ${gone} answers no more from here` }
    expect(await judgeServices(here, before)).toEqual([fail])
    await close(first)
  })

  it('that were silent before say nothing', async () => {
    const server = createServer()
    const port = await listen(server)
    await close(server)
    const before = await askServices(here, serving(port))
    expect(await judgeServices(here, before)).toEqual([
      {
        name: 'service-answers',
        status: 'unknown',
        detail: `no port answered from here before either (tcp ${port})`,
      },
    ])
  })

  it('are asked at most eight', async () => {
    const before = await askServices(here, serving(1, 2, 3, 4, 5, 6, 7, 8, 9))
    expect(before?.asked).toHaveLength(8)
  })
})
