/**
 * What a user sees on a host, told once. A scenario runs in every lab that has the powers it needs, on each kind of
 * host it is about, always through the command line.
 */
import { expect } from 'vitest'
import type { Facts, Family, FirewallOwner } from '../../src/facts/facts.ts'
import { digestOf } from './digest.ts'
import type { Lab, LabHost, Power } from './lab.ts'
import { type Product, productFor } from './product.ts'
import type { Suite } from './suite.ts'

/** What kind of host it is: what its facts must say, and whether ctfix may change it. */
export interface HostKind {
  readonly family: Family
  readonly firewall: FirewallOwner
  readonly init: Facts['init']
  readonly ownsKernel: boolean
}

export interface Context {
  readonly lab: Lab
  /** Inventory name of the host. */
  readonly host: string
  readonly is: HostKind
  /** With an inventory of this one host. */
  readonly product: Product
  /** Logins that one look takes: none on the machine itself. */
  readonly handshakes?: number
}

export interface Scenario {
  readonly name: string
  readonly needs: readonly Power[]
  /** Only where ctfix may change the host, or only where it may not; both when left out. */
  readonly on?: 'own kernel' | 'foreign kernel'
  run(context: Context): Promise<void>
}

export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'facts: in one handshake and one exec, and nothing is loaded or started by the look',
    needs: [],
    async run({ is, product, handshakes = 1 }) {
      const { result, document } = await product.json(['facts', '-v'])
      expect(result.exitCode, result.stderr).toBe(0)
      expect(document.hosts[0]?.facts).toMatchObject({
        family: is.family,
        init: is.init,
        owns_kernel: is.ownsKernel,
        firewall: { owner: is.firewall },
        passive: { modules: 'same', tables: 'same' },
      })
      const said = result.stderr.split('\n').map(line => line.slice(line.lastIndexOf(' ') + 1))
      expect(said.filter(word => word === 'handshake')).toHaveLength(handshakes)
      expect(said.filter(word => word === 'exec')).toHaveLength(1)
    },
  },
  {
    name: 'facts leave the host byte-identical',
    needs: ['real-files'],
    async run({ lab, host, product }) {
      const before = await digestOf(lab, host)
      const { result } = await product.json(['facts'])
      expect(result.exitCode, result.stderr).toBe(0)
      expect(await digestOf(lab, host)).toEqual(before)
    },
  },
  {
    name: 'a kernel that is somebody else’s: plan and apply decline, and leave the host untouched',
    needs: ['real-files'],
    on: 'foreign kernel',
    async run({ lab, host, product }) {
      const before = await digestOf(lab, host)
      for (const args of [['plan'], ['apply', '--yes']]) {
        const { result, document } = await product.json([...args, '--strategy', 'raise'])
        expect(result.exitCode, result.stderr).toBe(9)
        expect(document.hosts[0]).toMatchObject({
          status: 'blocked',
          changes: [],
          blockers: [{ code: 'not-own-kernel', message: expect.stringContaining('does not own its kernel') }],
        })
      }
      expect(await digestOf(lab, host)).toEqual(before)
      expect((await lab.inspect(host, 'ls -d /var/lib/ctfix 2>/dev/null')).stdout).toBe('')
    },
  },
  {
    name: 'plan and dry run show the changes and leave the host byte-identical',
    needs: ['real-files'],
    on: 'own kernel',
    async run({ lab, host, product }) {
      const before = await digestOf(lab, host)
      const plan = await product.json(['plan', '--strategy', 'raise', '--detailed-exitcode'])
      expect(plan.result.exitCode, plan.result.stderr).toBe(2)
      for (const args of [['--dry-run'], ['--check', '--yes']]) {
        const dry = await product.json(['apply', '--strategy', 'raise', ...args])
        expect(dry.result.exitCode, dry.result.stderr).toBe(0)
        expect(dry.document.hosts[0]?.status).toBe('would-change')
        expect(dry.document.hosts[0]?.diff).toBe(plan.document.hosts[0]?.diff)
      }
      expect(await digestOf(lab, host)).toEqual(before)
      expect((await lab.inspect(host, 'ls -d /var/lib/ctfix 2>/dev/null')).stdout).toBe('')
    },
  },
]

/** The host of that name. */
export function hostOf(lab: Lab, name: string): LabHost {
  const found = lab.hosts().find(host => host.name === name)
  if (!found) throw new Error(`the lab ${lab.name} has no host ${name}`)
  return found
}

/** Adds the scenarios that a lab of these powers can prove on this host. */
export function contract<L extends Lab>({ it }: Suite<L>, host: string, is: HostKind, powers: readonly Power[]): void {
  const isAbout = ({ needs, on }: Scenario): boolean =>
    needs.every(power => powers.includes(power)) &&
    (on === undefined || on === (is.ownsKernel ? 'own kernel' : 'foreign kernel'))
  for (const scenario of SCENARIOS.filter(isAbout)) {
    it(`${host}: ${scenario.name}`, async lab => {
      using product = productFor(lab, [hostOf(lab, host)])
      await scenario.run({ lab, host, is, product })
    })
  }
}
