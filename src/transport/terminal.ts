/**
 * A command behind a terminal: sudo with requiretty, doas and an old su take a password only there. One stream each way,
 * made transparent by `stty raw -echo`; it has no end of input, so the input's length goes first.
 */
import type { ExecResult } from './connection.ts'

const codeOf = (marker: string): string => `${marker} exit `
const errorsOf = (marker: string): string => `${marker} stderr`

/** Digits of a length, filled up with `_`. */
const DIGITS = 12

/**
 * After the marker `MARKER LENGTH` is awaited, then so many bytes, which are the command's input. No byte more is taken:
 * by `dd`, for a shell's `read` may take all that a terminal has. Its output goes through `cat`, for what sees a terminal
 * pages and colours. Then comes a line, what it said on stderr, and its exit code. The end of a terminal hangs up on
 * everybody; without one a command, and what it leaves behind, outlives the connection: so it does here.
 */
export const ON_TERMINAL = (command: string): string => `
trap '' HUP
echo; echo "$ctfix_marker"
ctfix_line=$(dd bs=1 count=$((\${#ctfix_marker} + ${DIGITS + 1})) 2>/dev/null)
until case $ctfix_line in *"$ctfix_marker "${'?'.repeat(DIGITS)}) : ;; *) false ;; esac; do
  ctfix_byte=$(dd bs=1 count=1 2>/dev/null && echo .)
  case $ctfix_byte in '' | .) exit 1 ;; esac
  ctfix_line=$ctfix_line\${ctfix_byte%.}
done
feed() { if [ "$1" -gt 0 ]; then dd bs=1 count="$1" 2>/dev/null; fi; }
exec 3>&1
said=$(
  {
    { feed "\${ctfix_line##*[ _]}" | ${command} 3>&- 4>&- 5>&-; printf '\\n%s%s' "$ctfix_marker exit " "$?" >&4; } 2>&5 | cat >&3
  } 4>&1 5>&1
)
printf '\\n%s\\n%s\\n' "$ctfix_marker stderr" "$said"`

/** What goes before the input. */
export function lengthOf(marker: string, input: string): string {
  return `${marker} ${String(Buffer.byteLength(input)).padStart(DIGITS, '_')}`
}

/** What the command printed, and how it ended; null when its last line is missing. */
export function parseTerminal(text: string, marker: string): ExecResult | null {
  const begin = text.indexOf(`\n${marker}\n`)
  const middle = text.lastIndexOf(`\n${errorsOf(marker)}\n`)
  const end = text.lastIndexOf(`\n${codeOf(marker)}`)
  const code = /^(\d{1,3})\s*$/.exec(text.slice(end + codeOf(marker).length + 1))?.[1]
  if (begin === -1 || middle < begin || end === -1 || code === undefined) return null
  const stderrAt = middle + errorsOf(marker).length + 2
  return {
    exitCode: Number(code),
    stdout: text.slice(begin + marker.length + 2, middle),
    stderr: text.slice(stderrAt, Math.max(stderrAt, end)),
  }
}
