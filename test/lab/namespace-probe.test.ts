/** Loss that is real, seen from the machine in front of it: SYNs and echoes that a rule throws away, as a full table would. */
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { Probed } from '../../src/run/outside/probed.ts'
import { runSchema } from '../../src/view/schema.ts'
import type { Lab } from './lab.ts'
import { startNamespaceHosts } from './namespace.ts'
import { productFor } from './product.ts'
import { labSuite } from './suite.ts'

const NAME = 'ns1'
const PORT = 8080

/** Of new connections and echoes, those beyond one a second are dropped. */
const LOSSY = `nft -f - <<'END'
table inet lossy {
  chain in {
    type filter hook input priority 0;
    tcp dport ${PORT} tcp flags & (syn | ack) == syn limit rate over 1/second burst 1 packets drop
    icmp type echo-request limit rate over 1/second burst 1 packets drop
  }
}
END`

async function run(lab: Lab, script: string): Promise<string> {
  const { exitCode, stdout, stderr } = await lab.inspect(NAME, script)
  expect(exitCode, stderr).toBe(0)
  return stdout
}

interface Seen {
  readonly probes: readonly Probed[]
  readonly checks: Readonly<Record<string, string>>
}

/** verify as a user runs it, with busybox where a machine has no ping. */
async function seen(lab: Lab): Promise<Seen> {
  const directory = mkdtempSync(join(tmpdir(), 'ctfix-path-'))
  using _directory = { [Symbol.dispose]: () => rmSync(directory, { recursive: true }) }
  symlinkSync('/bin/busybox', join(directory, 'ping'))
  using product = productFor(lab)
  const words = ['verify', '--strategy', 'raise', '--window', '8s', '--probe', `tcp:${PORT}`, '--probe', 'ping']
  const env = { PATH: `${directory}:${process.env.PATH}` }
  const { stdout, stderr } = await product.run([...words, '--output', 'json'], { env })
  expect(stdout, stderr).not.toBe('')
  const [host] = runSchema.parse(JSON.parse(stdout)).hosts
  const probes = host?.checks.filter(({ name }) => name.startsWith('probe-')) ?? []
  return {
    probes: host?.probes ?? [],
    checks: Object.fromEntries(probes.map(({ name, status }) => [name, status])),
  }
}

labSuite(
  'loss as seen from outside',
  () => startNamespaceHosts(1),
  ({ it }) => {
    it('is counted while a rule drops packets, and gone with the rule', async lab => {
      await run(lab, `busybox httpd -p ${PORT} -h /var/log`)
      await run(lab, LOSSY)
      const lossy = await seen(lab)
      expect(lossy.checks).toEqual({ [`probe-tcp-${PORT}`]: 'fail', 'probe-ping': 'fail' })
      const [tcp, ping] = lossy.probes.map(({ after }) => after)
      // What is dropped is sent again after a second: it is late, or lost for good.
      expect((tcp?.slow ?? 0) + (tcp?.lost ?? 0)).toBeGreaterThanOrEqual(3)
      expect(tcp?.worst).toBeGreaterThanOrEqual(1000)
      expect(ping?.lost).toBeGreaterThanOrEqual(3)
      expect([tcp?.refused, ping?.slow]).toEqual([0, 0])

      await run(lab, 'nft delete table inet lossy')
      const cured = await seen(lab)
      expect(cured.checks).toEqual({ [`probe-tcp-${PORT}`]: 'pass', 'probe-ping': 'pass' })
      for (const { after, why } of cured.probes)
        expect({ ...after, why }).toMatchObject({ lost: 0, slow: 0, why: null })
    })
  },
)
