/** Strings and numbers as Python writes them. */

interface Token {
  readonly value: string | number
  readonly end: number
}

const OPENING = /([A-Za-z]{0,2})('''|"""|'|")/y
const SPACE = /[ \t\f]*/y
const ESCAPE = /\\(?:([0-7]{1,3})|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([\s\S]))/g
const MALFORMED =
  /(?<!\\)(?:\\\\)*\\(?:x(?![0-9a-fA-F]{2})|u(?![0-9a-fA-F]{4})|U(?!00(?:0[0-9a-fA-F]|10)[0-9a-fA-F]{4})|N)/
const CONTROLS: Readonly<Record<string, string>> = {
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
}

/** String literals that stand beside each other are one; undefined where there is none, or one that is not valid. */
export function readString(text: string, start: number): Token | undefined {
  let found = readOne(text, start)
  if (!found) return undefined
  let value = found.value
  const { isBytes } = found
  for (;;) {
    SPACE.lastIndex = found.end
    SPACE.test(text)
    const next = readOne(text, SPACE.lastIndex)
    if (!next) return { value, end: found.end }
    if (next.isBytes !== isBytes) return undefined
    value += next.value
    found = next
  }
}

interface Piece {
  readonly value: string
  readonly end: number
  readonly isBytes: boolean
}

function readOne(text: string, start: number): Piece | undefined {
  OPENING.lastIndex = start
  const [opening, prefix = '', quote] = OPENING.exec(text) ?? []
  if (opening === undefined || quote === undefined || !/^(?:|u|r|b|br|rb)$/i.test(prefix)) return undefined
  const from = start + opening.length
  let end = from
  while (end < text.length && !text.startsWith(quote, end)) end += text.charAt(end) === '\\' ? 2 : 1
  if (end >= text.length) return undefined
  const body = text.slice(from, end)
  const isRaw = /r/i.test(prefix)
  const isBytes = /b/i.test(prefix)
  // Too few digits after \x, a \N{NAME}, a code point that is none: Python refuses, or knows names that we do not.
  if (!isRaw && MALFORMED.test(body)) return undefined
  return { value: isRaw ? body : body.replace(ESCAPE, unescaped), end: end + quote.length, isBytes }
}

function unescaped(all: string, octal?: string, hex?: string, short?: string, long?: string, char?: string): string {
  if (octal !== undefined) return String.fromCodePoint(Number.parseInt(octal, 8))
  const code = hex ?? short ?? long
  if (code !== undefined) return String.fromCodePoint(Number.parseInt(code, 16))
  // An escape that Python does not know stays as it is.
  return CONTROLS[char ?? ''] ?? all
}

const NUMBER =
  /(?:0[xX](?:_?[0-9a-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+|(?:\d(?:_?\d)*)?\.\d(?:_?\d)*(?:[eE][+-]?\d(?:_?\d)*)?|\d(?:_?\d)*\.?(?:[eE][+-]?\d(?:_?\d)*)?)(?![\w.])/y

/** A whole number too large for ours, and one with a leading zero, are none: the text is kept. */
export function readNumber(text: string, start: number): Token | undefined {
  NUMBER.lastIndex = start
  const written = NUMBER.exec(text)?.[0]
  if (written === undefined) return undefined
  const digits = written.replaceAll('_', '')
  const isWhole = /^\d+$|^0[xob]/i.test(digits)
  const value = Number(digits.replace(/\.$|\.(?=e)/i, ''))
  if (isWhole && (/^0+[1-9]/.test(digits) || !Number.isSafeInteger(value))) return undefined
  return Number.isFinite(value) ? { value, end: start + written.length } : undefined
}
