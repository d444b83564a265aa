/** Reads a text from its beginning on, a pattern at a time. */
export interface Reader {
  /** Where it is. */
  readonly at: number
  /** What stands there, if it fits; then it goes on behind it. */
  take(pattern: RegExp): RegExpExecArray | null
}

export function readFrom(text: string, start: number): Reader {
  let at = start
  return {
    get at() {
      return at
    },
    take(pattern) {
      const sticky = new RegExp(pattern, 'y')
      sticky.lastIndex = at
      const found = sticky.exec(text)
      if (found) at = sticky.lastIndex
      return found
    },
  }
}
