/** One guest, on which tracking is ended in one way after the other. */
import { type Product, productFor } from '../product.ts'
import { labSuite, type Suite } from '../suite.ts'
import { type KernelLabel, startVm, type VmLab } from '../vm.ts'

export class TrackingHost implements AsyncDisposable {
  readonly vm: VmLab
  readonly product: Product

  private constructor(vm: VmLab) {
    this.vm = vm
    this.product = productFor(vm)
  }

  static async start(kernel: KernelLabel): Promise<TrackingHost> {
    return new TrackingHost(await startVm({ kernel, user: 'root' }))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.product[Symbol.dispose]()
    await this.vm.close()
  }
}

export type Part = (suite: Suite<TrackingHost>) => void

export function trackingSuite(kernel: KernelLabel, ...parts: readonly Part[]): void {
  labSuite(
    `tracking ended on kernel ${kernel}`,
    () => TrackingHost.start(kernel),
    suite => {
      for (const part of parts) part(suite)
    },
  )
}
