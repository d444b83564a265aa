/** What is measured from outside: `tcp:443`, `ping`, or either of another address: `tcp:443@www.example.net`. */
import { UsageError } from '../../errors.ts'

export type Target = { readonly address: string | null } & (
  | { readonly kind: 'tcp'; readonly port: number }
  | { readonly kind: 'ping' }
)

/** Where names end, addresses of version 6 and their zones go on. */
const ADDRESS = /^[0-9A-Za-z_][0-9A-Za-z_.:%-]*$/

/** Reads one as the command line has it; null: it is none. */
export function parseTarget(text: string): Target | null {
  const [, what = '', address = null] = /^([^@]*)(?:@(.*))?$/.exec(text) ?? []
  if (address !== null && !ADDRESS.test(address)) return null
  if (what === 'ping') return { kind: 'ping', address }
  const port = Number(/^tcp:(\d{1,5})$/.exec(what)?.[1] ?? Number.NaN)
  return port >= 1 && port <= 65_535 ? { kind: 'tcp', port, address } : null
}

/** As it is written on the command line. */
export function targetText(target: Target): string {
  const what = target.kind === 'ping' ? 'ping' : `tcp:${target.port}`
  return target.address === null ? what : `${what}@${target.address}`
}

/** Throws UsageError where one is named twice: it would be measured twice. */
export function checkTargets(targets: readonly Target[]): void {
  const texts = targets.map(targetText)
  const twice = texts.find((text, i) => texts.indexOf(text) !== i)
  if (twice !== undefined) throw new UsageError(`--probe ${twice}: named twice`)
}
