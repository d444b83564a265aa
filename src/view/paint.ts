/** Colours, all in one place; nothing below the views knows of them. */
import type { Status } from '../run/status.ts'

export interface Paint {
  bold(text: string): string
  dim(text: string): string
  red(text: string): string
  green(text: string): string
  yellow(text: string): string
  status(status: Status): string
  /** A line of a diff, by its first character. */
  diff(line: string): string
}

/** Colours, or none (`NO_COLOR`, `--no-color`, not a terminal). */
export function createPaint(color: boolean): Paint {
  const style =
    (code: number) =>
    (text: string): string =>
      color ? `\u001b[${code}m${text}\u001b[0m` : text
  const [bold, dim, red, green, yellow] = [style(1), style(2), style(31), style(32), style(33)]
  const good: readonly Status[] = ['ok', 'changed']
  const mild: readonly Status[] = ['would-change', 'skipped', 'blocked']
  return {
    bold,
    dim,
    red,
    green,
    yellow,
    status: status => (good.includes(status) ? green : mild.includes(status) ? yellow : red)(status),
    diff(line) {
      if (line.startsWith('+')) return green(line)
      if (line.startsWith('-')) return red(line)
      if (line.startsWith('~')) return yellow(line)
      return line.startsWith('    ') || line.startsWith('@@') ? dim(line) : line
    },
  }
}
