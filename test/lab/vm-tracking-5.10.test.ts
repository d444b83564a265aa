import { blacklisted } from './tracking/blacklisted.ts'
import { trackingSuite } from './tracking/suite.ts'

trackingSuite('5.10', blacklisted)
