/** How many hosts: a number, or a share of all there are. `5`, `10%`. */

export interface Amount {
  readonly value: number
  readonly unit: 'hosts' | 'percent'
}

/** null where the text is neither a whole number nor a percentage up to 100. */
export function parseAmount(text: string): Amount | null {
  const [, digits = '', fraction = '', percent = ''] = /^(\d{1,9})(\.\d{1,4})?\s*(%?)$/.exec(text.trim()) ?? []
  if (digits === '' || (fraction !== '' && percent === '')) return null
  const value = Number(digits + fraction)
  if (percent === '') return { value, unit: 'hosts' }
  return value > 100 ? null : { value, unit: 'percent' }
}

/** As it was written: `5`, `10%`. */
export function formatAmount({ value, unit }: Amount): string {
  return unit === 'percent' ? `${value}%` : String(value)
}

/** What multiplying fractions adds or loses must not make a whole number the next one. */
const DUST = 1e-9

/** A limit of so many among `total`: a share is rounded down. */
export function limitOf({ value, unit }: Amount, total: number): number {
  return unit === 'hosts' ? value : Math.floor((value * total) / 100 + DUST)
}

/** A part of `total`: a share is rounded up, and is never nobody. */
export function sizeOf({ value, unit }: Amount, total: number): number {
  return Math.max(1, unit === 'hosts' ? value : Math.ceil((value * total) / 100 - DUST))
}
