/** HTML by a tag that escapes: whatever is put into a text is text, and only what the tag itself made is markup. */
import { plain } from '../lang/text.ts'

/** Made by `html` alone. */
export class Html {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

export type Part = Html | string | number | null | false | readonly Part[]

const LETTERS: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** A text of whomever, in an element or in an attribute with quotes. */
export function escaped(text: string): string {
  return plain(text).replace(/[&<>"']/g, letter => LETTERS[letter] ?? '')
}

/** Strings and numbers are escaped, markup stays, lists follow one another; null and false are nothing. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(strings.reduce((text, next, i) => text + markup(parts[i - 1] ?? null) + next))
}

function markup(part: Part): string {
  if (part === null || part === false) return ''
  if (part instanceof Html) return part.text
  if (typeof part === 'object') return part.map(markup).join('')
  return escaped(String(part))
}
