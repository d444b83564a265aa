/** A watch over real sshds and a real kernel: the numbers are its own, and nothing stays behind on a host. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, vi } from 'vitest'
import type { Lab } from './lab.ts'
import { startNamespaceHosts } from './namespace.ts'
import { PROGRAM, productFor } from './product.ts'
import { labSuite } from './suite.ts'

const HOSTS = 3

async function on(lab: Lab, script: string): Promise<string[]> {
  return Promise.all(lab.hosts().map(async ({ name }) => (await lab.inspect(name, script)).stdout.trim()))
}

/** Programs of ours on each host. */
const OURS = `cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' | grep -coE -- '/bin/sh -s -- [0-9a-f]{16} [0-9.]+'`
const NOBODY = Array.from({ length: HOSTS }, () => '0')

labSuite(
  'a watch over namespace hosts',
  () => startNamespaceHosts(HOSTS),
  ({ it }) => {
    for (const transport of ['ssh2', 'openssh']) {
      it(`--once by ${transport}: what the kernel says, and nothing loaded or left behind`, async lab => {
        using product = productFor(lab)
        const before = await on(
          lab,
          'cat /proc/modules /proc/net/ip_tables_names /proc/net/ip6_tables_names 2>/dev/null',
        )
        const words = ['watch', '--once', '--interval', '1s', '--output', 'json', '--transport', transport]
        const { stdout, stderr, exitCode } = await product.run(words)
        expect(exitCode, stderr).toBe(0)
        const { hosts } = JSON.parse(stdout)
        const limits = await on(lab, 'cat /proc/sys/net/netfilter/nf_conntrack_max')
        expect(hosts.map(({ max }: { max: number }) => String(max))).toEqual(limits)
        for (const host of hosts) {
          expect(host).toMatchObject({ link: 'live', family: 'nf_conntrack', drops: expect.any(Number) })
          expect(host.entries_per_second).not.toBeNull()
        }
        expect(await on(lab, OURS)).toEqual(NOBODY)
        expect(
          await on(lab, 'cat /proc/modules /proc/net/ip_tables_names /proc/net/ip6_tables_names 2>/dev/null'),
        ).toEqual(before)
      })
    }

    it('one program on each host while it goes on, and none when the controller is killed', async lab => {
      using product = productFor(lab)
      const fixed = ['-i', product.inventory, '--known-hosts', join(product.directory, 'known_hosts')]
      const words = [PROGRAM, 'watch', ...fixed, '--interval', '1s', '--output', 'ndjson']
      const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] })
      const ended = once(child, 'close')
      let said = ''
      child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text))
      const readings = (): number => said.match(/"type":"reading"/g)?.length ?? 0
      await vi.waitFor(() => expect(readings()).toBeGreaterThanOrEqual(3 * HOSTS), { timeout: 60_000, interval: 100 })
      const during = await on(lab, OURS)
      for (const count of during) expect(Number(count)).toBeGreaterThanOrEqual(1)
      child.kill('SIGKILL')
      await ended
      await vi.waitFor(async () => expect(await on(lab, OURS)).toEqual(NOBODY), { timeout: 20_000, interval: 200 })
    }, 120_000)

    it('a host whose sessions are cut is lost, and comes back', async lab => {
      using product = productFor(lab)
      const fixed = ['-i', product.inventory, '--known-hosts', join(product.directory, 'known_hosts')]
      const words = [PROGRAM, 'watch', ...fixed, '--interval', '1s', '--output', 'ndjson']
      const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] })
      const ended = once(child, 'close')
      const events: { type: string; host: string; link?: string }[] = []
      let rest = ''
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        const lines = (rest + text).split('\n')
        rest = lines.pop() ?? ''
        for (const line of lines) events.push(JSON.parse(line))
      })
      const of = (name: string): string[] =>
        events.filter(({ host }) => host === name).map(({ type, link }) => link ?? type)
      const [cut, other] = lab.hosts().map(({ name }) => name)
      if (cut === undefined || other === undefined) throw new Error('no hosts')
      await vi.waitFor(() => expect(of(cut)).toContain('reading'), { timeout: 60_000, interval: 100 })
      await lab.sever(cut)
      await vi.waitFor(
        () => {
          const after = of(cut)
          expect(after.slice(after.indexOf('lost') + 1)).toContain('reading')
        },
        { timeout: 60_000, interval: 100 },
      )
      child.kill('SIGTERM')
      expect((await ended)[0]).toBe(130)
      expect(of(cut)).toContain('lost')
      expect(of(other)).not.toContain('lost')
      await vi.waitFor(async () => expect(await on(lab, OURS)).toEqual(NOBODY), { timeout: 20_000, interval: 200 })
    }, 150_000)
  },
)
