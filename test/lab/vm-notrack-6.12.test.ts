import { goes } from './notrack/parts.ts'
import { notrackSuite } from './notrack/suite.ts'
import { underLoad } from './notrack/under-load.ts'

notrackSuite('6.12', 'netfilter-persistent, nft', underLoad, goes)
