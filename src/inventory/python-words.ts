/** Words of a line as Python's `shlex.split(line, comments=True)` splits them: what a host line of an INI file is. */

/** Why a line cannot be split: the second half of `expected …, got …` is in it. */
export class WordsFault extends Error {}

/** The words; none for a comment. Throws WordsFault. */
export function splitWords(line: string): readonly string[] {
  // Most lines of a fleet.
  if (!/['"\\#]/.test(line)) return line.split(/[ \t\r\n]+/).filter(word => word !== '')
  const words: string[] = []
  let word: string | null = null
  for (let i = 0; i < line.length; i++) {
    const char = line.charAt(i)
    // Also in the middle of a word.
    if (char === '#') break
    if (char === ' ' || char === '\t' || char === '\r' || char === '\n') {
      if (word !== null) words.push(word)
      word = null
    } else if (char === '\\') {
      i += 1
      if (i >= line.length)
        throw new WordsFault('expected a character after the last backslash, got the end of the line')
      word = (word ?? '') + line.charAt(i)
    } else if (char === '"' || char === "'") {
      const { text, end } = quoted(line, i)
      word = (word ?? '') + text
      i = end
    } else word = (word ?? '') + char
  }
  if (word !== null) words.push(word)
  return words
}

function quoted(line: string, start: number): { readonly text: string; readonly end: number } {
  const quote = line.charAt(start)
  let text = ''
  for (let i = start + 1; i < line.length; i++) {
    const char = line.charAt(i)
    if (char === quote) return { text, end: i }
    const next = line.charAt(i + 1)
    if (quote === '"' && char === '\\' && (next === '"' || next === '\\')) {
      text += next
      i += 1
    } else text += char
  }
  throw new WordsFault(`expected a closing ${quote}, got the end of the line`)
}
