/** Views for programs: one document, or one event a line. */

import type { Event } from '../run/events.ts'
import { factsDocument, outcomeBody, runDocument, SCHEMA_VERSION, toDocument } from './document.ts'
import { plansText } from './human.ts'
import { createPaint } from './paint.ts'
import type { Streams, View } from './view.ts'

/** What both have: results as documents, and for a person who is asked the plans on stderr. */
function documentView(print: (document: unknown) => void, { err }: Streams): View {
  return {
    onEvent() {},
    plans() {},
    ask: outcomes => err(`${plansText(outcomes, createPaint(false))}\n`),
    async settle() {},
    facts: (outcomes, exitCode) => print(factsDocument(outcomes, exitCode)),
    result: (header, outcomes, exitCode) => print(runDocument(header, outcomes, exitCode)),
  }
}

/** `--output json`: one document at the end. */
export function jsonView(streams: Streams): View {
  return documentView(document => streams.out(`${JSON.stringify(document, null, 2)}\n`), streams)
}

/** What the facts show of cures is said by checks; a plan is what would be done. */
function withoutEvidence(event: Event): object {
  if (event.type !== 'planned') return event
  const { evidence: _, ...plan } = event.plan
  return { ...event, plan }
}

/** `--output ndjson`: each event as it happens, the whole result as the last line. */
export function ndjsonView(streams: Streams): View {
  const print = (document: unknown): void => streams.out(`${JSON.stringify(document)}\n`)
  return {
    ...documentView(print, streams),
    onEvent(event) {
      const { type, host } = event
      const body = type === 'outcome' ? { type, host, ...outcomeBody(event.outcome) } : withoutEvidence(event)
      print(toDocument({ schema: SCHEMA_VERSION, ...body }))
    },
  }
}
