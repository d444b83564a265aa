import { goes, holds, outlivesReload } from './notrack/parts.ts'
import { blackHole } from './notrack/premise.ts'
import { notrackSuite } from './notrack/suite.ts'
import { underGreatLoad } from './notrack/under-load.ts'

notrackSuite('5.10', 'netfilter-persistent, legacy', blackHole, underGreatLoad, outlivesReload, holds, goes)
