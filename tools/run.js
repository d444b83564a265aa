/** `npm run …`: each command sets up what it needs, then runs on the project's own Node. */
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { runChecks } from './checks.js'
import { ensureModules, ensurePackages, giveUp, nodeBinary, ROOT, run } from './setup.js'

const vitest = ['node_modules/vitest/vitest.mjs', 'run']

/** Cheap first, so that a typo is known in a second. */
const STATIC = [
  ['format and lint', ['node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.']],
  ['types', ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json']],
  ['floors', ['tools/floors.ts']],
  ['dead code', ['node_modules/knip/bin/knip.js', '--no-progress', '--exclude', 'binaries']],
  ['shell', ['tools/shell.ts']],
]
/** Before every commit, so within a minute, and under the shell that is most hosts' sh; `npm test` takes all four. They wait more than they work. */
const QUICK_TESTS = [
  [
    'unit and sh tests, under dash',
    [...vitest, '--project', 'unit', '--project', 'sh', '--maxWorkers', '4'],
    { TEST_SHELLS: 'dash' },
  ],
]

/** All tests, then one closing line with the counts. */
async function test(node) {
  const report = join(ROOT, 'node_modules', '.ctfix-report.json')
  rmSync(report, { force: true })
  // All tests follow: the quick ones would only run twice.
  await runChecks(node, [STATIC])
  process.stdout.write('\n── all tests, labs included\n')
  const reporters = ['default', 'json', './tools/second-tries.js'].map(name => `--reporter=${name}`)
  const passed = run(node, [...vitest, ...reporters, `--outputFile.json=${report}`], { mayFail: true })
  if (!existsSync(report)) giveUp('the test runner left no report')
  const { numPassedTests, numFailedTests, numPendingTests } = JSON.parse(readFileSync(report, 'utf8'))
  process.stdout.write(`\n${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests} skipped\n`)
  if (!passed) process.exit(1)
}

const COMMANDS = {
  setup: { groups: ['check', 'vm', 'hosts'], main() {} },
  check: { groups: ['check'], main: node => runChecks(node, [QUICK_TESTS, STATIC]) },
  test: { groups: ['check', 'vm', 'hosts'], main: test },
  demo: { groups: ['vm'], strict: true, main: node => run(node, ['tools/demo.ts']) },
  bench: { groups: ['hosts'], strict: true, main: node => run(node, ['tools/bench.ts', ...process.argv.slice(3)]) },
  build: { groups: [], main: node => run(node, ['tools/build.ts']) },
}

const command = COMMANDS[process.argv[2] ?? '']
if (!command) giveUp(`usage: node tools/run.js ${Object.keys(COMMANDS).join('|')}`)
ensureModules()
const complete = ensurePackages(command.groups)
if (!complete && command.strict) giveUp('install what is missing, then run this again')
await command.main(nodeBinary())
