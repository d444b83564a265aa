/** One guest, one owner of its rules, and what `notrack` must come to on it, part after part on the same machine. */
import { expect } from 'vitest'
import { type Product, productFor } from '../product.ts'
import { labSuite, type Suite } from '../suite.ts'
import { type KernelLabel, startVm, type VmLab } from '../vm.ts'
import { filesOf, liveRules } from './host.ts'
import { OWNERS, type OwnerName, setUpOwner } from './owners.ts'

const WISH = ['--strategy', 'notrack', '--set', 'tcp=80']
const WINDOW = ['--window', '1s']

/** The guest, and what the parts before have made of it. */
export class NotrackHost implements AsyncDisposable {
  readonly vm: VmLab
  readonly owner: OwnerName
  readonly product: Product
  /** Rules and files as its owner made them. */
  readonly before: { readonly rules: string; readonly files: string }
  /** The run that changed it, and its rules since. */
  applied = { run: '', rules: '' }

  private constructor(vm: VmLab, owner: OwnerName, before: NotrackHost['before']) {
    this.vm = vm
    this.owner = owner
    this.product = productFor(vm)
    this.before = before
  }

  static async start(kernel: KernelLabel, owner: OwnerName): Promise<NotrackHost> {
    const vm = await startVm({ kernel, flavour: OWNERS[owner].flavour, user: 'root' })
    try {
      await setUpOwner(vm, owner)
      return new NotrackHost(vm, owner, { rules: await liveRules(vm), files: await filesOf(vm) })
    } catch (error) {
      await vm.close()
      throw error
    }
  }

  /** What the product says to the wish. */
  ask(): ReturnType<Product['json']> {
    return this.product.json(['apply', ...WISH, ...WINDOW, '--yes'])
  }

  /** Applies it, and keeps what it came to. */
  async apply(): Promise<void> {
    const { result, document } = await this.ask()
    const [host] = document.hosts
    expect(host?.status, `${JSON.stringify(host)}\n${result.stderr}`).toBe('changed')
    expect(result.exitCode).toBe(0)
    // Whatever is wrong with it, the parts that follow still say more.
    this.applied = { run: document.run, rules: await liveRules(this.vm) }
    expect(this.applied.rules).not.toBe(this.before.rules)
    // Port 80 of the guest is not to be reached from where the product runs.
    const doubtful = host?.checks.filter(({ name, status }) => status !== 'pass' && name !== 'service-answers')
    expect(doubtful).toEqual([])
  }

  async applyAgain(): Promise<void> {
    const { result, document } = await this.ask()
    expect(document.hosts[0], result.stderr).toMatchObject({ status: 'ok', changes: [] })
    expect(result.exitCode).toBe(0)
    expect(await liveRules(this.vm)).toBe(this.applied.rules)
  }

  /** Over a new login, as everything that the product does. */
  async verify(): Promise<void> {
    const { result, document } = await this.product.json(['verify', ...WISH, ...WINDOW])
    expect(document.hosts[0]?.status, `${JSON.stringify(document.hosts[0])}\n${result.stderr}`).toBe('ok')
    expect(result.exitCode).toBe(0)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.product[Symbol.dispose]()
    await this.vm.close()
  }
}

/** Some tests on it. */
export type Part = (suite: Suite<NotrackHost>) => void

export function notrackSuite(kernel: KernelLabel, owner: OwnerName, ...parts: readonly Part[]): void {
  labSuite(
    `notrack on kernel ${kernel}, rules of ${owner}`,
    () => NotrackHost.start(kernel, owner),
    suite => {
      for (const part of parts) part(suite)
    },
  )
}
