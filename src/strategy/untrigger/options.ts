/** What untrigger is asked for, decoded: which rules are to go. */
import { z } from 'zod'
import { type Name, readName } from './names.ts'

const EXAMPLES =
  '"iptables-legacy ip nat POSTROUTING -o eth9 -j MASQUERADE" or "nft inet filter input ct state established accept"'

/** Two names in one text: only a list, or the option given twice, tells where one ends. */
const TWO = /,\s*(iptables-(legacy|nft) ip6?|nft (ip6?|inet)) /

const readOne = (text: string): Name | null => (TWO.test(text.replace(/"[^"]*"/g, '""')) ? null : readName(text))

const rules = z
  .union([z.string(), z.array(z.string())])
  .transform((input, context): Name[] => {
    const texts = [input].flat()
    const found = texts.map(readOne)
    const at = found.indexOf(null)
    if (at === -1) return found.flatMap(name => name ?? [])
    const message = `expected a rule that asks for tracking, as a plan names it (${EXAMPLES}; for several repeat --set rules=…, or give a list)`
    const path = Array.isArray(input) ? [at] : []
    context.addIssue({ code: 'custom', message, input: texts[at], path })
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
