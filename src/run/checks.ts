/** What counts as cured: named checks with their evidence. "Could not look" is unknown, and unknown is never pass. */
import type { Facts } from '../facts/facts.ts'
import { formatCount, formatShare } from '../lang/numbers.ts'
import { ofLayer, type Plan } from '../plan/plan.ts'
import { strategies } from '../strategy/index.ts'
import { PRESSURE } from '../strategy/sizing.ts'
import type { Blocker, Evidence } from '../strategy/strategy.ts'

export interface Check {
  readonly name: string
  readonly status: 'pass' | 'fail' | 'unknown'
  /** The evidence, one sentence. */
  readonly detail: string
}

/** Counters that rise when the table refuses or throws out entries. `insert_failed` alone also rises by harmless UDP races. */
const LOSS_COUNTERS = ['drop', 'early_drop', 'chainlength'] as const

/** Said only where a connection was opened to find out; a way in that fails ends the host before any check. */
const NEW_CONNECTION: Check = {
  name: 'new-connection',
  status: 'pass',
  detail: 'a new connection and handshake went through',
}

/** Judges facts gathered over a new connection. `again` is the plan made on them: what it still lists is not as wanted. */
export function judge(
  facts: Facts,
  again: Plan,
  options: { readonly files: boolean; readonly newConnection?: boolean },
): Check[] {
  return [
    ...(options.newConnection ? [NEW_CONNECTION] : []),
    asWanted('values-as-wanted', again, 'runtime'),
    ...(options.files ? [survivesReboot(again)] : []),
    belowMax(facts),
    ...(again.evidence ?? []).flatMap(one => (options.files || one.when === 'always' ? [checkOf(one, again)] : [])),
    ...symptom(facts),
  ]
}

function checkOf({ name, status, detail, excusedBy }: Evidence, { forced }: Plan): Check {
  const isForced = status === 'fail' && forced.some(({ code }) => code === excusedBy)
  return isForced ? { name, status: 'pass', detail: `forced past: ${detail}` } : { name, status, detail }
}

function asWanted(name: string, again: Plan, layer: 'runtime' | 'persistent'): Check {
  const left = ofLayer(again.changes, layer)
  // There the strategies compare nothing: an empty plan is then no proof.
  const unseen = again.blockers.find(({ code }) => UNSEEN.includes(code) || (code === 'needs-root' && isOfRules(again)))
  if (unseen) return { name, status: 'unknown', detail: unseen.message }
  return left.length === 0
    ? { name, status: 'pass', detail: 'nothing left to change' }
    : { name, status: 'fail', detail: `still to change: ${left.map(({ target }) => target).join(', ')}` }
}

/** Blockers of a host that is not looked at any further: its values are somebody else's, or its rules could not be read. */
const UNSEEN = ['not-own-kernel', 'rules-unread', 'built-in', 'tracks-when-loaded']

/** Values can be read by anybody, and rules by root alone. */
function isOfRules({ steps }: Plan): boolean {
  return strategies.some(({ name, needs }) => needs.ruleset && steps.some(({ strategy }) => strategy === name))
}

/** Blockers that say what boot makes of it: it would undo it, or fail. */
const UNDONE_AT_BOOT = [
  ...['overridden-at-boot', 'broken-modprobe-line', 'file-refused', 'saved-elsewhere', 'saved-rules-need-tracking'],
  ...['ufw-enabled', 'notrack-in-force', 'install-wins', 'install-ignored', 'initramfs-holds-it'],
]
/** Blockers of a boot that nobody can foretell. */
const UNKNOWN_AT_BOOT = ['saved-unread', 'saved-unknown']

/** The files boot will read give the live values, and nothing applied later says otherwise. */
function survivesReboot(again: Plan): Check {
  const name = 'survives-reboot'
  const left = asWanted(name, again, 'persistent')
  const undoers = again.blockers.filter(({ code }) => UNDONE_AT_BOOT.includes(code))
  const open = again.blockers.filter(({ code }) => UNKNOWN_AT_BOOT.includes(code))
  const said = (blockers: readonly Blocker[]): string => blockers.map(({ message }) => message).join('; ')
  if (undoers.length > 0) return { name, status: 'fail', detail: said(undoers) }
  if (left.status !== 'pass') return left
  if (open.length > 0) return { name, status: 'unknown', detail: said(open) }
  // Whoever forced their way past it has been told, and must not be taken back for it.
  const forced = again.forced
    .filter(({ code }) => [...UNDONE_AT_BOOT, ...UNKNOWN_AT_BOOT].includes(code))
    .map(({ message }) => `; forced past: ${message}`)
  return { name, status: 'pass', detail: `the files that boot reads give the same values${forced.join('')}` }
}

function belowMax({ family, count, max, usage }: Facts): Check {
  const name = 'count-below-max'
  if (family === null) return { name, status: 'pass', detail: 'no conntrack here' }
  if (max === 0) return { name, status: 'pass', detail: 'max is 0: unlimited on this kernel' }
  if (count === null || max === null || usage === null)
    return { name, status: 'unknown', detail: 'could not read count and max' }
  const detail = `${formatCount(count)} of ${formatCount(max)} (${formatShare(usage)})`
  return { name, status: usage < PRESSURE ? 'pass' : 'fail', detail }
}

