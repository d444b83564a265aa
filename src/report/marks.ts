/** How a host came out: a sign, a word, and what that means in plain words. Colour only repeats it. */
import type { HostState } from '../run/run-summary.ts'
import { type Html, html } from './html.ts'

export type Tone = 'bad' | 'warn' | 'calm' | 'good'

interface Mark {
  readonly sign: string
  readonly tone: Tone
  readonly meaning: string
}

/** The worst first: so a page begins with what somebody has to look into. */
const MARKS: Readonly<Record<HostState, Mark>> = {
  unknown: { sign: '?', tone: 'bad', meaning: 'lost on the way: a person has to look' },
  'rollback-failed': { sign: '‼', tone: 'bad', meaning: 'could not be taken back: a person has to look' },
  'in-doubt': { sign: '?', tone: 'bad', meaning: 'begun, and its end is not recorded' },
  'rolled-back': { sign: '↩', tone: 'warn', meaning: 'tried, and taken back cleanly' },
  failed: { sign: '✗', tone: 'warn', meaning: 'nothing was changed on it' },
  unreachable: { sign: '⊘', tone: 'warn', meaning: 'nobody got in' },
  blocked: { sign: '■', tone: 'warn', meaning: 'declined: the plan would do harm' },
  skipped: { sign: '–', tone: 'calm', meaning: 'not attempted' },
  'not-begun': { sign: '–', tone: 'calm', meaning: 'never begun' },
  'would-change': { sign: '~', tone: 'calm', meaning: 'planned, not applied' },
  changed: { sign: '✓', tone: 'good', meaning: 'changed, and proved over a new connection' },
  ok: { sign: '=', tone: 'good', meaning: 'was as wanted already' },
}

/** All of them, the worst first. */
export const WORST_FIRST = Object.keys(MARKS) as HostState[]

export function toneOf(state: HostState): Tone {
  return MARKS[state].tone
}

export function meaningOf(state: HostState): string {
  return MARKS[state].meaning
}

/** True where somebody has to look into it, or to do it. */
export function isProblem(state: HostState): boolean {
  return toneOf(state) === 'bad' || toneOf(state) === 'warn'
}

/** `✓ changed` */
export function marked(state: HostState): Html {
  const { sign, tone } = MARKS[state]
  return html`<span class="mark ${tone}"><i aria-hidden="true">${sign}</i> ${state}</span>`
}

/** `1 ↩ rolled-back 8 ✓ changed` */
export function counted(states: readonly HostState[]): Html {
  const there = WORST_FIRST.filter(state => states.includes(state))
  return html`${there.map(state => html`${states.filter(one => one === state).length} ${marked(state)} `)}`
}

/** The same without numbers where all are in one state. */
export function markedAll(states: readonly HostState[]): Html {
  const [first] = states
  return first !== undefined && states.every(state => state === first) ? marked(first) : counted(states)
}

const CHECKS = {
  pass: { sign: '✓', tone: 'good', word: 'pass' },
  fail: { sign: '✗', tone: 'bad', word: 'FAIL' },
  unknown: { sign: '?', tone: 'warn', word: 'unknown' },
} as const

/** `✓ pass` */
export function checkMark(status: keyof typeof CHECKS): Html {
  const { sign, tone, word } = CHECKS[status]
  return html`<span class="mark ${tone}"><i aria-hidden="true">${sign}</i> ${word}</span>`
}
