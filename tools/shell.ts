/** Lint and format of every sh file, and a size check that keeps files readable. */
import { spawnSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'

/** A file beyond this has a second room in it. */
const MOST_LINES = 220

const scripts = globSync('src/**/*.sh')
const failed = [
  spawnSync('shellcheck', ['-s', 'sh', ...scripts], { stdio: 'inherit' }),
  spawnSync('shfmt', ['-ln', 'posix', '-i', '2', '-ci', '-d', ...scripts], { stdio: 'inherit' }),
].filter(({ status }) => status !== 0)

const long = globSync('src/**/*.ts').filter(file => readFileSync(file, 'utf8').split('\n').length > MOST_LINES)
for (const file of long) process.stderr.write(`${file}: more than ${MOST_LINES} lines\n`)

process.stdout.write(`   ${scripts.length} scripts\n`)
if (failed.length > 0 || long.length > 0) process.exit(1)
