/** The rules of a run in its record: one that was broken off goes on in the batches and within the limits it had. */
import { z } from 'zod'
import type { Host } from '../../inventory/host.ts'
import { formatAmount, parseAmount } from '../../lang/amount.ts'
import { GateCommand } from './gate-command.ts'
import { type Limit, ORDERS, type Rules, type Stretch } from './rules.ts'

const amount = z.string().transform((text, context) => {
  const parsed = parseAmount(text)
  if (parsed !== null) return parsed
  context.addIssue({ code: 'custom', message: `expected a number or a percentage, got ${text}` })
  return z.NEVER
})
const limit = z.object({ amount, of: z.enum(['play', 'run']) }).nullable()

/** Of `rollout` in run.json. */
export const stretchesSchema = z.array(
  z.object({
    name: z.string().nullable(),
    hosts: z.array(z.string()),
    total: z.number().int().nonnegative().optional(),
    revert_in: z.number().nullable(),
    serial: z.array(amount),
    canary: z.array(z.string()),
    max_failed: limit,
    max_unreachable: limit,
    bake: z.number(),
    gate: z.string().nullable(),
    gate_masked: z.boolean().optional(),
    order: z.enum(ORDERS),
  }),
)

export type RecordedStretches = z.infer<typeof stretchesSchema>

/** What is written down. */
export function writtenStretches(stretches: readonly Stretch[]): z.input<typeof stretchesSchema> {
  const written = (one: Limit | null): { amount: string; of: Limit['of'] } | null =>
    one && { amount: formatAmount(one.amount), of: one.of }
  return stretches.map(({ name, hosts, total, rules, revertInSeconds }) => ({
    name,
    hosts: hosts.map(host => host.name),
    total,
    revert_in: revertInSeconds,
    serial: rules.serial.map(formatAmount),
    canary: [...rules.canary],
    max_failed: written(rules.maxFailed),
    max_unreachable: written(rules.maxUnreachable),
    bake: rules.bakeSeconds,
    gate: rules.gate?.shown ?? null,
    ...(rules.gate?.isMasked && { gate_masked: true }),
    order: rules.order,
  }))
}

/** The same for the hosts that are left of the run; percentages stay those of all it had. */
export function recordedStretches(recorded: RecordedStretches, left: readonly Host[]): readonly Stretch[] {
  const ofRun = recorded.reduce((sum, { total, hosts }) => sum + (total ?? hosts.length), 0)
  return recorded.flatMap(
    ({ name, hosts, total = hosts.length, revert_in, serial, canary, order, gate, ...stretch }) => {
      const names = new Set(hosts)
      const rules: Rules = {
        serial,
        canary,
        maxFailed: stretch.max_failed,
        maxUnreachable: stretch.max_unreachable,
        bakeSeconds: stretch.bake,
        gate: gate === null ? null : gateOf(gate, stretch.gate_masked),
        order,
      }
      const own = left.filter(host => names.has(host.name))
      return own.length === 0 ? [] : [{ name, hosts: own, rules, total, ofRun, revertInSeconds: revert_in }]
    },
  )
}

/** No secret is written down, so a command that had one has to be given again. */
function gateOf(shown: string, isMasked = false): GateCommand {
  return isMasked ? new GateCommand(null, { shown }) : new GateCommand(shown)
}
