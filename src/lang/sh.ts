/** Building POSIX sh. Every value is quoted exactly once, here; a value can never become program text. */

/** One sh word that stands for exactly this string. NUL cannot exist in a word and is refused. */
export function quote(value: string): string {
  if (value.includes('\0')) throw new TypeError('a NUL byte cannot be part of a shell word')
  if (value !== '' && /^[A-Za-z0-9_@%+:,./-]+$/.test(value)) return value
  return `'${value.replaceAll("'", "'\\''")}'`
}

/**
 * A piece of program text. Only `sh` makes one, so a plain string can never slip in unquoted.
 */
export class Script {
  readonly text: string
  private constructor(text: string) {
    this.text = text
  }
  /** Joins pieces line by line. */
  static lines(pieces: readonly Script[]): Script {
    return new Script(pieces.map(piece => piece.text).join('\n'))
  }
  /** For `sh` below and for the .sh files of this project, which are text we wrote. */
  static trusted(text: string): Script {
    return new Script(text)
  }
}

type Value = string | number | Script | readonly string[]

function word(value: Value): string {
  if (value instanceof Script) return value.text
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' ? quote(value) : value.map(quote).join(' ')
}

/**
 * Tagged template: every `${string}` becomes one quoted word, an array several, a Script stays program text.
 * Backslashes are sh's, not JavaScript's: `\\n` in a printf format arrives as it is written.
 */
export function sh(strings: TemplateStringsArray, ...values: readonly Value[]): Script {
  return Script.trusted(strings.raw.reduce((text, part, i) => text + word(values[i - 1] ?? '') + part))
}
