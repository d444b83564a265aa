import { applies, goes, holds, outlivesReload } from './notrack/parts.ts'
import { notrackSuite } from './notrack/suite.ts'

notrackSuite('6.1', 'firewalld', applies, outlivesReload, holds, goes)
