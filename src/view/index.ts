/** The table of views, by the word of `--output`. */
import type { Phase } from '../run/events.ts'
import { jsonView, ndjsonView } from './json.ts'
import { junitView, markdownView } from './report.ts'
import { terminalView } from './terminal.ts'
import type { Output, Streams, View } from './view.ts'

/** Creates the view of a run. */
export function createView(
  output: Output,
  streams: Streams,
  options: { readonly phases: readonly Phase[]; readonly total: number },
): View {
  switch (output) {
    case 'human':
      return terminalView(streams, options.phases, options.total)
    case 'json':
      return jsonView(streams)
    case 'ndjson':
      return ndjsonView(streams)
    case 'markdown':
      return markdownView(streams, options.phases, options.total)
    case 'junit':
      return junitView(streams, options.phases, options.total)
    default:
      return output satisfies never
  }
}
