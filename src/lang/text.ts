/** Text from a host is untrusted: a terminal must never act on it. */

// C0 and C1 controls (but tab and newline), DEL, and the bidirectional overrides that reorder what a reader sees.
// biome-ignore lint/suspicious/noControlCharactersInRegex: removing control characters is what this is for
const HARMFUL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

/** Makes control characters visible and harmless: ESC becomes `\x1b`. Tab and newline stay. */
export function plain(text: string): string {
  return text.replace(HARMFUL, char => {
    const code = char.charCodeAt(0)
    return code > 0xff ? `\\u${code.toString(16).padStart(4, '0')}` : `\\x${code.toString(16).padStart(2, '0')}`
  })
}

/** The last non-empty line of an output, harmless and at most `limit` characters: what goes into an error message. */
export function lastLine(text: string, limit = 200): string {
  const line = text.trimEnd().split('\n').at(-1)?.trim() ?? ''
  const safe = plain(line)
  return safe.length > limit ? `${safe.slice(0, limit - 1)}…` : safe
}

/** The known word nearest to a mistyped one, or undefined when none is near (at most a third of its letters away). */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const ranked = known.map(candidate => ({ candidate, distance: editDistance(word, candidate) }))
  const best = ranked.toSorted((a, b) => a.distance - b.distance)[0]
  return best && best.distance <= Math.max(2, Math.floor(best.candidate.length / 3)) ? best.candidate : undefined
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const current = [i]
    for (let j = 1; j <= b.length; j++) {
      const substitution = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      current.push(Math.min(substitution, (previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1))
    }
    previous = current
  }
  return previous[b.length] ?? 0
}

/** The source of a regular expression for exactly this text. */
export function literally(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}
