import { applies, goes, holds, outlivesReload } from './notrack/parts.ts'
import { notrackSuite } from './notrack/suite.ts'

notrackSuite('6.1', 'iptables-services', applies, outlivesReload, holds, goes)
