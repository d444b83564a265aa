/**
 * Plan → the scripts that run on the host. Pure, so that what will run can be read, tested and shown.
 * `library` is the text of the functions the scripts call (change.sh, rules.sh, chain.sh, nft.sh, look.sh).
 */
import type { Change, EntriesChange, FileChange } from '../change/change.ts'
import * as entries from '../change/entries.ts'
import * as file from '../change/file.ts'
import { applyScript, expectScript, lookScript, undoScript } from '../change/kinds.ts'
import { Script, sh } from '../lang/sh.ts'
import type { Plan } from './plan.ts'

export interface Scripts {
  /**
   * `apply.sh RUN_DIR VERB`. `check`: is every `before` still so (75 if not)? `snapshot`: copies the files into the
   * present directory. `change`: live values, as long as the guard is armed. `files`: what boot reads, and then what does
   * not come back; may run twice.
   */
  readonly apply: string
  /**
   * `undo.sh RUN_DIR VERB`. `undo`: takes all of it back; self-contained, safe at any moment and more than once.
   * `look`: what every target is at this moment.
   */
  readonly undo: string
}

/** Compiles the scripts of a plan. */
export function compile(plan: Plan, library: string): Scripts {
  const runtime = plan.changes.filter(change => change.kind !== 'file' && change.kind !== 'entries')
  const files = plan.changes.filter(change => change.kind === 'file')
  const final = plan.changes.filter(change => change.kind === 'entries')
  return {
    apply: program(library, {
      check: plan.changes.map(change => sh`${expectScript(change)} || exit 75`),
      snapshot: files.map(change => sh`${file.copy(change)} || exit 1`),
      change: runtime.map(change => sh`still "$1" armed && ${applyScript(change)} || exit 1`),
      files: [...writes(files), ...final.flatMap(forgets)],
    }),
    undo: program(library, {
      undo: [
        sh`failed=0`,
        ...plan.changes.toReversed().map(change => sh`${undoScript(change)} || failed=1`),
        sh`return "$failed"`,
      ],
      look: plan.changes.map(lookScript),
    }),
  }
}

/** All that can fail comes first; the renames then stand close together, for a host may lose its power between two. */
function writes(files: readonly FileChange[]): Script[] {
  const step = (script: Script): Script => sh`still "$1" confirmed && { ${script}; } || exit 1`
  const written = [file.expectEither, file.stage, file.place, file.settle].flatMap(part => files.map(part))
  return [...written, ...file.prove(files)].map(step)
}

/** Entries come last, for they do not come back. Where it is being taken back instead they stay. */
function forgets(change: EntriesChange): Script[] {
  return entries.forget(change).map(call => sh`still "$1" confirmed && { ${call}; } || exit 1`)
}

/** A script cut off in transfer must be a syntax error, not half a change: all of it is functions, the last line calls. */
function program(library: string, verbs: Readonly<Record<string, readonly Script[]>>): string {
  const functions = Object.entries(verbs).map(([name, body]) =>
    Script.lines([Script.trusted(`do_${name}() {`), ...[sh`:`, ...body].map(line => sh`  ${line}`), sh`}`]),
  )
  const names = Script.trusted(Object.keys(verbs).join(' | '))
  const main = sh`case $2 in ${names}) "do_$2" "$1" </dev/null ;; *) exit 64 ;; esac`
  return `#!/bin/sh\n${library}\n${Script.lines([...functions, main]).text}\n`
}

/** What travels to a host before anything is changed there. */
export interface Staging {
  readonly runDir: string
  /** Files of the run directory by name; guard.sh, undo.sh and apply.sh are among them. */
  readonly files: ReadonlyMap<string, string>
  /** Seconds until the host takes itself back. */
  readonly revertInSeconds: number
}

/**
 * The program of the one exec that changes a host: fills the run directory, then has guard.sh start.
 * Ends with a code of codes.ts; what the scripts said comes on stderr and stays in the directory's log.
 */
