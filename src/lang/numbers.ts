/** Numbers for people, and the one bit trick of sizing. */

/** `1048576` → `1,048,576`, whatever the machine's locale. */
export function formatCount(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',')
}

/** `once`, `2 times`. */
export function formatTimes(value: number): string {
  return value === 1 ? 'once' : `${formatCount(value)} times`
}

/** `1 packet`, `2,048 packets`: the word that follows a number, and what goes with it. */
export function formatMany(value: number, one: string, many: string): string {
  return `${formatCount(value)} ${value === 1 ? one : many}`
}

/** Bytes in binary units, at most one decimal: `402653184` → `384 MiB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit += 1
  }
  return `${value >= 10 || Number.isInteger(value) ? Math.round(value) : value.toFixed(1)} ${units[unit]}`
}

/** `0.0312` → `3.1 %`. */
export function formatShare(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}

/** The smallest power of two that is not below `value` (at least 1). */
export function nextPowerOfTwo(value: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, value)))
}
