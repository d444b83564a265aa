/** Hosts in network namespaces of their own, on this machine's kernel: limits there are somebody else's. */
import { expect } from 'vitest'
import { startNamespaceHosts } from './namespace.ts'
import { productFor } from './product.ts'
import { labSuite } from './suite.ts'

const HOSTS = 8

labSuite(
  'namespace hosts',
  () => startNamespaceHosts(HOSTS),
  ({ it }) => {
    it('facts: every host, in inventory order, over real sshds', async lab => {
      using product = productFor(lab)
      const { result, document } = await product.json(['facts'])
      expect(result.exitCode, result.stderr).toBe(0)
      expect(document.hosts.map(({ name }) => name)).toEqual(lab.hosts().map(({ name }) => name))
      for (const { facts } of document.hosts) expect(facts).toMatchObject({ owns_kernel: false, root: true })
    })

    it('raise is declined: this is not the namespace that has the limits', async lab => {
      using product = productFor(lab)
      const { result, document } = await product.json(['apply', '--strategy', 'raise', '--yes'])
      expect(result.exitCode).toBe(9)
      expect(document.hosts.map(({ blockers }) => blockers.map(({ code }) => code))).toEqual(
        lab.hosts().map(() => ['not-own-kernel']),
      )
    })

    it('a host whose sessions are cut answers anew', async lab => {
      const [host] = lab.hosts()
      if (!host) throw new Error('no host')
      await lab.sever(host.name)
      using product = productFor(lab, [host])
      expect((await product.run(['facts'])).exitCode).toBe(0)
    })
  },
)
