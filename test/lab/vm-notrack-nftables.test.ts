import { goes, holds, outlivesReload } from './notrack/parts.ts'
import { notrackSuite } from './notrack/suite.ts'
import { underLoad } from './notrack/under-load.ts'

notrackSuite('6.1', 'nftables', underLoad, outlivesReload, holds, goes)
