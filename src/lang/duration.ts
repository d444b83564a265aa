/** Durations as people write them: `7440`, `90s`, `2h4m`, `1d`. */

const UNIT_SECONDS = { d: 86_400, h: 3_600, m: 60, s: 1 } as const

/** Whole seconds, or null when the text is no duration. A bare number counts seconds. */
export function parseDuration(text: string): number | null {
  const trimmed = text.trim()
  if (/^\d+$/.test(trimmed)) return Number(trimmed)
  const parts = /^(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(trimmed)
  if (!parts || trimmed === '') return null
  const [, days = '0', hours = '0', minutes = '0', seconds = '0'] = parts
  return (
    Number(days) * UNIT_SECONDS.d + Number(hours) * UNIT_SECONDS.h + Number(minutes) * UNIT_SECONDS.m + Number(seconds)
  )
}

/** `7440` → `2h4m`; zero → `0s`. */
export function formatDuration(seconds: number): string {
  let rest = seconds
  const parts: string[] = []
  for (const [unit, size] of Object.entries(UNIT_SECONDS)) {
    const amount = Math.floor(rest / size)
    if (amount > 0) parts.push(`${amount}${unit}`)
    rest -= amount * size
  }
  return parts.join('') || '0s'
}
