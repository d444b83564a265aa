/** What a record has of batches and gates, for people: whatever is not as we write it is left out. */
import { z } from 'zod'
import type { BatchEvent } from './events.ts'

const at = z.string().nullable().catch(null)

/** A line of a record that concerns several hosts. */
export const happeningSchema = z.discriminatedUnion('type', [
  z.object({
    ...{ type: z.literal('batch'), at },
    ...{ index: z.number(), of: z.number(), hosts: z.array(z.string()), canary: z.boolean() },
  }),
  z.object({
    ...{ type: z.literal('gate'), at, after: z.number(), detail: z.string() },
    kind: z.enum(['bake', 'command', 'symptom']),
    status: z.enum(['begun', 'passed', 'failed']),
  }),
  z.object({ type: z.literal('stopped'), at, reason: z.string(), notAttempted: z.array(z.string()) }),
  z.object({ type: z.literal('resumed'), at }),
])

export type Happening = Readonly<z.infer<typeof happeningSchema>> & Told
type Told = BatchEvent | { readonly type: 'resumed' }
