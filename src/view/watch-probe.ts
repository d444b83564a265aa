/** What a host looks like from here, in the watch's table and in its metrics. */
import type { Lately } from '../run/outside/probed.ts'
import type { Outlook } from '../watch/outlook.ts'
import type { Row } from '../watch/row.ts'

/** Whether anything is measured at all. */
export const isMeasured = (rows: readonly Row[]): boolean => rows.some(({ outlook }) => outlook !== null)

/** Never 0 where nothing was measured, nor where something was lost. */
export function lossText({ outlook }: Row): string {
  if (outlook === null) return ''
  if (outlook.figures === null) return unknown(outlook)
  const { sent, lost, refused } = outlook.figures
  if (refused > lost) return 'refused'
  const percent = (100 * lost) / sent
  return `${lost > 0 && percent < 10 ? Math.max(0.1, percent).toFixed(1) : Math.floor(percent)}%`
}

/** The median and the worst. */
export function latencyText({ outlook }: Row): string {
  if (outlook?.figures?.p50 == null || outlook.figures.worst === null) return ''
  return `${ms(outlook.figures.p50)}/${ms(outlook.figures.worst)}`
}

const unknown = ({ pending }: Outlook): string => (pending ? '…' : '—')

const ms = (value: number): string => (value < 10 ? value.toFixed(1) : String(Math.round(value)))

export interface ProbeFamily {
  readonly name: string
  readonly type: 'gauge' | 'counter'
  readonly unit?: string
  readonly help: string
  /** null: not measured. */
  readonly valueOf: (lately: Lately) => number | null
}

const seconds = (value: number | null | undefined): number | null =>
  value === null || value === undefined ? null : Math.round(value * 10) / 10_000

/** Of each target of a host. The counters go on while the host itself is lost: nobody asks it. */
export const PROBE_FAMILIES: readonly ProbeFamily[] = [
  {
    ...{ name: 'ctfix_probe_sent', type: 'counter' },
    help: 'Tries from here, each a new connection or an echo.',
    valueOf: ({ total }) => total?.sent ?? null,
  },
  {
    ...{ name: 'ctfix_probe_lost', type: 'counter' },
    help: 'Tries without an answer.',
    valueOf: ({ total }) => total?.lost ?? null,
  },
  {
    ...{ name: 'ctfix_probe_refused', type: 'counter' },
    help: 'Tries that the host refused.',
    valueOf: ({ total }) => total?.refused ?? null,
  },
  {
    ...{ name: 'ctfix_probe_latency_median_seconds', type: 'gauge', unit: 'seconds' },
    help: 'Median time to an answer, lately.',
    valueOf: ({ window }) => seconds(window?.p50),
  },
  {
    ...{ name: 'ctfix_probe_latency_worst_seconds', type: 'gauge', unit: 'seconds' },
    help: 'Longest time to an answer, lately.',
    valueOf: ({ window }) => seconds(window?.worst),
  },
]
