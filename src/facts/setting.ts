/** A line of a file, with its place. */

/** One assignment found in a configuration file, with its place; `file` is the path the probe read. */
export interface Setting {
  readonly file: string
  readonly line: number
  /** The line as it stands, trimmed. */
  readonly text: string
}
