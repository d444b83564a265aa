/** Shell patterns as Ansible's `fnmatch` knows them: `*`, `?`, `[seq]`, `[!seq]`; the whole name must match. */
import { literally } from '../lang/text.ts'

/** What matches the same names. */
export function globToRegExp(glob: string): RegExp {
  const pieces = glob.split(/\*+/).map(pieceToSource)
  const first = pieces.shift() ?? ''
  const last = pieces.pop()
  if (last === undefined) return new RegExp(`^${first}$`, 'su')
  // Each star takes the shortest way and is never retried: `*a*a*a*b` would otherwise take exponential time.
  const middle = pieces.map((piece, i) => `(?=(.*?${piece}))\\${i + 1}`).join('')
  return new RegExp(`^${first}${middle}.*${last}$`, 'su')
}

function pieceToSource(piece: string): string {
  return piece.replaceAll(/\[(!?)(\]?[^\]]*)\]|./gsu, (all, not: string | undefined, set: string | undefined) => {
    if (set === undefined) return all === '?' ? '.' : literally(all)
    return `[${not ? '^' : ''}${set.replaceAll(/[\\\]^[]/g, '\\$&')}]`
  })
}
