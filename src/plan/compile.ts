/**
 * Plan → the scripts that run on the host. Pure, so that what will run can be read, tested and shown.
 * `library` is the text of change.sh: the functions the scripts call.
 */
import type { Change } from '../change/change.ts'
import { applyScript, expectScript, undoScript } from '../change/kinds.ts'
import { Script, sh } from '../lang/sh.ts'
import { ofLayer, type Plan } from './plan.ts'

export interface Scripts {
  /** Checks every `before`, then changes live values. Argument: the run directory. */
  readonly apply: string
  /** Writes the files, once the live values have proved themselves. */
  readonly persist: string
  /** Takes all of it back; self-contained, safe to run at any moment and more than once. */
  readonly undo: string
}

/** Compiles the scripts of a plan. */
export function compile(plan: Plan, library: string): Scripts {
  const files = ofLayer(plan.changes, 'persistent')
  return {
    apply: program(library, [...plan.changes.map(expected), ...ofLayer(plan.changes, 'runtime').map(done)]),
    // Between the two scripts a person or a package may have written the same file.
    persist: program(library, [...files.map(stillExpected), ...files.map(done)]),
    undo: program(library, [sh`failed=0`, ...plan.changes.toReversed().map(takenBack), sh`return "$failed"`]),
  }
}

function expected(change: Change): Script {
  return sh`${expectScript(change)} || exit 75`
}

function stillExpected(change: Change): Script {
  return sh`${expectScript(change)} || undo_and_exit "$1"`
}

function done(change: Change): Script {
  return sh`${applyScript(change)} || undo_and_exit "$1"`
}

function takenBack(change: Change): Script {
  return sh`${undoScript(change)} || failed=1`
}

/** A script cut off in transfer must be a syntax error, not half a change: all of it is one function, called last. */
function program(library: string, body: readonly Script[]): string {
  const main = Script.lines([sh`main() {`, ...body.map(line => sh`  ${line}`), sh`}`, sh`main "$@" </dev/null`])
  return `#!/bin/sh\n${library}\n${main.text}\n`
}

/**
 * The program of the one exec that changes a host: fills the run directory, then runs apply.sh from it.
 * Ends with a code of codes.ts; what the scripts said comes on stderr and stays in the directory's log.
 */
export function stageProgram(runDir: string, files: ReadonlyMap<string, string>): string {
  const parent = runDir.slice(0, runDir.lastIndexOf('/'))
  const writes = [...files].map(
    ([name, content]) =>
      sh`  { printf %s ${content} >"$dir/"${name} && [ "$(cat "$dir/"${name}; printf x)" = ${content}x ]; } 2>/dev/null || give_up`,
  )
  return `${
    Script.lines([
      sh`give_up() { rm -rf "$dir"; printf 'ctfix: cannot fill %s: read-only, or no space left\n' "$dir" >&2; exit 73; }`,
      sh`main() {`,
      sh`  umask 077`,
      sh`  dir=${runDir}`,
      sh`  { mkdir -p ${parent} && mkdir "$dir"; } 2>/dev/null || { printf 'ctfix: cannot make %s\n' "$dir" >&2; exit 73; }`,
      ...writes,
      sh`  sync "$dir/undo.sh" 2>/dev/null || sync`,
      sh`  /bin/sh "$dir/apply.sh" "$dir" >>"$dir/log" 2>&1`,
      sh`  code=$?`,
      sh`  cat "$dir/log" >&2`,
      sh`  return "$code"`,
      sh`}`,
      sh`main "$@" </dev/null`,
    ]).text
  }\n`
}

/** Runs a script of the run directory; its exit code and the end of the log come as a frame before the probe's own. */
export function persistPrelude(runDir: string, nonce: string): string {
  return `${
    Script.lines([
      sh`/bin/sh ${runDir}/persist.sh ${runDir} >>${runDir}/log 2>&1 </dev/null`,
      sh`printf '@@%s persist\n%s\n' ${nonce} "$?"`,
      sh`tail -n 5 ${runDir}/log`,
    ]).text
  }\n`
}

/** Takes a run back by the script that was staged with it. */
export function undoProgram(runDir: string): string {
  return `${sh`/bin/sh ${runDir}/undo.sh ${runDir} </dev/null`.text}\n`
}
