/** The main job on a real kernel, step after step on one machine. Needs: own-kernel, modules, reboot, real-files. */
import { expect } from 'vitest'
import { digestOf } from './digest.ts'
import { type Product, productFor } from './product.ts'
import { labSuite } from './suite.ts'
import {
  fillTable,
  probeNewConnections,
  readSymptom,
  rushWhenRaised,
  type Symptom,
  stopTraffic,
  untilFull,
} from './vm/traffic.ts'
import { type KernelLabel, startVm, type VmLab } from './vm.ts'

const FRESH = 10

/**
 * Runs the scenarios on one kernel. `way`: on a full table each login takes half a minute, so what is the same code on every
 * kernel (facts, a dry run, a cure that does not cure, the slow one) is run on one of them.
 */
export function vmContract(kernel: KernelLabel, way: 'whole' | 'main' = 'whole'): void {
  labSuite(
    `vm ${kernel}`,
    () => startVm({ kernel }),
    ({ it }) => {
      let product: Product
      let full: Symptom
      const nameOf = (vm: VmLab): string => vm.host.name
      const onWhole = way === 'whole' ? it : () => {}

      it('fills its table under live traffic: drops are counted and logged', async vm => {
        product = productFor(vm, vm.hosts(), { connectTimeout: '4m' })
        // More room to win a login than in the demo: so the suite spends its time on what it proves.
        full = await fillTable(vm, { max: 600, resets: 18 })
        expect(full.count).toBeGreaterThanOrEqual(600)
        expect(full.drop).toBeGreaterThan(0)
        expect(full.lines).toBeGreaterThan(0)
        process.stdout.write(`vm ${kernel}: full: ${JSON.stringify(full)}\n`)
      })

      onWhole('facts see it, and loads no module, makes no table', async vm => {
        const before = await digestOf(vm, nameOf(vm))
        const { document, result } = await product.json(['facts'])
        expect(result.exitCode, result.stderr).toBe(0)
        expect(document.hosts[0]?.facts).toMatchObject({
          family: 'nf_conntrack',
          provided_by: 'module',
          max: 600,
          owns_kernel: true,
          passive: { modules: 'same', tables: 'same' },
          firewall: { owner: 'netfilter-persistent' },
        })
        expect(document.hosts[0]?.facts.table_full_lines ?? document.hosts[0]?.facts.log).toBeTruthy()
        expect(await digestOf(vm, nameOf(vm))).toEqual(before)
      })

      onWhole('plan and dry run show the diff and leave the host byte-identical', async vm => {
        const before = await digestOf(vm, nameOf(vm))
        const plan = await product.json(['plan', '--strategy', 'raise', '--detailed-exitcode'])
        expect(plan.result.exitCode, plan.result.stderr).toBe(2)
        expect(plan.document.hosts[0]?.status).toBe('would-change')
        expect(plan.document.hosts[0]?.diff).toContain('net.netfilter.nf_conntrack_max: 600 →')
        const dry = await product.json(['apply', '--strategy', 'raise,timeouts', '--dry-run'])
        expect(dry.result.exitCode, dry.result.stderr).toBe(0)
        expect(dry.document.hosts[0]?.status).toBe('would-change')
        const after = await digestOf(vm, nameOf(vm))
        expect(after).toEqual(before)
        process.stdout.write(`vm ${kernel}: dry run: ${JSON.stringify(after)}\n`)
      })

      onWhole('a cure that does not cure is taken back: rolled-back, exit 4, host as before', async vm => {
        const before = await digestOf(vm, nameOf(vm))
        // Just above 1.2 × count, so it is allowed; those waiting at the door fill it again at once, so it does not help.
        await using _rush = await rushWhenRaised(vm, 600, 300)
        const { document, result } = await product.json([
          'apply',
          '--strategy',
          'raise',
          '--set',
          'max=760',
          '--yes',
          '--window',
          '5s',
        ])
        expect(document.hosts[0]?.status, JSON.stringify(document.hosts[0])).toBe('rolled-back')
        expect(document.hosts[0]?.error?.message).toContain('count-below-max')
        expect(result.exitCode).toBe(4)
        expect(await digestOf(vm, nameOf(vm))).toEqual(before)
      })

      onWhole(
        'apply timeouts on the full table: changed, though it is still full, and says so; then nothing to do',
        async vm => {
          // What waited at the door is gone again, and its room has to be taken first.
          await untilFull(vm)
          const first = await product.json(['apply', '--strategy', 'timeouts', '--yes', '--window', '2s'])
          const [host] = first.document.hosts
          expect(host?.status, JSON.stringify(host)).toBe('changed')
          expect(host?.checks.find(({ name }) => name === 'count-below-max')?.status).toBe('fail')
          expect(host?.warnings.join()).toMatch(/keep their old timer/)
          const again = await product.json(['apply', '--strategy', 'timeouts', '--yes'])
          expect(again.document.hosts[0]).toMatchObject({ status: 'ok', changes: [] })
        },
      )

      it('apply raise: changed, with two handshakes and four execs at most; new connections pass, drops stand still', async vm => {
        const { document, result } = await product.json(['apply', '--strategy', 'raise', '--yes', '-v'])
        expect(document.hosts[0]?.status, `${JSON.stringify(document.hosts[0])}\n${result.stderr}`).toBe('changed')
        expect(result.exitCode).toBe(0)
        const of = (word: string): number => result.stderr.split('\n').filter(line => line.endsWith(`: ${word}`)).length
        expect(of('handshake'), result.stderr).toBeLessThanOrEqual(2)
        // A starved machine is silent for so long that it is asked over its other connection as well.
        expect(of('exec'), result.stderr).toBeLessThanOrEqual(4 + of('silent'))
        for (const { name, status } of document.hosts[0]?.checks ?? []) expect(`${name} ${status}`).toBe(`${name} pass`)
        const first = await readSymptom(vm)
        expect(await probeNewConnections(vm, FRESH)).toBe(FRESH)
        const last = await readSymptom(vm)
        expect(last.drop).toBe(first.drop)
        expect(last.lines).toBe(first.lines)
        expect(last.max).toBeGreaterThan(600)
        process.stdout.write(`vm ${kernel}: cured: ${JSON.stringify(last)}\n`)
      })

      it('applied again there is nothing to do, and plan says so', async vm => {
        const before = await digestOf(vm, nameOf(vm))
        const again = await product.json(['apply', '--strategy', 'raise', '--yes'])
        expect(again.document.hosts[0]).toMatchObject({ status: 'ok', changes: [] })
        expect(again.result.exitCode).toBe(0)
        const plan = await product.json(['plan', '--strategy', 'raise', '--detailed-exitcode'])
        expect(plan.result.exitCode).toBe(0)
        expect(await digestOf(vm, nameOf(vm))).toEqual(before)
      })

      it('after a reboot verify passes with the same values', async vm => {
        await stopTraffic(vm)
        const values = `cd /proc/sys/net/netfilter; cat nf_conntrack_max nf_conntrack_tcp_timeout_established nf_conntrack_tcp_timeout_time_wait; cat /sys/module/nf_conntrack/parameters/hashsize`
        const before = (await vm.inspect(nameOf(vm), values)).stdout
        await vm.reboot(nameOf(vm))
        const cures = way === 'whole' ? 'raise,timeouts' : 'raise'
        const verify = await product.json(['verify', '--strategy', cures, '--window', '2s'])
        expect(verify.document.hosts[0]?.status, JSON.stringify(verify.document.hosts[0])).toBe('ok')
        expect(verify.result.exitCode).toBe(0)
        expect((await vm.inspect(nameOf(vm), values)).stdout).toBe(before)
        product[Symbol.dispose]()
      })
    },
  )
}
