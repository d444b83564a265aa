/** How many columns of a terminal a text takes. Text here has no control characters: `plain` has seen to that. */

const LETTERS = new Intl.Segmenter('en', { granularity: 'grapheme' })
const SIMPLE = /^[\u0020-\u007e]*$/
// biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with one
const STYLE = /\u001b\[\d*m/g
/** Letters of two columns: East Asian ones, full-width forms, and what is drawn as a picture. */
const WIDE =
  /^(?![\uff61-\uffdc])(?:\p{Emoji_Presentation}|.\ufe0f|\p{Script=Han}|\p{Script=Hangul}|\p{Script=Hiragana}|\p{Script=Katakana}|[\u3000-\u303e\uff01-\uff60\uffe0-\uffe6])/u
/** What is drawn into the letter before it, or not at all. */
const NONE = /^[\p{Mn}\p{Me}\p{Cf}]+$/u

function letterWidth(letter: string): number {
  if (NONE.test(letter)) return 0
  return WIDE.test(letter) ? 2 : 1
}

/** Columns of a text; colours take none. */
export function displayWidth(text: string): number {
  const bare = text.replace(STYLE, '')
  if (SIMPLE.test(bare)) return bare.length
  let width = 0
  for (const { segment } of LETTERS.segment(bare)) width += letterWidth(segment)
  return width
}

/** Pads with blanks to so many columns. */
export function padTo(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - displayWidth(text)))
}

/** At most so many columns of a text without colours; what was cut off is said by `…`. */
export function cutTo(text: string, columns: number): string {
  if (SIMPLE.test(text) && text.length <= columns) return text
  if (columns < 1) return ''
  let kept = ''
  let width = 0
  let fitting = ''
  for (const { segment } of LETTERS.segment(text)) {
    width += letterWidth(segment)
    if (width > columns) return `${fitting}…`
    kept += segment
    if (width < columns) fitting = kept
  }
  return kept
}
