/** watch --probe over three made-up hosts: of the same service one answers, one refuses, and one loses nearly all. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { Lately } from '../../src/run/outside/probed.ts'
import { watchSchema } from '../../src/view/watch-schema.ts'
import type { LabHost } from './lab.ts'
import { productFor } from './product.ts'
import { lifeOf, playing } from './simulated/watch/tables.ts'
import { type SimulatedLab, startSimulated } from './simulated.ts'
import { labSuite } from './suite.ts'

async function listening(server: Server, address: string): Promise<number> {
  server.listen(0, address)
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** The way to a door at 127.0.0.1, from another address: there a host has ports of its own. */
async function wayTo(door: number, address: string): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer(socket => {
    const inner = connect({ host: '127.0.0.1', port: door })
    for (const end of [socket, inner]) end.on('error', () => [socket, inner].forEach(one => void one.destroy()))
    socket.pipe(inner).pipe(socket)
  })
  return { server, port: await listening(server, address) }
}

function moved({ name, vars, knownHosts }: LabHost, address: string, port: number): LabHost {
  return {
    name,
    vars: { ...vars, ansible_host: address, ansible_port: port },
    knownHosts: knownHosts.replaceAll(/\[127\.0\.0\.1\]:\d+/g, `[${address}]:${port}`),
  }
}

/** Nobody takes what is connected there: when two wait, the kernel drops every further SYN. */
async function startDeaf(address: string, port: number): Promise<ChildProcess> {
  const code = `require('net').createServer().listen(${port},'${address}',1,()=>console.log('up'))`
  const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout ?? expect.unreachable(), 'data')
  child.kill('SIGSTOP')
  return child
}

async function startThree(): Promise<SimulatedLab> {
  const lab = await startSimulated(3)
  for (const [n, { name }] of lab.hosts().entries()) lab.host(name).live = playing(lifeOf(n))
  return lab
}

labSuite('a watch with --probe', startThree, ({ it }) => {
  it('tells who loses and who refuses from who answers: in JSON, in metrics, in the table', async lab => {
    const [first, second, third] = lab.hosts()
    if (!first || !second || !third) return expect.unreachable()
    const doorOf = ({ vars }: LabHost): number => Number(vars.ansible_port)
    await using service = createServer(socket => socket.on('error', () => {}).resume())
    const port = await listening(service, '127.0.0.1')
    const [two, three] = [await wayTo(doorOf(second), '127.0.0.2'), await wayTo(doorOf(third), '127.0.0.3')]
    await using _two = two.server
    await using _three = three.server
    const deaf = await startDeaf('127.0.0.3', port)
    using _deaf = { [Symbol.dispose]: () => void deaf.kill('SIGKILL') }
    const hosts = [first, moved(second, '127.0.0.2', two.port), moved(third, '127.0.0.3', three.port)]
    using product = productFor(lab, hosts)
    const file = join(product.directory, 'ctfix.prom')
    const words = ['watch', '--once', '--interval', '2s', '--probe', `tcp:${port}`, '--sort', 'loss']

    const json = await product.run([...words, '--metrics', file, '--output', 'json'])
    expect(json.exitCode, json.stderr).toBe(0)
    const document = JSON.parse(json.stdout)
    expect(watchSchema.safeParse(document).error).toBeUndefined()
    const [well, refusing, losing] = document.hosts.map(({ probes: [one] }: { probes: Lately[] }) => one) as Lately[]
    expect(well).toMatchObject({ target: `tcp:${port}`, address: '127.0.0.1', window: { lost: 0, refused: 0 } })
    expect(well?.window?.sent).toBeGreaterThanOrEqual(3)
    expect(refusing?.window?.refused).toBe(refusing?.window?.sent)
    expect(refusing).toMatchObject({ address: '127.0.0.2', window: { lost: 0 } })
    expect(losing?.window?.lost).toBeGreaterThanOrEqual(2)
    expect(losing?.total).toMatchObject({ sent: losing?.window?.sent, lost: losing?.window?.lost })
    const metrics = readFileSync(file, 'utf8')
    expect(metrics).toContain(`ctfix_probe_lost_total{host="sim-3",target="tcp:${port}"} ${losing?.total?.lost}\n`)
    expect(metrics).toContain(`ctfix_probe_lost_total{host="sim-1",target="tcp:${port}"} 0\n`)

    const table = await product.run([...words, '--probe', `tcp:${port}@no-such-host.invalid`])
    const rows = table.stdout.split('\n')
    expect(rows[0]).toMatch(/ loss +ms mid\/max /)
    expect(rows.find(row => row.startsWith('sim-1'))).toMatch(/ 0% +[\d.]+\/[\d.]+ /)
    expect(rows.find(row => row.startsWith('sim-2'))).toMatch(/ refused +[\d.]+\/[\d.]+ /)
    expect(rows.find(row => row.startsWith('sim-3'))).toMatch(/ [1-9]\d+% /)
    // Nobody gets in at either; who answers is last.
    expect(rows[3]).toMatch(/^sim-1 /)

    const nowhere = await product.run([...words.slice(0, 4), '--probe', 'tcp:443@no-such-host.invalid'])
    expect(nowhere.exitCode, nowhere.stderr).toBe(0)
    expect(nowhere.stdout.split('\n').filter(row => / — /.test(row) && !/\d%/.test(row))).toHaveLength(3)

    const unasked = await product.run(['watch', '--once', '--sort', 'loss'])
    expect(unasked.exitCode).toBe(64)
    expect(unasked.stderr).toContain('--probe tcp:443')
  }, 90_000)
})
