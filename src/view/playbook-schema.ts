/** The JSON Schema of playbooks, for editors: the keys of a play as they are read, the options as the strategies have them. */
import { z } from 'zod'
import { auto } from '../diagnose/auto.ts'
import { playSchema } from '../inventory/play-schema.ts'
import { strategies } from '../strategy/index.ts'

type JsonSchema = z.core.JSONSchema.BaseSchema

/** Errors are ctfix's own to tell; what an editor cannot check, it leaves alone. */
const asJson = (schema: z.ZodType): JsonSchema => z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })

/** Unlike that of documents it is closed: a key that nobody reads is a mistake. */
export function playbookSchema(): JsonSchema {
  const { $schema, properties, ...play } = asJson(playSchema)
  const names = [...strategies, auto].map(({ name }) => name)
  const strategy = {
    description: playSchema.shape.strategy.description,
    anyOf: [
      { enum: names },
      // Several with commas.
      { type: 'string', pattern: `^\\s*(${names.join('|')})\\s*(,\\s*(${names.join('|')})\\s*)*$` },
      { type: 'array', minItems: 1, items: { enum: names } },
    ],
  }
  return {
    $schema,
    title: 'ctfix playbook',
    description: 'Which hosts, what of each, and in which batches.',
    type: 'array',
    minItems: 1,
    items: { ...play, properties: { ...properties, strategy, options: optionsSchema() } },
  } as JsonSchema
}

/** An option goes to each strategy that has one of its name; under the name of a strategy stand those of that one alone. */
function optionsSchema(): object {
  const own = strategies.map(({ name, options }) => {
    const { $schema: _, ...schema } = asJson(options)
    return [name, schema] as const
  })
  const bare = new Map<string, unknown[]>()
  for (const [, { properties = {} }] of own) {
    for (const [key, value] of Object.entries(properties)) {
      const known = bare.get(key) ?? []
      const isNew = known.every(other => JSON.stringify(other) !== JSON.stringify(value))
      bare.set(key, isNew ? [...known, value] : known)
    }
  }
  // `timeouts` has an option `raise`: under that name stands one or the other.
  for (const [name, schema] of own) bare.set(name, [...(bare.get(name) ?? []), schema])
  const properties = [...bare].map(([key, ways]) => [key, ways.length === 1 ? ways[0] : { anyOf: ways }])
  return {
    description: playSchema.shape.options.description,
    anyOf: [
      { type: 'object', properties: Object.fromEntries(properties), additionalProperties: false },
      { type: 'null' },
    ],
  }
}
