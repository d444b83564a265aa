/** The lab itself: what it promises to the tests that use it. */
import { expect, test } from 'vitest'
import { assemble } from '../../src/transport/connect.ts'
import { createSsh2Connect } from '../../src/transport/ssh2.ts'
import { sinceMs } from '../support/work.ts'
import { fromLab, knownHostsOf, never } from '../unit/transport/hosts.ts'
import { createSandbox } from './simulated/sandbox.ts'
import { type SimulatedLab, startSimulated } from './simulated.ts'

async function connectTo(lab: SimulatedLab) {
  const [first] = lab.hosts()
  if (!first) throw new Error('no host')
  const ssh = createSsh2Connect({ knownHosts: await knownHostsOf(lab.hosts()), policy: 'strict' })
  return assemble(ssh)(fromLab(first), never)
}

test('a command that nobody scripted fails the test', async () => {
  const lab = await startSimulated(1)
  {
    await using connection = await connectTo(lab)
    const { exitCode, stderr } = await connection.exec('/bin/sh -s -- x')
    expect(exitCode).toBe(254)
    expect(stderr).toContain('nobody scripted: /bin/sh -s -- x')
  }
  await expect(lab[Symbol.asyncDispose]()).rejects.toThrow('1 commands that nobody scripted:\nsim-1: /bin/sh -s -- x')
})

test.runIf(process.getuid?.() === 0)('real scripts against a made-up host', async () => {
  const max = '/proc/sys/net/netfilter/nf_conntrack_max'
  using sandbox = createSandbox({
    files: { [max]: '65536\n', '/etc/issue': { content: 'x', mode: 0o600, owner: '7:8' } },
    tools: { uname: 'echo 2.6.18-simulated' },
  })
  await using lab = await startSimulated(1, {
    user: 'ops',
    answer: sandbox.answer,
    inspect: (_host, script) => sandbox.inspect(script),
  })
  await using connection = await connectTo(lab)
  const script = `uname -r; cat ${max}; echo 9 >${max}; stat -c '%a %u:%g' /etc/issue; echo "$1"; ls /home; exit 3`
  const result = await connection.exec('/bin/sh -s -- "$SSH_CONNECTION"', { stdin: script })
  expect(result.stdout).toMatch(/^2\.6\.18-simulated\n65536\n600 7:8\n127\.0\.0\.1 \d+ 127\.0\.0\.1 22\n$/)
  expect(result.stderr).toMatch(/home/)
  expect(result.exitCode).toBe(3)
  expect((await lab.inspect('sim-1', `cat ${max}`)).stdout).toBe('9\n')
})

test('2,000 hosts cost next to nothing until somebody connects', async () => {
  const start = process.cpuUsage()
  const before = process.memoryUsage().rss
  await using lab = await startSimulated(2000, { answer: () => ({ exitCode: 0 }) })
  expect(lab.hosts()).toHaveLength(2000)
  expect(sinceMs(start)).toBeLessThan(3_000)
  expect(process.memoryUsage().rss - before).toBeLessThan(100 * 1024 * 1024)
  await using connection = await connectTo(lab)
  expect((await connection.exec('true')).exitCode).toBe(0)
})
