/** man/ctfix.1 from the program. Run it when a command, a flag or an example changes; a test compares. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { grammarOf } from '../src/cli/grammar.ts'
import { createProgram } from '../src/cli/index.ts'
import { manPage } from '../src/cli/man.ts'
import { strategyPages } from '../src/cli/strategies.ts'

const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
mkdirSync('man', { recursive: true })
writeFileSync('man/ctfix.1', manPage(grammarOf(createProgram(version)), { version, strategies: strategyPages() }))
