/** What a target is at this moment, as look.sh prints it. */

/** `state` null: absent. `refused` says why something is there and cannot be taken over: no regular file, no text. */
export type Looked<State> = { readonly state: State | null } | { readonly refused: string }

/** What look.sh says of a target that is there and that it may not read; null for any other text. */
export function unreadable(text: string): { readonly refused: string } | null {
  return /^unreadable\n?$/.test(text) ? { refused: 'it could not be read' } : null
}

/** The text of a look is none that look.sh prints: cut off, or somebody else's. */
export class LookError extends Error {
  override readonly name = 'LookError' as const
}

/** For a text that is no look at such a target. */
export function notALook(target: string, text: string): LookError {
  const first = text.split('\n', 1)[0]?.slice(0, 80) ?? ''
  return new LookError(`no look at ${target}: it begins with ${JSON.stringify(first)}`)
}
