/** Python's regular expressions, as a host pattern's `~regex` has them, in JavaScript's writing. */

const TOKEN = /\\(?:x[\da-f]{2}|u[\da-f]{4}|.)|\[\^?\]?(?:\\.|[^\]\\])*\]?|\(\?P<|\(\?P=(\w+)\)|\{,(\d*)\}/gis
const ESCAPE = /\\(?:x[\da-f]{2}|u[\da-f]{4}|.)/gis
/** Mean the same in both, at least for names in ASCII. */
const SHARED = /^\\(?:[^A-Za-z]|[dDwWsSbBnrtfv]|x.{2}|u.{4})$/s

/** The same expression; throws SyntaxError for what JavaScript would read as something else. */
export function fromPython(source: string): string {
  return source.replaceAll(TOKEN, (token, name: string | undefined, most: string | undefined) => {
    if (token.startsWith('[')) return classOf(token)
    if (name !== undefined) return `\\k<${name}>`
    if (most !== undefined) return `{0,${most}}`
    if (token.startsWith('(')) return '(?<'
    return token === '\\A' ? '^' : token === '\\Z' ? '$' : shared(token)
  })
}

/** A `]` that comes first is a member in Python, and the end of an empty class in JavaScript. */
function classOf(token: string): string {
  const [, not = '', bracket = '', rest = ''] = /^\[(\^?)(\]?)(.*)$/s.exec(token) ?? []
  return `[${not}${bracket === '' ? '' : '\\]'}${rest.replaceAll(ESCAPE, shared)}`
}

function shared(written: string): string {
  if (SHARED.test(written)) return written
  throw new SyntaxError(`there is no ${written}`)
}
