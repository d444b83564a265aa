import { blacklisted } from './tracking/blacklisted.ts'
import { trackingSuite } from './tracking/suite.ts'

trackingSuite('6.12', blacklisted)
