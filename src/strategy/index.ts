/** The table of strategies. Adding one is one file and one line here. */
import { blacklist } from './blacklist/blacklist.ts'
import { notrack } from './notrack/notrack.ts'
import { raise } from './raise.ts'
import type { Strategy } from './strategy.ts'
import { timeouts } from './timeouts.ts'
import { untrigger } from './untrigger/untrigger.ts'

export const strategies: readonly Strategy[] = [raise, timeouts, notrack, blacklist, untrigger]
