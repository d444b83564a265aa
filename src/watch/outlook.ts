/** What a host looks like from here: of all its targets the one that does worst. */
import type { Figures, Lately } from '../run/outside/probed.ts'

export interface Outlook {
  /** null: not measured. */
  readonly figures: Figures | null
  /** Nothing keeps it from being measured: it only has to be waited for. */
  readonly pending: boolean
  /** 0 to 1: tries that came to nothing, and by half those that came late. null: not measured. */
  readonly harm: number | null
}

/** Null: there is nothing to measure. */
export function outlookOf(probes: readonly Lately[]): Outlook | null {
  if (probes.length === 0) return null
  const none: Outlook = {
    ...{ figures: null, harm: null },
    pending: probes.some(({ window, why }) => window === null && why === null),
  }
  return probes.reduce((worst, { window }) => {
    if (window === null) return worst
    const next: Outlook = { figures: window, pending: false, harm: harmOf(window) }
    return isWorse(next, worst) ? next : worst
  }, none)
}

function harmOf({ sent, lost, refused, slow }: Figures): number {
  return (lost + refused + slow / 2) / sent
}

function isWorse(one: Outlook, other: Outlook): boolean {
  const [harm, known] = [one.harm ?? -1, other.harm ?? -1]
  return harm > known || (harm === known && (one.figures?.worst ?? 0) > (other.figures?.worst ?? 0))
}
