/** Older kernels take a limit of 0 for none at all: the table cannot be full, and a flood takes the memory of the kernel. */
import { formatCount } from '../../lang/numbers.ts'
import type { Rule } from '../finding.ts'

export const noLimit: Rule = ({ max, count, ownsKernel, family }) => {
  if (max !== 0 || !ownsKernel || family === null) return null
  return {
    code: 'no-limit',
    severity: 'warning',
    title: 'the connection table has no limit: whoever opens connections takes memory that cannot be swapped',
    evidence: [
      `the limit is 0, which this kernel takes for unlimited${count === null ? '' : `; ${formatCount(count)} entries now`}`,
    ],
    remedy: 'set one: strategy raise with --set max=N --set lower=true, N well above the entries there are',
    cure: 'limit',
  }
}
