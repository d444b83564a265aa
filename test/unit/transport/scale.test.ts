/** Many hosts in one process: nothing is left behind, and nothing goes to the wrong host. */
import { expect, test } from 'vitest'
import { assemble } from '../../../src/transport/connect.ts'
import { createSsh2Connect } from '../../../src/transport/ssh2.ts'
import { startSimulated } from '../../lab/simulated.ts'
import { fromLab, knownHostsOf, never } from './hosts.ts'

test('200 hosts at once, one of them hung and one throttled', { timeout: 60_000 }, async () => {
  const sockets = () =>
    process.getActiveResourcesInfo().filter(name => /^TCPSocketWrap|^TCPServerWrap/.test(name)).length
  const before = sockets()
  {
    await using lab = await startSimulated(200, { answer: ({ host }) => ({ stdout: host, exitCode: 0 }) })
    await lab.host('sim-7').failConnect('hang')
    await lab.host('sim-9').failConnect('close', 2)
    const ssh = createSsh2Connect({ knownHosts: await knownHostsOf(lab.hosts()), policy: 'strict' })
    const connect = assemble(ssh, { random: () => 0.01 })
    const said = await Promise.all(
      lab.hosts().map(async described => {
        const host = fromLab(described, described.name === 'sim-7' ? { connectTimeoutMs: 700 } : {})
        try {
          await using connection = await connect(host, never)
          return (await connection.exec('/bin/sh -s', { stdin: 'x' })).stdout === host.name
        } catch (error) {
          return String(error)
        }
      }),
    )
    expect(said.filter(result => result === true)).toHaveLength(199)
    expect(said[6]).toContain('sim-7: cannot connect')
    expect(lab.host('sim-9').counts).toMatchObject({ connections: 3, handshakes: 1, execs: 1 })
    expect(lab.totals()).toMatchObject({ handshakes: 199, execs: 199 })
    await expect.poll(() => lab.openConnections()).toBe(0)
  }
  await expect.poll(sockets).toBeLessThanOrEqual(before)
})
