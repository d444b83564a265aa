/** The programs of one exec each: what is sent to a host to begin a run, to keep it, to take it back and to ask about it. */
import type { Change } from '../change/change.ts'
import { lookScript } from '../change/kinds.ts'
import { Script, sh } from '../lang/sh.ts'

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
  const all = [...files, ['begun', ''] as const]
  const writes = all.map(([name, content]) => sh`  fill "$new/"${name} ${content}`)
  return `${
    Script.lines([
      sh`give_up() { rm -rf "$new"; printf 'ctfix: cannot fill %s: read-only, or no space left\n' "$dir" >&2; exit 73; }`,
      sh`fill() { { printf %s "$2" >"$1"; } 2>/dev/null || give_up; filled=$filled$2; }`,
      sh`main() {`,
      sh`  umask 077`,
      sh`  dir=${runDir} new=${runDir}.new.$$ filled=`,
      // An earlier try of the same run that ended where it began makes room; one that did not is in the way.
      sh`  [ ! -e "$dir" ] || { /bin/sh "$dir/guard.sh" over "$dir" && mv "$dir" "$dir.old.$$"; } 2>/dev/null`,
      sh`  [ ! -e "$dir" ] || { printf 'ctfix: locked: this run is under way here, see %s\n' "$dir" >&2; exit 77; }`,
      sh`  mkdir -p "$new/snapshot" 2>/dev/null || { rm -rf "$new" 2>/dev/null; [ -d ${parent} ] || dir=${parent}; printf 'ctfix: cannot make %s\n' "$dir" >&2; exit 73; }`,
      ...writes,
      // Read back, all at once: a disk may be full without anything failing.
      sh`  [ "$(cd "$new" && cat ${all.map(([name]) => name)}; printf x)" = "$filled"x ] 2>/dev/null || give_up`,
      // All of it: after a power cut an empty guard.sh would do nothing, and end as one that has done it.
      sh`  sync "$new"/* "$new" 2>/dev/null || sync`,
      // Whoever looks finds all of it or nothing.
      sh`  mv "$new" "$dir" || give_up`,
      // Into one that another try of this run made in the meantime: that one goes on, and this never began.
      sh`  [ ! -e "$dir/"${name}.new.$$ ] || { rm -rf "$dir/"${name}.new.$$; printf 'ctfix: locked: this run is under way here, see %s\n' "$dir" >&2; exit 77; }`,
      sh`  exec /bin/sh "$dir/guard.sh" start "$dir" ${revertInSeconds}`,
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
      // A shell reads one line by itself, and mostly there is no log: each program not started counts on a small host.
      sh`{ read -r digest <${runDir}/digest.after && printf '%s\n' "$digest"; } 2>/dev/null`,
      sh`[ ! -s ${runDir}/log ] || tail -n 5 ${runDir}/log`,
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
