import { applies, goes, holds } from './notrack/parts.ts'
import { notrackSuite } from './notrack/suite.ts'

notrackSuite('6.1', 'ufw', applies, holds, goes)
