/**
 * Plan → the scripts that run on the host. Pure, so that what will run can be read, tested and shown.
 * `library` is the text of the functions the scripts call (change.sh, rules.sh, …: run/tools.ts).
 */
import * as bootService from '../change/boot-service.ts'
import type { Change, EntriesChange, KernelValueChange, PersistentChange, RuntimeChange } from '../change/change.ts'
import * as entries from '../change/entries.ts'
import * as file from '../change/file.ts'
import * as initramfs from '../change/initramfs.ts'
import * as kernelValue from '../change/kernel-value.ts'
import { applyScript, expectScript, lookScript } from '../change/kinds.ts'
import { Script, sh } from '../lang/sh.ts'
import type { Plan } from './plan.ts'
import { wayBack } from './way-back.ts'

export interface Scripts {
  /**
   * `apply.sh RUN_DIR VERB [worker]`. `check`: is every `before` still so (75 if not), and is there room (73 if not)? Then
   * it copies the files into the present directory (74 if it cannot). `change`: live values, and before them files that only
   * lift a refusal, as long as the guard is armed. `files`: what boot reads, and then what does not come back; may run
   * twice. With `worker` it notes itself as at work in the run.
   */
  readonly apply: string
  /**
   * `undo.sh RUN_DIR VERB [worker]`. `undo`: takes all of it back; self-contained, safe at any moment and more than once.
   * `look`: what every target is at this moment.
   */
  readonly undo: string
}

/** Compiles the scripts of a plan. */
export function compile(plan: Plan, library: string): Scripts {
  const runtime = plan.changes.filter((change): change is RuntimeChange => change.layer === 'runtime')
  const persistent = plan.changes.filter((change): change is PersistentChange => change.layer === 'persistent')
  const images = persistent.filter(change => change.kind === 'initramfs')
  const final = plan.changes.filter(change => change.kind === 'entries')
  return {
    apply: program(library, {
      check: [
        ...inBundles(plan.changes, kernelValue.expectAll, expectScript).map(check => sh`${check} || exit 75`),
        ...images.map(change => sh`${initramfs.prepare(change)} || exit 73`),
        ...copies(persistent).map(copy => sh`${copy} >/dev/null 2>&1 || exit 74`),
      ],
      // What only lifts a refusal of modules comes first, and once more with the other files.
      change: [
        ...persistent.flatMap(change => (change.kind === 'file' ? file.lift(change) : [])),
        ...live(runtime),
      ].map(script => sh`still "$1" armed && ${script} || exit 1`),
      files: [...writes(persistent), ...final.flatMap(forgets)],
    }),
    undo: program(library, {
      undo: [sh`failed=0`, ...wayBack(plan.changes), sh`return "$failed"`],
      look: inBundles(plan.changes, kernelValue.lookAll, lookScript),
    }),
  }
}

/** One script for all kernel values, which are many and small, and one for each of the others. */
function inBundles(
  changes: readonly Change[],
  ofValues: (changes: readonly KernelValueChange[]) => Script,
  ofOne: (change: Change) => Script,
): Script[] {
  const values = changes.filter(change => change.kind === 'kernel-value')
  const rest = changes.filter(change => change.kind !== 'kernel-value')
  return [...(values.length > 0 ? [ofValues(values)] : []), ...rest.map(ofOne)]
}

/** Values are read back once all that stand together are written, and before anything else is done. */
function live(changes: readonly RuntimeChange[]): Script[] {
  const steps: Script[] = []
  const unproved: KernelValueChange[] = []
  for (const change of changes) {
    if (change.kind === 'kernel-value') unproved.push(change)
    else steps.push(...kernelValue.proveAll(unproved.splice(0)))
    steps.push(applyScript(change))
  }
  return [...steps, ...kernelValue.proveAll(unproved)]
}

/** Of what has bytes to be kept. */
function copies(changes: readonly PersistentChange[]): Script[] {
  return changes.flatMap(change => {
    if (change.kind === 'file') return [file.copy(change)]
    return change.kind === 'initramfs' ? [initramfs.copy(change)] : []
  })
}

/**
 * All that can fail without a trace comes first; the renames then stand close together, for a host may lose its power
 * between two. The service manager is told after that, and an image is made last, for it is made of the files.
 */
function writes(changes: readonly PersistentChange[]): Script[] {
  const step = (script: Script): Script => sh`still "$1" confirmed && { ${script}; } || exit 1`
  const files = changes.filter(change => change.kind === 'file')
  const services = changes.filter(change => change.kind === 'boot-service')
  const images = changes.filter(change => change.kind === 'initramfs')
  const leaving = services.filter(({ after }) => after === null)
  const coming = services.filter(({ after }) => after !== null)
  return [
    ...changes.map(expectEither),
    // A service that boot still starts must not find files that it fails on.
    ...leaving.map(bootService.render),
    ...[file.stage, file.place, file.settle].flatMap(part => files.map(change => part(change))),
    ...file.prove(files),
    ...coming.map(bootService.render),
    ...images.map(initramfs.render),
  ].map(step)
}

/** What boot reads may be written a second time: as before, or as it will be. */
function expectEither(change: PersistentChange): Script {
  switch (change.kind) {
    case 'file':
      return file.expectEither(change)
    case 'boot-service':
      return bootService.expectEither(change)
    case 'initramfs':
      return initramfs.expectEither(change)
    default:
      return change satisfies never
  }
}

/** Entries come last, for they do not come back. Where it is being taken back instead they stay. */
function forgets(change: EntriesChange): Script[] {
  return entries.forget(change).map(call => sh`still "$1" confirmed && { ${call}; } || exit 1`)
}

/** Before anything else is even read: a script may outlive whoever started it. */
const NOTED = `[ "$#" -lt 3 ] || { printf '' >"$1/worker.$$"; } 2>/dev/null`

/** A script cut off in transfer must be a syntax error, not half a change: all of it is functions, the last line calls. */
function program(library: string, verbs: Readonly<Record<string, readonly Script[]>>): string {
  const functions = Object.entries(verbs).map(([name, body]) =>
    Script.lines([Script.trusted(`do_${name}() {`), ...[sh`:`, ...body].map(line => sh`  ${line}`), sh`}`]),
  )
  const names = Script.trusted(Object.keys(verbs).join(' | '))
  const main = sh`case $2 in ${names}) "do_$2" "$1" </dev/null ;; *) exit 64 ;; esac`
  return `#!/bin/sh\n${NOTED}\n${library}\n${Script.lines([...functions, main]).text}\n`
}
