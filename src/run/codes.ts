/** Exit codes of the scripts on the host: how meaning travels. A test holds them against the .sh files. */
export const REMOTE = {
  ok: 0,
  /** Asked to take a run back that never changed anything. */
  untouched: 70,
  /** A step failed and everything was taken back. */
  undone: 71,
  /** A step failed, and so did taking it back. */
  undoFailed: 72,
  /** The run directory could not be made or filled: nothing was changed. */
  notStaged: 73,
  /** No guard could be armed: nothing was changed. */
  notArmed: 74,
  /** The host is no longer what the plan was made on: nothing was changed. */
  stale: 75,
  /** It was taken back by the guard, or by somebody, before this came. */
  expired: 76,
  /** Another run, or a change that is not confirmed yet: nothing was changed. */
  locked: 77,
} as const
