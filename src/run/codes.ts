/** Exit codes of the scripts on the host: how meaning travels. A test holds them against the .sh files. */
export const REMOTE = {
  ok: 0,
  /** A step failed and everything was taken back. */
  undone: 71,
  /** A step failed, and so did taking it back. */
  undoFailed: 72,
  /** The run directory could not be made or filled: nothing was changed. */
  notStaged: 73,
  /** The host is no longer what the plan was made on: nothing was changed. */
  stale: 75,
} as const
