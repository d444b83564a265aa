/** Numbers as a table has them. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

/** Two digits behind the point, for seconds and ratios. */
export const short = (value: number): string => value.toFixed(2)
export const seconds = (ms: number): string => `${short(ms / 1000)} s`
export const whole = (value: number): string => String(Math.round(value))
