import { applies, declines, goes, holds } from './notrack/parts.ts'
import { notrackSuite } from './notrack/suite.ts'

notrackSuite('6.1', 'nobody', declines, applies, holds, goes)