/** Counters and log lines over the window, where one was watched. */
function symptom(facts: Facts): Check[] {
  const { earlier, stats, log } = facts
  if (earlier === null) return []
  const window = `in ${earlier.secondsBefore} s`
  if (earlier.secondsBefore < LEAST_WINDOW_SECONDS) {
    const detail = 'the host gave no time to watch: its clock stood still'
    return SYMPTOMS.map(name => ({ name, status: 'unknown', detail }))
  }
  return [dropsStill(earlier.stats, stats, window, facts.family === null), noNewLines(earlier.log, log, window)]
}

/** Both looks must lie apart: counters of one moment always stand still. */
const LEAST_WINDOW_SECONDS = 0.5

function dropsStill(before: Facts['stats'], now: Facts['stats'], window: string, absent: boolean): Check {
  const name = 'drops-still'
  if (before === null || now === null) {
    return absent
      ? { name, status: 'pass', detail: 'no conntrack here' }
      : { name, status: 'unknown', detail: 'this kernel shows no conntrack counters' }
  }
  if (!LOSS_COUNTERS.some(counter => counter in now.counters && counter in before.counters)) {
    return { name, status: 'unknown', detail: 'this kernel shows none of the counters of lost packets' }
  }
  const rises = LOSS_COUNTERS.flatMap(counter => {
    const rise = (now.counters[counter] ?? 0) - (before.counters[counter] ?? 0)
    return rise === 0 ? [] : [`${counter} +${formatCount(rise)}`]
  })
  return rises.length === 0
    ? { name, status: 'pass', detail: `no drop, early drop or long chain ${window}` }
    : { name, status: 'fail', detail: `${rises.join(', ')} ${window}` }
}

function noNewLines(before: Facts['log'], now: Facts['log'], window: string): Check {
  const name = 'no-new-table-full-lines'
  if (before === null || now === null) return { name, status: 'unknown', detail: 'the kernel log is not readable' }
  const rise = now.lines - before.lines
  const newer = (now.lastAtSeconds ?? 0) > (before.lastAtSeconds ?? 0)
  if (rise > 0 || newer) return { name, status: 'fail', detail: `table full was logged again ${window}` }
  return rise < 0
    ? { name, status: 'unknown', detail: `the kernel log was overwritten ${window}` }
    : { name, status: 'pass', detail: `no new table-full line ${window}` }
}

/** The two symptoms: one of them must be seen to be gone; where both can be seen, neither may be there. */
const SYMPTOMS = ['drops-still', 'no-new-table-full-lines']

/** True for a check of a symptom. */
function isSymptom({ name }: Check): boolean {
  return SYMPTOMS.includes(name)
}

/** What only a window shows: a look without one cannot say it again. */
const WATCHED = [...SYMPTOMS, 'no-new-entries']

/**
 * Checks of a look without a window, with what `watched`, those of one before, have seen over theirs. Where entries were
 * removed in between (`removed`), a count of then is said to be of then.
 */
export function withWatched(checks: readonly Check[], watched: readonly Check[], removed = false): Check[] {
  const seen = watched.filter(({ name }) => WATCHED.includes(name))
  return [
    ...checks.filter(({ name }) => !WATCHED.includes(name)),
    ...seen.map(check =>
      removed && check.name === 'no-new-entries'
        ? { ...check, detail: `${check.detail}, watched before the entries were removed` }
        : check,
    ),
  ]
}

/** Without what only a window would have shown: where nothing was changed nobody watches, and that is no finding. */
export function withoutUnwatched(checks: readonly Check[]): Check[] {
  return checks.filter(({ name, status }) => status !== 'unknown' || !WATCHED.includes(name))
}

/** What shows that the table has room; where relief comes later, it may not show yet. */
const RELIEF = ['count-below-max', ...SYMPTOMS]

/** The checks that decide whether a change stays: what only time can show is reported, and takes nothing back. */
export function decisive(checks: readonly Check[], relief: 'at-once' | 'later'): readonly Check[] {
  const seen = checks.filter(({ name, status }) => status !== 'unknown' || !isChance(name))
  return relief === 'at-once' ? seen : seen.filter(({ name }) => !RELIEF.includes(name))
}

/** Whether these can be seen hangs on who sends packets just then, or what tools there are. */
const CHANCE = [
  'service-answers',
  'flows-exercised',
  'no-entries-of-flows',
  'conntrack-gone',
  'modprobe-refuses',
  'no-trigger-left',
  'own-connection-untracked',
  'no-new-entries',
  'image-without',
]

function isChance(name: string): boolean {
  return CHANCE.includes(name) || name.startsWith('probe-')
}

/** True when nothing failed and nothing that must be known is unknown. */
export function passes(checks: readonly Check[]): boolean {
  if (checks.some(({ status }) => status === 'fail')) return false
  const symptoms = checks.filter(isSymptom)
  const others = checks.filter(check => !isSymptom(check))
  const seen = symptoms.length === 0 || symptoms.some(({ status }) => status === 'pass')
  return seen && others.every(({ status }) => status === 'pass')
}

/** What did not pass, in one line. */
export function failures(checks: readonly Check[]): string {
  return checks
    .filter(({ status }) => status !== 'pass')
    .map(({ name, status, detail }) => `${name}: ${status === 'unknown' ? 'unknown, ' : ''}${detail}`)
    .join('; ')
}
