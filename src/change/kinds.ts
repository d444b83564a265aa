/** The exhaustive table: kind of change → how it is checked, done, undone and shown. A new kind does not compile until it is here. */
import { type Script, sh } from '../lang/sh.ts'
import * as bootService from './boot-service.ts'
import * as chain from './chain.ts'
import type { Change, RuntimeChange } from './change.ts'
import * as entries from './entries.ts'
import * as file from './file.ts'
import * as initramfs from './initramfs.ts'
import * as kernelValue from './kernel-value.ts'
import type { Looked } from './look.ts'
import * as module from './module.ts'
import * as nftRule from './nft-rule.ts'
import * as nftTable from './nft-table.ts'
import * as rule from './rule.ts'
import * as service from './service.ts'

/** sh that ends the script as stale when `before` no longer holds. */
export function expectScript(change: Change): Script {
  switch (change.kind) {
    case 'kernel-value':
      return kernelValue.expect(change)
    case 'rule':
      return rule.expect(change)
    case 'module':
      return module.expect(change)
    case 'service':
      return service.expect(change)
    case 'boot-service':
      return bootService.expect(change)
    case 'initramfs':
      return initramfs.expect(change)
    case 'chain':
      return chain.expect(change)
    case 'nft-table':
      return nftTable.expect(change)
    case 'nft-rule':
      return nftRule.expect(change)
    case 'file':
      return file.expect(change)
    case 'entries':
      // How many there are by now makes no difference.
      return sh`:`
    default:
      return change satisfies never
  }
}

/**
 * sh that brings `after` about. Files are written in steps of their own (file.ts), after all of this proved itself; entries
 * go after the files (entries.ts).
 */
export function applyScript(change: RuntimeChange): Script {
  switch (change.kind) {
    case 'kernel-value':
      return kernelValue.render(change)
    case 'rule':
      return rule.render(change)
    case 'module':
      return module.render(change)
    case 'service':
      return service.render(change)
    case 'chain':
      return chain.render(change)
    case 'nft-table':
      return nftTable.render(change)
    case 'nft-rule':
      return nftRule.render(change)
    default:
      return change satisfies never
  }
}

/** sh that takes an applied change back, where anything can. */
export function undoScript(change: Change): Script {
  switch (change.kind) {
    case 'kernel-value':
      return kernelValue.renderUndo(change)
    case 'rule':
      return rule.renderUndo(change)
    case 'module':
      return module.renderUndo(change)
    case 'service':
      return service.renderUndo(change)
    case 'boot-service':
      return bootService.renderUndo(change)
    case 'initramfs':
      return initramfs.renderUndo(change)
    case 'chain':
      return chain.renderUndo(change)
    case 'nft-table':
      return nftTable.renderUndo(change)
    case 'nft-rule':
      return nftRule.renderUndo(change)
    case 'file':
      return file.renderUndo(change)
    case 'entries':
      return sh`:`
    default:
      return change satisfies never
  }
}

/** sh that prints what the target is now, always in the same words: for digests, and for `asFound`. It changes nothing. */
export function lookScript(change: Change): Script {
  switch (change.kind) {
    case 'kernel-value':
      return kernelValue.look(change)
    case 'rule':
      return rule.look(change)
    case 'module':
      return module.look(change)
    case 'service':
      return service.look(change)
    case 'boot-service':
      return bootService.look(change)
    case 'initramfs':
      return initramfs.look(change)
    case 'chain':
      return chain.look(change)
    case 'nft-table':
      return nftTable.look(change)
    case 'nft-rule':
      return nftRule.look(change)
    case 'file':
      return file.look(change)
    case 'entries':
      // They come and go by themselves, so a digest may know nothing of them.
      return sh`:`
    default:
      return change satisfies never
  }
}

/** The change with what `lookScript` printed as its `before`; or why that cannot be. Throws LookError. */
export function asFound(change: Change, text: string): Change | { readonly refused: string } {
  switch (change.kind) {
    case 'kernel-value':
      return found(kernelValue.parse(change, text), before => ({ ...change, before }))
    case 'rule':
      return found(rule.parse(change, text), before => ({ ...change, before }))
    case 'module':
      return found(module.parse(change, text), before => ({ ...change, before }))
    case 'service':
      return found(service.parse(change, text), before => ({ ...change, before }))
    case 'boot-service':
      return found(bootService.parse(change, text), before => ({ ...change, before }))
    case 'initramfs':
      return found(initramfs.parse(change, text), before => ({ ...change, before }))
    case 'chain':
      return found(chain.parse(change, text), before => ({ ...change, before }))
    case 'nft-table':
      return found(nftTable.parse(change, text), before => ({ ...change, before }))
    case 'nft-rule':
      return found(nftRule.parse(change, text), before => ({ ...change, before }))
    case 'file':
      return found(file.parse(change, text), before => ({ ...change, before }))
    case 'entries':
      return change
    default:
      return change satisfies never
  }
}

function found<State>(
  looked: Looked<State>,
  change: (before: State | null) => Change,
): Change | { readonly refused: string } {
  return 'refused' in looked ? looked : change(looked.state)
}

/** Lines of a diff, without colour. */
export function describe(change: Change): string {
  switch (change.kind) {
    case 'kernel-value':
      return kernelValue.describe(change)
    case 'rule':
      return rule.describe(change)
    case 'module':
      return module.describe(change)
    case 'service':
      return service.describe(change)
    case 'boot-service':
      return bootService.describe(change)
    case 'initramfs':
      return initramfs.describe(change)
    case 'chain':
      return chain.describe(change)
    case 'nft-table':
      return nftTable.describe(change)
    case 'nft-rule':
      return nftRule.describe(change)
    case 'file':
      return file.describe(change)
    case 'entries':
      return entries.describe(change)
    default:
      return change satisfies never
  }
}
