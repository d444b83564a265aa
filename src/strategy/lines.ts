/** Editing small configuration files by line, without touching what is not ours. */
import { sameVariable } from './boot.ts'

/** First line of every file that is ours alone. */
export const HEADER = '# Written by ctfix. Remove the file, or run the undo of the run that wrote it, to go back.'

/** Sets `key = value` lines: an existing assignment of the key is replaced in place (a second one removed), a new one is appended. */
export function setAssignments(
  content: string | null,
  values: ReadonlyMap<string, string>,
  options: {
    readonly format: (key: string, value: string) => string
    readonly sameKey: (a: string, b: string) => boolean
  },
): string {
  const pending = new Map(values)
  const kept: string[] = []
  for (const line of splitLines(content ?? `${HEADER}\n`)) {
    const key = /^\s*-?\s*([A-Za-z0-9_./-]+)\s*=/.exec(line)?.[1]
    const ours = key === undefined ? undefined : [...values.keys()].find(name => options.sameKey(name, key))
    if (ours === undefined) {
      kept.push(line)
      continue
    }
    const value = pending.get(ours)
    if (value === undefined) continue
    kept.push(keepIfEqual(line, value) ?? options.format(ours, value))
    pending.delete(ours)
  }
  for (const [key, value] of pending) kept.push(options.format(key, value))
  return joinLines(kept)
}

/** A line that already says so stays as it is written: a difference in blanks is no change. */
function keepIfEqual(line: string, value: string): string | null {
  const written = line.slice(line.indexOf('=') + 1).trim()
  return written === value || written === `"${value}"` ? line : null
}

/** Sysctl files: `a.b.c = 1`; `/` and `.` both separate. */
export function setSysctlLines(content: string | null, values: ReadonlyMap<string, string>): string {
  const normal = (key: string): string => key.replaceAll('/', '.')
  return setAssignments(content, values, {
    format: (key, value) => `${key} = ${value}`,
    // Another spelling of the same variable further down would win over ours.
    sameKey: (a, b) => sameVariable(normal(a), normal(b)),
  })
}

/** Shell-style configuration (`/etc/sysconfig/iptables-config`): `KEY="value"`. */
export function setShellLines(content: string | null, values: ReadonlyMap<string, string>): string {
  return setAssignments(content, values, {
    format: (key, value) => `${key}="${value}"`,
    sameKey: (a, b) => a === b,
  })
}

/** A file of ours that holds just these lines. */
export function ownFile(lines: readonly string[]): string {
  return joinLines([HEADER, ...lines])
}

/** Adds a line to a list file unless it stands there already. */
export function addLine(content: string | null, line: string): string {
  const lines = splitLines(content ?? '')
  return lines.some(existing => existing.trim() === line) ? (content ?? '') : joinLines([...lines, line])
}

/** `options MODULE key=value`: only that word changes, on every line that has it; other options and lines stay. */
export function setModuleOption(content: string | null, module: string, option: string): string {
  const key = option.slice(0, option.indexOf('='))
  const ofModule = new RegExp(`^\\s*options\\s+${module}\\s`)
  const word = new RegExp(`(\\s)${key}=\\S*`)
  const lines = splitLines(content ?? '')
  const isSet = (line: string): boolean => ofModule.test(line) && word.test(line)
  if (!lines.some(isSet)) return joinLines([...lines, `options ${module} ${option}`])
  const edited = lines.map(line => (isSet(line) ? line.replace(word, `$1${option}`) : line))
  return edited.every((line, i) => line === lines[i]) ? (content ?? '') : joinLines(edited)
}

function splitLines(content: string): string[] {
  const lines = content.split('\n')
  if (lines.at(-1) === '') lines.pop()
  return lines
}

function joinLines(lines: readonly string[]): string {
  return `${lines.join('\n')}\n`
}
