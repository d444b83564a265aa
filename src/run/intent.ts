/** What is about to be asked of a host is on disk before it is asked. */
import { ConfigError } from '../errors.ts'
import type { Event } from './events.ts'
import type { Tools } from './tools.ts'

type Intent = Extract<Event, { type: 'intent' }>

/** Resolves once it is written down. Rejects with ConfigError where a change cannot be: it is then not begun. */
export async function intend(intent: Omit<Intent, 'type'>, { emit, committed }: Tools): Promise<void> {
  emit({ type: 'intent', ...intent })
  const broken = (await committed?.()) ?? null
  // What is begun is proved or taken back without a record.
  if (broken === null || intent.step !== 'apply') return
  throw new ConfigError(`nothing was changed: cannot write the run record: ${broken}`)
}
