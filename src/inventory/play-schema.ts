/** The keys of a play. Everybody who reads playbooks has them from here, and so has the JSON Schema for editors. */
import { z } from 'zod'
import { type Amount, parseAmount } from '../lang/amount.ts'
import { parseDuration } from '../lang/duration.ts'
import { strategyNames } from './variables.ts'

const pattern = (error: string) =>
  z
    .union([z.string(), z.array(z.string('expected a host pattern'))], error)
    .transform(hosts => (typeof hosts === 'string' ? hosts : hosts.join(',')))

/** A number from `least`, or a percentage that `share` allows; every step carries the sentence: any may be reported alone. */
function amount(error: string, least: number, share: RegExp) {
  const number = z.int(error).min(least, error)
  return z.union([number, z.string(error).regex(share, error)], error).transform((raw, context) => {
    const parsed = parseAmount(String(raw))
    if (parsed !== null) return parsed
    context.addIssue({ code: 'custom', message: error, input: raw })
    return z.NEVER
  })
}

const SIZE = 'expected a number of hosts from 1, or a percentage such as "10%"'
const size = amount(SIZE, 1, /^(?=.*[1-9])\d{1,9}(\.\d{1,4}(?=%))?%?$/)
const serial = z
  .union([size, z.array(size).min(1, 'expected at least one size')], `${SIZE}, or a list of these`)
  .transform(sizes => (Array.isArray(sizes) ? sizes : [sizes]))

const LIMIT = 'expected a number of hosts, or a percentage such as "5%"'
const limit = amount(LIMIT, 0, /^\d{1,9}(\.\d{1,4}(?=%))?%?$/)

const PERCENTAGE = 'expected a percentage from 0 to 100'
/** Ansible's: a number, and always a percentage. */
const percentage = z
  .union(
    [
      z.number(PERCENTAGE).min(0, PERCENTAGE).max(100, PERCENTAGE),
      z.string(PERCENTAGE).regex(/^\s*\d+(\.\d+)?\s*%?\s*$/, PERCENTAGE),
    ],
    PERCENTAGE,
  )
  .transform((raw, context): Amount => {
    const parsed = parseAmount(`${String(raw).replace('%', '').trim()}%`)
    if (parsed !== null) return parsed
    context.addIssue({ code: 'custom', message: PERCENTAGE, input: raw })
    return z.NEVER
  })

const DURATION = 'expected seconds, or a duration such as 90s or 2m'
const duration = z.union([z.int(DURATION).min(0, DURATION), z.string(DURATION)], DURATION).transform((raw, context) => {
  const seconds = parseDuration(String(raw))
  if (seconds !== null && seconds <= 86_400) return seconds
  context.addIssue({ code: 'custom', message: `${DURATION}, at most a day`, input: raw })
  return z.NEVER
})

const command = z.string('expected a command').trim().min(1, 'expected a command')

export const playSchema = z.strictObject({
  name: z.string().nullish().describe('what it is for; shown wherever the play is meant'),
  hosts: pattern('expected a host pattern, or a list of them').describe('which hosts: edge, web*, edge:!edge_lab'),
  become: z.boolean().nullish().describe('become root there; what the inventory says of a host wins'),
  strategy: strategyNames.describe('the cure, or several in their order'),
  options: z.record(z.string(), z.unknown()).nullish().describe('options of the strategies'),
  serial: serial
    .nullish()
    .describe('sizes of the batches, in hosts or percent of the hosts of the play; the last one again and again'),
  canary: pattern('expected a host pattern, or a list of them')
    .nullish()
    .describe('these go first, and must pass before anybody else is touched'),
  max_failed: limit.nullish().describe('more failed or rolled-back hosts of the play stop the run: 2, or "5%"'),
  max_fail_percentage: percentage.nullish().describe('the same as max_failed with a percentage'),
  max_unreachable: limit.nullish().describe('more unreachable hosts of the play stop the run: 2, or "5%"'),
  revert_in: duration.nullish().describe('a host takes itself back unless it is confirmed in this time'),
  bake: duration.nullish().describe('time between two batches'),
  gate: command.nullish().describe('a command on this machine that must succeed between two batches'),
  order: z
    .enum(['inventory', 'pressure'])
    .nullish()
    .describe('inside a batch: as in the inventory, or the fullest table first'),
})
