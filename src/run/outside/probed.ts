/** What is kept of measuring one target of one host: in the record, in documents, in events. */
import { z } from 'zod'

const count = z.int().nonnegative()
const ms = z.number().nonnegative().nullable()

const figures = z.strictObject({
  sent: count.describe('tries, each a new connection or a ping of its own'),
  lost: count.describe('no answer within 3 s'),
  slow: count.describe('answered after a second or more: of a connection the first packet was lost and sent again'),
  refused: count.describe('the host says that nothing listens there'),
  p50: ms.describe('milliseconds to the answer, of those that got one'),
  ...{ p95: ms, worst: ms },
})

export type Figures = Readonly<z.infer<typeof figures>>

const part = figures.nullable().describe('null: not measured')

export const probedSchema = z.strictObject({
  target: z.string().describe('as on the command line: tcp:443, ping'),
  address: z.string().nullable().describe('where the tries went; null: nowhere'),
  ...{ before: part, during: part, after: part },
  why: z.string().nullable().describe('what kept this machine from measuring, where something did'),
})

const tally = z.strictObject({ sent: count, lost: count, refused: count })

export type Tally = Readonly<z.infer<typeof tally>>

/** One target of one host that is watched. */
export const latelySchema = z.strictObject({
  target: z.string().describe('as on the command line: tcp:443, ping'),
  address: z.string().nullable().describe('where the tries go; null: nowhere'),
  window: figures.nullable().describe('of the last 30 s, or of one interval where that is longer; null: not measured'),
  total: tally.nullable().describe('since the watch began, a second behind the window; null: never measured'),
  why: z.string().nullable().describe('what kept this machine from measuring, where something did'),
})

export type Lately = Readonly<z.infer<typeof latelySchema>>

export type Probed = Readonly<z.infer<typeof probedSchema>>