export function stageProgram({ runDir, files, revertInSeconds }: Staging): string {
  const parent = runDir.slice(0, runDir.lastIndexOf('/'))
  const name = runDir.slice(parent.length + 1)
  // Every run begins in the state that guard.sh calls so.
  const writes = [...files, ['begun', ''] as const].map(([name, content]) => sh`  fill "$new/"${name} ${content}`)
  return `${
    Script.lines([
      sh`give_up() { rm -rf "$new"; printf 'ctfix: cannot fill %s: read-only, or no space left\n' "$dir" >&2; exit 73; }`,
      // Read back: a disk may be full without anything failing.
      sh`fill() { { printf %s "$2" >"$1" && [ "$(cat "$1"; printf x)" = "$2"x ]; } 2>/dev/null || give_up; }`,
      sh`main() {`,
      sh`  umask 077`,
      sh`  dir=${runDir} new=${runDir}.new.$$`,
      // An earlier try of the same run that ended where it began makes room; one that did not is in the way.
      sh`  [ ! -e "$dir" ] || { /bin/sh "$dir/guard.sh" over "$dir" && mv "$dir" "$dir.old.$$"; } 2>/dev/null`,
      sh`  mkdir -p ${parent} 2>/dev/null || { printf 'ctfix: cannot make %s\n' ${parent} >&2; exit 73; }`,
      sh`  [ ! -e "$dir" ] || { printf 'ctfix: locked: this run is under way here, see %s\n' "$dir" >&2; exit 77; }`,
      sh`  mkdir "$new" 2>/dev/null || { printf 'ctfix: cannot make %s\n' "$dir" >&2; exit 73; }`,
      ...writes,
      // All of it: after a power cut an empty guard.sh would do nothing, and end as one that has done it.
      sh`  sync "$new"/* "$new" 2>/dev/null || sync`,
      // Whoever looks finds all of it or nothing.
      sh`  mv "$new" "$dir" || give_up`,
      // Into one that another try of this run made in the meantime: that one goes on, and this never began.
      sh`  [ ! -e "$dir/"${name}.new.$$ ] || { rm -rf "$dir/"${name}.new.$$; printf 'ctfix: locked: this run is under way here, see %s\n' "$dir" >&2; exit 77; }`,
      sh`  /bin/sh "$dir/guard.sh" start "$dir" ${revertInSeconds}`,
      sh`}`,
      sh`main "$@" </dev/null`,
    ]).text
  }\n`
}

/** Confirms over a new connection and writes the files; code and end of the log are a frame before the probe's own. */
export function keepPrelude(runDir: string, nonce: string): string {
  return `${
    Script.lines([
      sh`/bin/sh ${runDir}/guard.sh keep ${runDir} >/dev/null 2>&1 </dev/null`,
      sh`printf '@@%s keep\n%s\n' ${nonce} "$?"`,
      sh`cat ${runDir}/digest.after 2>/dev/null`,
      sh`tail -n 5 ${runDir}/log`,
    ]).text
  }\n`
}

/**
 * Takes a run back; one that is still being staged never begins. Ends with 0 when it is taken back, with 70 when it never
 * changed anything, with 72 when taking it back failed. What the targets are then comes on stdout as one digest.
 */
export function revertProgram(runDir: string): string {
  return `${
    Script.lines([
      // Somebody may have lost the connection while a slow disk was still being synced. One rename decides.
      sh`for new in ${runDir}.new.*; do mv "$new" "$new.off" 2>/dev/null && rm -rf "$new.off"; done`,
      sh`[ -d ${runDir} ] || exit 70`,
      sh`/bin/sh ${runDir}/guard.sh revert ${runDir} </dev/null`,
      sh`code=$?`,
      // It gave up at this very moment, with nothing changed.
      sh`[ -d ${runDir} ] || exit 70`,
      sh`cat ${runDir}/digest.after 2>/dev/null`,
      sh`[ "$code" -ne 72 ] || tail -n 5 ${runDir}/log >&2`,
      sh`exit "$code"`,
    ]).text
  }\n`
}

/**
 * What is the case with a run: frames `status` (`name value` lines; empty where the host knows no such run, `denied` where
 * who asks may not look) and `plan`.
 */
export function runQuestion(runDir: string, nonce: string): string {
  const parent = runDir.slice(0, runDir.lastIndexOf('/'))
  return `${
    Script.lines([
      sh`printf '\n@@%s status\n' ${nonce}`,
      sh`[ ! -d ${parent} ] || [ -x ${parent} ] || echo denied`,
      sh`[ ! -d ${runDir} ] || /bin/sh ${runDir}/guard.sh status ${runDir} </dev/null`,
      sh`printf '\n@@%s plan\n' ${nonce}`,
      sh`cat ${runDir}/plan.json 2>/dev/null`,
      sh`printf '\n@@%s end\n' ${nonce}`,
    ]).text
  }\n`
}

/** Shows what each target is at this moment, a frame `look N` each; runs in front of the probe. */
export function lookPrelude(changes: readonly Change[], library: string, nonce: string): string {
  const looks = changes.map((change, i) =>
    Script.lines([sh`printf '\n@@%s look %s\n' ${nonce} ${i}`, lookScript(change)]),
  )
  return `(\n${library}\nmain() {\n${Script.lines(looks).text}\n}\nmain </dev/null\n)\n`
}
