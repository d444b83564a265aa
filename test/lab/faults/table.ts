/** The matrix as a person reads it: a line a moment, a column a fault. */
import type { CellResult } from './cell.ts'
import { FAULT_NAMES } from './faults.ts'
import { MOMENT_NAMES, MOMENTS } from './moments.ts'

export function drawTable(results: readonly CellResult[]): string {
  const rows = MOMENT_NAMES.map(moment => {
    const { step, side, what } = MOMENTS[moment]
    const cells = FAULT_NAMES.map(fault => {
      const found = results.find(({ cell }) => cell.moment === moment && cell.fault === fault)
      if (!found) return '·'
      return `${found.wrong.length > 0 ? '✗ ' : ''}${found.host}/${found.status}`
    })
    return [`${step}, ${side}${what ? ` (${what})` : ''}`, ...cells]
  })
  const table = [['step', ...FAULT_NAMES], ...rows]
  const widths = table[0]?.map((_, i) => Math.max(...table.map(row => row[i]?.length ?? 0))) ?? []
  return table
    .map(row =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
