/** The words that are put in front of a command so that sudo, doas or su runs it. */
import type { Become } from '../inventory/host.ts'
import { sh } from '../lang/sh.ts'
import { ON_TERMINAL } from './terminal.ts'

/** How a command gets to its user. */
export interface Way {
  readonly become: Become
  /** A line that nobody else prints: says that the tool has let us in. */
  readonly marker: string
  /** The tool may ask: it is listened to before the command's input is sent. */
  readonly asks: boolean
  readonly terminal: boolean
}

/** Printed before su and doas speak, which have no prompt of our choice. */
export const startOf = (marker: string): string => `${marker} asks`

/** Of nologin, the shell of accounts that nobody logs in to. */
export const NO_LOGIN = /this account is (?:currently )?not available/i

/** The prompt we choose for sudo. */
export const promptOf = (marker: string): string => `${marker} password: `

/** The marker on a line of its own, whatever a login shell has printed without ending its line. */
const SAYS = (marker: string): string => `echo >&2; echo ${marker} >&2; `

/**
 * After the marker nothing counts until the same line comes back: a password that went unread is no
 * part of the command's input. `read` takes a byte at a time, so what follows the line is left to the command.
 */
const LISTENS =
  'unset ctfix_line; ' + 'until [ "$ctfix_line" = "$ctfix_marker" ]; do IFS= read -r ctfix_line || exit 1; done; '

/**
 * The command as another user's. It has to be one simple command; sudo and doas get its words as the login shell leaves
 * them, su the command itself, to be expanded in the shell of the other user, where the environment is still the same.
 */
export function wrap(command: string, way: Way): string {
  const { become, terminal } = way
  if (become.method === 'su') return preface(way, [...toolWords(way), '-c', inner(way, command), become.user], '')
  const words = [...toolWords(way), '-u', become.user, '--', '/bin/sh', '-c', inner(way, '"$0" "$@"')]
  return terminal ? preface(way, words, command) : `${sh`${words}`.text} ${command}`
}

/** LC_ALL: where a tool says no, its words are shown, and they decide whether a terminal would help. */
function toolWords({ become, marker, asks }: Way): string[] {
  const tool = ['env', 'LC_ALL=C', become.exe ?? become.method]
  if (become.method === 'su') return [...tool, '-s', '/bin/sh']
  if (become.method === 'doas') return asks && become.password ? tool : [...tool, '-n']
  return [...tool, ...(asks && become.password ? ['-S', '-p', promptOf(marker)] : ['-n']), '-H']
}

/** What the other user's shell does: says that it is there, waits where we talk, and becomes the command. */
function inner({ become, marker, asks, terminal }: Way, command: string): string {
  if (!asks) return `${SAYS(marker)}exec ${command}`
  const known = `ctfix_marker=${marker}; `
  if (terminal) return known + ON_TERMINAL(command)
  // See preface: its own stdout is put by.
  const own = become.method === 'su' ? ' >&3 3>&-' : ''
  return `${known}${SAYS(marker)}${LISTENS}exec ${command}${own}`
}

/**
 * Says where the tool begins to speak, and makes it speak on stderr: busybox's su asks on stdout. A terminal is made one
 * that echoes nothing and leaves every byte alone.
 */
function preface({ marker, terminal }: Way, words: readonly string[], command: string): string {
  const raw = terminal ? 'stty raw -echo || exit 126; ' : ''
  const first = `${raw}echo >&2; echo '${startOf(marker)}' >&2; exec "$@"${terminal ? '' : ' 3>&1 >&2'}`
  return `${sh`/bin/sh -c ${first} sh ${words}`.text} ${command}`.trimEnd()
}
