/** Sizes of batches as people write them: `1,10%,100%`. */
import { type Amount, parseAmount } from '../../lang/amount.ts'

/** null where a part is no size: a whole number from 1, or a percentage above 0. */
export function parseSerial(text: string): readonly Amount[] | null {
  const sizes = text.split(',').map(parseSize)
  return sizes.every(size => size !== null) ? sizes : null
}

function parseSize(text: string): Amount | null {
  const amount = parseAmount(text)
  return amount !== null && amount.value > 0 ? amount : null
}
