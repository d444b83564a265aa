import { blacklisted } from './tracking/blacklisted.ts'
import { declined } from './tracking/declined.ts'
import { trackingSuite } from './tracking/suite.ts'
import { untriggered } from './tracking/untriggered.ts'

trackingSuite('6.1', untriggered, declined, blacklisted)
