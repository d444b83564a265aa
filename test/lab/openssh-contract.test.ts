/** What a user sees, over the system's ssh: the contract on a real host, and a whole apply on a made-up one. */
import { expect } from 'vitest'
import { CONTAINER_POWERS, type ContainerLab, startContainers } from './container.ts'
import { contract, type HostKind } from './contract.ts'
import type { Lab, LabHost } from './lab.ts'
import { productFor } from './product.ts'
import { createDebian, MAX } from './simulated/debian.ts'
import { startSimulated } from './simulated.ts'
import { labSuite } from './suite.ts'

const DEBIAN: HostKind = { family: 'nf_conntrack', firewall: 'none', init: 'sysvinit', ownsKernel: false }

const byOpenssh = (host: LabHost): LabHost => ({ ...host, vars: { ...host.vars, ansible_connection: 'openssh' } })

async function container(): Promise<Lab> {
  const lab: ContainerLab = await startContainers([{ kind: 'debian', name: 'ops', user: 'ops' }])
  return { ...lab, hosts: () => lab.hosts().map(byOpenssh) }
}

labSuite('contract over openssh', container, suite => contract(suite, 'ops', DEBIAN, CONTAINER_POWERS))

labSuite(
  'apply over openssh',
  async () => {
    const fake = createDebian()
    const lab = await startSimulated(1, { answer: fake.answer })
    const close = async (): Promise<void> => {
      fake[Symbol.dispose]()
      await lab[Symbol.asyncDispose]()
    }
    return { ...lab, fake, hosts: () => lab.hosts().map(byOpenssh), [Symbol.asyncDispose]: close }
  },
  ({ it }) => {
    it('plan, apply, confirmed over a connection of its own, and back again', async lab => {
      using product = productFor(lab)
      const before = lab.fake.read(MAX)
      const raise = ['apply', '--strategy', 'raise', '--yes', '--window', '1s']
      const applied = await product.json(raise)
      expect(applied.result.exitCode, applied.result.stderr + applied.result.stdout).toBe(0)
      expect(applied.document.hosts[0]).toMatchObject({ status: 'changed' })
      expect(applied.document.hosts[0]?.checks).toContainEqual(
        expect.objectContaining({ name: 'new-connection', status: 'pass' }),
      )
      expect(lab.totals().handshakes).toBeGreaterThanOrEqual(2)
      expect(lab.fake.read(MAX)).not.toBe(before)
      const again = await product.json(raise)
      expect(again.document.hosts[0]?.status, again.result.stdout).toBe('ok')
      const back = await product.json(['rollback', applied.document.run, '--yes'])
      expect(back.result.exitCode, back.result.stdout).toBe(0)
      expect(lab.fake.read(MAX)).toBe(before)
    })
  },
)
