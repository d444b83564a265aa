/** What goes wrong on a host while it is being changed: file systems that refuse, connections that end. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, vi } from 'vitest'
import { type ContainerLab, startContainers } from './container.ts'
import { hostOf } from './contract.ts'
import { digestOf } from './digest.ts'
import { productFor } from './product.ts'
import { labSuite } from './suite.ts'

const RAISE = ['--strategy', 'raise', '--yes', '--window']
const MAX = '/proc/sys/net/ipv4/netfilter/ip_conntrack_max'
const LEFT_OVERS = 'find /etc /var/lib -name "*.ctfix-new" 2>/dev/null; ls /var/lib/ctfix 2>/dev/null'

async function maxOf(lab: ContainerLab, host: string): Promise<string> {
  return (await lab.inspect(host, `cat ${MAX}`)).stdout.trim()
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 30_000; !(await isSo()); await sleep(50)) {
    if (Date.now() > deadline) throw new Error(`waited in vain: ${what}`)
  }
}

/** A fault that heals at the end of its test, however that ends. */
async function broken(lab: ContainerLab, directory: string, fault: 'read-only' | 'full'): Promise<AsyncDisposable> {
  await lab.breakDirectory('centos5', directory, fault)
  return { [Symbol.asyncDispose]: () => lab.healDirectory('centos5', directory) }
}

/** Until an apply has changed the limit and watches the counters over its new connection. A probe outlives its session. */
async function inWindow(lab: ContainerLab, host: string, seconds: number): Promise<void> {
  await until('the window', async () =>
    (await lab.inspect(host, 'ps -C sleep -o args=')).stdout.includes(`sleep ${seconds}`),
  )
}

labSuite(
  'faults on centos5',
  () => startContainers(['centos5', { kind: 'centos5', name: 'other' }]),
  ({ it }) => {
    it('/etc is read-only: blocked, and nothing is touched', async lab => {
      using product = productFor(lab, [hostOf(lab, 'centos5')])
      await using _fault = await broken(lab, '/etc', 'read-only')
      const before = await digestOf(lab, 'centos5')
      const { document, result } = await product.json(['apply', ...RAISE, '2s'])
      expect(document.hosts[0]).toMatchObject({ status: 'blocked', blockers: [{ code: 'etc-read-only' }] })
      expect(result.exitCode).toBe(9)
      expect(await digestOf(lab, 'centos5')).toEqual(before)
      expect((await lab.inspect('centos5', LEFT_OVERS)).stdout).toBe('')
    })

    it('no byte is left under /etc: the live change is taken back, and no half file stays', async lab => {
      using product = productFor(lab, [hostOf(lab, 'centos5')])
      await using _fault = await broken(lab, '/etc', 'full')
      const before = await digestOf(lab, 'centos5')
      const { document, result } = await product.json(['apply', ...RAISE, '1s'])
      expect(document.hosts[0], JSON.stringify(document.hosts[0])).toMatchObject({
        status: 'rolled-back',
        error: { message: expect.stringContaining('cannot write beside /etc/sysctl.conf') },
      })
      expect(result.exitCode).toBe(4)
      expect(await digestOf(lab, 'centos5')).toEqual(before)
      expect((await lab.inspect('centos5', 'find / -xdev -name "*.ctfix-new"')).stdout).toBe('')
    })

    it('no byte is left under /var/lib: without a place for the undo nothing is changed; other hosts go on', async lab => {
      using product = productFor(lab)
      await using _fault = await broken(lab, '/var/lib', 'full')
      const before = await digestOf(lab, 'centos5')
      const runs = 'ls /var/lib/ctfix'
      const runsBefore = (await lab.inspect('centos5', runs)).stdout
      const { document, result } = await product.json(['apply', ...RAISE, '1s'])
      expect(document.hosts.map(({ name, status }) => [name, status])).toEqual([
        ['centos5', 'failed'],
        ['other', 'changed'],
      ])
      expect(document.hosts[0]?.error?.message).toMatch(/nothing was changed: .*no space left/)
      expect(result.exitCode).toBe(1)
      expect(await digestOf(lab, 'centos5')).toEqual(before)
      expect((await lab.inspect('centos5', runs)).stdout).toBe(runsBefore)
    })

    it('every session is cut while the proof runs: over a new connection it is taken back', async lab => {
      using product = productFor(lab, [hostOf(lab, 'centos5')])
      const before = await digestOf(lab, 'centos5')
      const running = product.json(['apply', ...RAISE, '20s'])
      await inWindow(lab, 'centos5', 20)
      await lab.sever('centos5')
      const { document, result } = await running
      expect(document.hosts[0], JSON.stringify(document.hosts[0])).toMatchObject({
        status: 'rolled-back',
        error: { message: expect.stringContaining('connection was lost') },
      })
      expect(result.exitCode).toBe(4)
      expect(await digestOf(lab, 'centos5')).toEqual(before)
    })

    it('every session is cut and nobody is let in again: unknown, and the host takes itself back', async lab => {
      using product = productFor(lab, [hostOf(lab, 'centos5')])
      const before = await digestOf(lab, 'centos5')
      const was = await maxOf(lab, 'centos5')
      const running = product.json(['apply', ...RAISE, '21s', '--revert-in', '30s'])
      await inWindow(lab, 'centos5', 21)
      await lab.inspect('centos5', 'mv /lab/authorized_keys /lab/kept')
      await lab.sever('centos5')
      const { document, result } = await running
      await lab.inspect('centos5', 'mv /lab/kept /lab/authorized_keys')
      const [host] = document.hosts
      expect(host?.status, JSON.stringify(host)).toBe('unknown')
      expect(result.exitCode).toBe(5)
      expect(host?.error?.message).toMatch(/its guard takes it back by itself .*login denied/)
      const [ask = ''] = /sh \/var\/lib\/ctfix\/\S+\/guard\.sh status \S+/.exec(host?.error?.hint ?? '') ?? []
      expect((await lab.inspect('centos5', ask)).stdout).toMatch(/^state armed$/m)
      expect(await maxOf(lab, 'centos5')).not.toBe(was)
      await vi.waitUntil(async () => (await maxOf(lab, 'centos5')) === was, { timeout: 35_000, interval: 500 })
      await vi.waitUntil(async () => /^state reverted$/m.test((await lab.inspect('centos5', ask)).stdout), 10_000)
      expect(await digestOf(lab, 'centos5')).toEqual(before)
    })

    it('whole again, the host takes the change, and both steps at once', async lab => {
      using product = productFor(lab, [hostOf(lab, 'centos5')])
      const args = ['--strategy', 'raise,timeouts', '--window', '1s']
      const { document } = await product.json(['apply', ...args, '--yes'])
      expect(document.hosts[0]?.status, JSON.stringify(document.hosts[0])).toBe('changed')
      const verify = await product.json(['verify', ...args])
      expect(verify.result.exitCode, JSON.stringify(verify.document.hosts[0])).toBe(0)
    })
  },
)
