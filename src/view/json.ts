/** Views for programs: one document, or one event a line. */

import type { Event } from '../run/events.ts'
import { documentText, factsDocument, outcomeBody, runDocument, SCHEMA_VERSION, toDocument } from './document.ts'
import { createPaint } from './paint.ts'
import { plansPieces } from './plans.ts'
import { print, type Streams, type View } from './view.ts'

/** What both have: results as documents, and for a person who is asked the plans on stderr. */
function documentView(streams: Streams, indent: 0 | 2): View {
  const { err: out } = streams
  return {
    onEvent() {},
    async plans() {},
    ask: outcomes => print({ ...streams, out }, plansPieces(outcomes, createPaint(false))),
    async settle() {},
    facts: (outcomes, exitCode) => print(streams, documentText(factsDocument(outcomes, exitCode), indent)),
    result: (header, outcomes, exitCode) =>
      print(streams, documentText(runDocument(header, outcomes, exitCode), indent)),
  }
}

/** `--output json`: one document at the end. */
export function jsonView(streams: Streams): View {
  return documentView(streams, 2)
}

/** What the facts show of cures is said by checks; a plan is what would be done. */
function withoutEvidence(event: Event): object {
  if (event.type !== 'planned') return event
  const { evidence: _, ...plan } = event.plan
  return { ...event, plan }
}

/** `--output ndjson`: each event as it happens, the whole result as the last line. */
export function ndjsonView(streams: Streams): View {
  const { drained } = streams
  return {
    ...documentView(streams, 0),
    ...(drained && { ready: drained }),
    onEvent(event) {
      const { type } = event
      const body =
        type === 'outcome' ? { type, host: event.host, ...outcomeBody(event.outcome) } : withoutEvidence(event)
      streams.out(`${JSON.stringify(toDocument({ schema: SCHEMA_VERSION, ...body }))}\n`)
    },
  }
}
