import { goes } from './notrack/parts.ts'
import { notrackSuite } from './notrack/suite.ts'
import { underLoad } from './notrack/under-load.ts'

notrackSuite('5.10', 'netfilter-persistent, legacy', underLoad, goes)
