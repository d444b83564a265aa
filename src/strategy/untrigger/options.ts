/** What untrigger is asked for, decoded: which rules are to go. */
import { z } from 'zod'
import { type Name, readName } from './names.ts'

const EXAMPLES =
  '"iptables-legacy ip nat POSTROUTING -o eth9 -j MASQUERADE" or "nft inet filter input ct state established accept"'

const rules = z
  .union([z.string(), z.array(z.string())])
  .transform((input, context): Name[] => {
    const texts = [input].flat()
    const found = texts.map(readName)
    const wrong = texts[found.indexOf(null)]
    if (wrong === undefined) return found.flatMap(name => name ?? [])
    const message = `expected a rule that asks for tracking, as a plan names it (${EXAMPLES}), got "${wrong}"`
    context.addIssue({ code: 'custom', message, input })
    return z.NEVER
  })
  .default([])

export const options = z.strictObject({
  rules: rules.describe(
    'rules to take out, by the names that a plan lists; a name means every rule that says the same',
  ),
  stray: z.boolean().default(false).describe('take out every rule that is proven to do nothing'),
  entries: z
    .boolean()
    .default(false)
    .describe('remove the old entries, too, of families in which nothing asks for tracking any more'),
})

export type Options = z.output<typeof options>
