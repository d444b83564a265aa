/** Changes of plain files in a scratch directory, which stand for kernel values and configuration alike. */
import type {
  Change,
  EntriesChange,
  FileChange,
  KernelValueChange,
  ModuleChange,
  ServiceChange,
} from '../../src/change/change.ts'
import { makePlan, type Plan } from '../../src/plan/plan.ts'
import { makeFacts } from './facts.ts'

export function valueChange(target: string, before: string, after: string): KernelValueChange {
  return { kind: 'kernel-value', layer: 'runtime', target, before, after, why: 'w' }
}

/** null: it is not there. */
export function fileChange(
  target: string,
  before: string | null,
  after: string | null,
  { mode = '0644' }: { readonly mode?: string } = {},
): FileChange {
  const owner = `${process.getuid?.()}:${process.getgid?.()}`
  const state = (content: string) => ({ content, mode, owner, label: null })
  return {
    kind: 'file',
    layer: 'persistent',
    target,
    before: before === null ? null : state(before),
    after: after === null ? null : state(after),
    why: 'w',
  }
}

/** Live entries that go, so many of them, by these words of conntrack. */
export function entriesChange(count: number, selectors: readonly (readonly string[])[]): EntriesChange {
  const before = { count, selectors }
  return { kind: 'entries', layer: 'final', target: 'entries of tcp 80', before, after: null, why: 'w' }
}

/** A service that runs is stopped. */
export function stopService(target: string): ServiceChange {
  return { kind: 'service', layer: 'runtime', target, before: 'running', after: null, why: 'w' }
}

/** A module that is loaded is taken out. */
export function unloadModule(target: string): ModuleChange {
  return { kind: 'module', layer: 'runtime', target, before: 'loaded', after: null, why: 'w' }
}

const emptyPlan = makePlan('h', { steps: [], force: false }, makeFacts())

/** A plan of nothing but these. */
export function planOf(changes: readonly Change[]): Plan {
  return { ...emptyPlan, changes }
}
