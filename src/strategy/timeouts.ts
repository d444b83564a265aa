/** timeouts: entries leave the table sooner. A live entry takes the new value at its next packet, not before. */
import { z } from 'zod'
import type { Change } from '../change/change.ts'
import type { Facts, Family } from '../facts/facts.ts'
import { formatDuration, parseDuration } from '../lang/duration.ts'
import { formatCount } from '../lang/numbers.ts'
import { timeoutSysctl } from './names.ts'
import { ownershipBlockers } from './ownership.ts'
import { persist } from './persist.ts'
import { type Blocker, type Draft, defineStrategy } from './strategy.ts'

/** RFC 5382, REQ-5: an established connection must not be forgotten before 2 hours 4 minutes. */
const RFC5382_SECONDS = 7440
/** Below this, live connections (idle database pools, SSH) are cut in ordinary use. */
const LEAST_ESTABLISHED_SECONDS = 300
/** The kernel counts in jiffies in a signed 32-bit integer: 2^31 / 1000 Hz. It accepts 0 and negatives in silence, so we check. */
const MOST_SECONDS = 2_147_483

/** Names as the option has them → as the facts have them. The bare ones are TCP's. */
const TCP_STATES = [
  'syn_sent',
  'syn_recv',
  'established',
  'fin_wait',
  'close_wait',
  'last_ack',
  'time_wait',
  'close',
  'max_retrans',
  'unacknowledged',
] as const
const OTHERS = [
  'udp',
  'udp_stream',
  'icmp',
  'icmpv6',
  'generic',
  'gre',
  'gre_stream',
  'sctp_established',
  'sctp_closed',
] as const

/** In the order of the options: settled and asked for again they must come to the same plan. */
const DEFAULTS = { established: RFC5382_SECONDS, fin_wait: 60, close_wait: 60, time_wait: 60 } as const

const seconds = z
  .union([z.number(), z.string()])
  .transform((input, context) => {
    const parsed = typeof input === 'number' ? input : parseDuration(input)
    if (parsed !== null && Number.isInteger(parsed) && parsed >= 1 && parsed <= MOST_SECONDS) return parsed
    context.addIssue({
      code: 'custom',
      message: `expected whole seconds from 1 to ${MOST_SECONDS}, or a duration such as 2h4m`,
      input,
    })
    return z.NEVER
  })
  .optional()
  .describe('seconds, or a duration such as 2h4m')

const options = z.strictObject({
  ...Object.fromEntries([...TCP_STATES, ...OTHERS].map(name => [name, seconds])),
  raise: z.boolean().default(false).describe('go up too, where the host has a shorter timeout'),
})

type Options = Readonly<Record<string, unknown>>

export const timeouts = defineStrategy<Options>({
  name: 'timeouts',
  summary: 'entries leave sooner: shorter TCP, UDP, ICMP and generic timeouts, at once and over a reboot',
  needs: { states: true },
  relief: 'later',
  options,
  plan,
})

function plan(input: Options, facts: Facts): Draft {
  const asked = askedSeconds(input)
  const settled = { ...Object.fromEntries(asked), raise: input.raise === true }
  const { family } = facts
  if (family === null) {
    return { changes: [], warnings: ['conntrack is not loaded: there are no timeouts to set'], blockers: [], settled }
  }
  if (!facts.ownsKernel) return { changes: [], warnings: [], blockers: ownershipBlockers(facts), settled }
  const known = new Map([...asked].filter(([name]) => factName(name) in facts.timeouts))
  const missing = [...asked.keys()].filter(name => !known.has(name))
  const runtime = [...known].flatMap(([name, after]) => runtimeChange(facts, family, name, after, input.raise === true))
  const lasting = new Map(
    [...known].map(([name, after]) => [name, effective(facts, name, after, input.raise === true)]),
  )
  const kept = persist(facts, family, {
    sysctls: new Map([...lasting].map(([name, value]) => [timeoutSysctl(family, factName(name)), String(value)])),
    hashsize: null,
  })
  return {
    changes: [...runtime, ...kept.changes],
    warnings: [
      ...missing.map(name => `this kernel has no timeout ${name}`),
      ...establishedWarnings(known),
      ...oldTimerWarnings(facts, runtime, known),
    ],
    blockers: [...ownershipBlockers(facts), ...tooShort(known), ...kept.blockers],
    settled,
  }
}

/** What was asked for, or the defaults when nothing was. */
function askedSeconds(input: Options): Map<string, number> {
  const given = Object.entries(input).filter((entry): entry is [string, number] => typeof entry[1] === 'number')
  return new Map(given.length > 0 ? given : Object.entries(DEFAULTS))
}

function factName(option: string): string {
  return TCP_STATES.some(state => state === option) ? `tcp_${option}` : option
}

/** A value that is shorter already stays, unless told otherwise. */
function effective(facts: Facts, name: string, asked: number, mayRaise: boolean): number {
  const current = facts.timeouts[factName(name)] ?? asked
  // 0 or less expires entries at once: never a value to keep.
  return mayRaise || current < 1 ? asked : Math.min(current, asked)
}

function runtimeChange(facts: Facts, family: Family, name: string, asked: number, mayRaise: boolean): Change[] {
  const before = facts.timeouts[factName(name)]
  const after = effective(facts, name, asked, mayRaise)
  if (before === undefined || before === after) return []
  return [
    {
      kind: 'kernel-value',
      layer: 'runtime',
      target: timeoutSysctl(family, factName(name)),
      before: String(before),
      after: String(after),
      why: `${name.replaceAll('_', ' ')} entries leave after ${formatDuration(after)} instead of ${formatDuration(before)}`,
    },
  ]
}

function establishedWarnings(asked: ReadonlyMap<string, number>): string[] {
  const established = asked.get('established')
  return established !== undefined && established < RFC5382_SECONDS && established >= LEAST_ESTABLISHED_SECONDS
    ? [
        `established ${formatDuration(established)} is below RFC 5382's 2h4m: idle connections that send no keep-alive in that time are forgotten`,
      ]
    : []
}

function tooShort(asked: ReadonlyMap<string, number>): Blocker[] {
  const established = asked.get('established')
  if (established === undefined || established >= LEAST_ESTABLISHED_SECONDS) return []
  return [
    {
      code: 'established-too-short',
      message: `established ${formatDuration(established)} would cut live connections; the least is ${formatDuration(LEAST_ESTABLISHED_SECONDS)}`,
      forceable: true,
    },
  ]
}

/** Entries keep the timer they have until their next packet: idle ones, which fill the table, for as long as it runs. */
function oldTimerWarnings(facts: Facts, changes: readonly Change[], asked: ReadonlyMap<string, number>): string[] {
  return [...asked.keys()].flatMap(name => {
    const before = facts.timeouts[factName(name)]
    if (before === undefined || !changes.some(({ target }) => target.endsWith(timeoutSuffix(name)))) return []
    const live = facts.states?.[factName(name)]
    if (live === 0) return []
    const entries = live === undefined ? 'live entries' : `${formatCount(live)} live entries`
    return [
      `${entries} in ${name.replaceAll('_', ' ')} keep their old timer until their next packet, at most ${formatDuration(before)}`,
    ]
  })
}

function timeoutSuffix(name: string): string {
  return timeoutSysctl('nf_conntrack', factName(name)).slice('net.netfilter.nf_conntrack'.length)
}
