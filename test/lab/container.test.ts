/** Containers as they are: hosts whose kernel is somebody else's, over OpenSSH, dropbear and an SSH of 2006. */
import { expect } from 'vitest'
import { type ClosedPort, closedPort } from '../support/closed-port.ts'
import { CONTAINER_POWERS, type ContainerLab, startContainers } from './container.ts'
import { contract, type HostKind, hostOf } from './contract.ts'
import { digestOf } from './digest.ts'
import type { LabHost } from './lab.ts'
import { productFor } from './product.ts'
import { labSuite } from './suite.ts'

const DEBIAN: HostKind = { family: 'nf_conntrack', firewall: 'none', init: 'sysvinit', ownsKernel: false }
const BUSYBOX: HostKind = { ...DEBIAN, init: 'unknown' }

const start = (): Promise<ContainerLab> =>
  startContainers([
    'debian',
    { kind: 'debian', name: 'ops', user: 'ops' },
    'busybox',
    { kind: 'debian', name: 'old', oldSsh: true },
  ])

labSuite('containers', start, suite => {
  const { it } = suite
  contract(suite, 'debian', DEBIAN, CONTAINER_POWERS)
  contract(suite, 'ops', DEBIAN, CONTAINER_POWERS)
  contract(suite, 'busybox', BUSYBOX, CONTAINER_POWERS)

  it('no bash, no coreutils: facts have the same keys as elsewhere', async lab => {
    const shell = await lab.inspect(
      'busybox',
      'for tool in bash stat base64 timeout sudo; do type $tool; done; readlink /bin/sh',
    )
    expect(shell.stdout).toContain('bash: not found')
    expect(shell.stdout).toContain('busybox')
    using product = productFor(lab, [hostOf(lab, 'debian'), hostOf(lab, 'busybox')])
    const { document } = await product.json(['facts'])
    const keys = document.hosts.map(({ facts }) => Object.keys(facts))
    expect(keys[0]).toContain('table_full_lines')
    expect(keys[1]).toEqual(keys[0])
  })

  it('an ordinary user without --become sees what he may, and is declined like root', async lab => {
    const { vars, ...ops } = hostOf(lab, 'ops')
    using product = productFor(lab, [{ ...ops, vars: { ...vars, ansible_become: false } }])
    const facts = await product.json(['facts'])
    expect(facts.result.exitCode, facts.result.stderr).toBe(0)
    expect(facts.document.hosts[0]?.facts).toMatchObject({ root: false, family: 'nf_conntrack', owns_kernel: false })
    const plan = await product.json(['plan', '--strategy', 'raise'])
    expect(plan.result.exitCode).toBe(9)
  })

  it('a wrong host key and a closed port are theirs alone: the others go on, in inventory order', async lab => {
    using closed = await closedPort()
    const hosts = [closedHost(lab, closed), hostOf(lab, 'busybox'), wrongKey(lab), hostOf(lab, 'ops')]
    const names = hosts.map(({ name }) => name)
    using product = productFor(lab, hosts)
    const facts = await product.json(['facts'])
    expect(facts.document.hosts.map(({ name }) => name)).toEqual(names)
    expect(facts.document.hosts.map(({ status }) => status)).toEqual(['unreachable', 'ok', 'unreachable', 'ok'])
    expect(facts.result.exitCode).toBe(3)
    const errors = facts.document.hosts.map(({ error }) => error?.message ?? '')
    expect(errors[0]).toMatch(/cannot connect to 127\.0\.0\.1:\d+: connection refused/)
    expect(errors[2]).toMatch(/host key/)
    expect(errors[2]).not.toBe(errors[0])

    // Blocked goes before unreachable in the table of exit codes.
    const before = await digestOf(lab, 'busybox')
    const apply = await product.json(['apply', '--strategy', 'raise', '--yes'])
    expect(apply.document.hosts.map(({ name }) => name)).toEqual(names)
    expect(apply.document.hosts.map(({ status }) => status)).toEqual([
      'unreachable',
      'blocked',
      'unreachable',
      'blocked',
    ])
    expect(apply.document.summary).toMatchObject({ targeted: 4, unreachable: 2, blocked: 2, changed: 0 })
    expect(apply.result.exitCode).toBe(9)
    expect(await digestOf(lab, 'busybox')).toEqual(before)
  })

  it('an SSH server of 2006 is reached with ctfix_legacy_ssh, and without it that name is in the error', async lab => {
    const host = hostOf(lab, 'old')
    {
      using product = productFor(lab, [host])
      const { document, result } = await product.json(['facts'])
      expect(result.exitCode).toBe(3)
      expect(document.hosts[0]).toMatchObject({
        status: 'unreachable',
        error: { hint: expect.stringContaining('ctfix_legacy_ssh: true') },
      })
      const shown = await product.run(['facts'])
      expect(shown.stdout + shown.stderr).toContain('ctfix_legacy_ssh: true')
    }
    const vars = { ...host.vars, ctfix_legacy_ssh: true }
    using product = productFor(lab, [{ ...host, vars }])
    const { document, result } = await product.json(['facts'])
    expect(result.exitCode, result.stderr).toBe(0)
    expect(document.hosts[0]).toMatchObject({ status: 'ok', facts: { family: 'nf_conntrack' } })
  })
})

/** The debian host under another name, and known under the key of another host. */
function wrongKey(lab: ContainerLab): LabHost {
  const { vars, knownHosts } = hostOf(lab, 'debian')
  const [address = ''] = knownHosts.split(' ')
  const [, ...key] = hostOf(lab, 'ops').knownHosts.split(' ')
  return { name: 'wrong-key', vars, knownHosts: [address, ...key].join(' ') }
}

/** The debian host at a port where nobody listens. */
function closedHost(lab: ContainerLab, { port }: ClosedPort): LabHost {
  const { vars } = hostOf(lab, 'debian')
  return { name: 'closed', vars: { ...vars, ansible_port: port }, knownHosts: '' }
}
