/** `npm run …`: each command sets up what it needs, then runs on the project's own Node. */
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { ensureModules, ensurePackages, giveUp, nodeBinary, ROOT, run } from './setup.js'

const vitest = ['node_modules/vitest/vitest.mjs', 'run']

/** Cheap first, so that a typo is known in a second. */
const CHECKS = [
  ['format and lint', ['node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.']],
  ['types', ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json']],
  ['floors', ['tools/floors.ts']],
  ['dead code', ['node_modules/knip/bin/knip.js', '--no-progress', '--exclude', 'binaries']],
  ['shell', ['tools/shell.ts']],
  ['unit and sh tests', [...vitest, '--project', 'unit', '--project', 'sh']],
]

function check(node, checks = CHECKS) {
  for (const [name, args] of checks) {
    const start = Date.now()
    process.stdout.write(`\n── ${name}\n`)
    run(node, args)
    process.stdout.write(`   ${name}: ${((Date.now() - start) / 1000).toFixed(1)} s\n`)
  }
}

/** All tests, then one closing line with the counts. */
function test(node) {
  const report = join(ROOT, 'node_modules', '.ctfix-report.json')
  rmSync(report, { force: true })
  // All tests follow, so the last check would only run some of them twice.
  check(node, CHECKS.slice(0, -1))
  process.stdout.write('\n── all tests, labs included\n')
  const passed = run(node, [...vitest, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`], {
    mayFail: true,
  })
  if (!existsSync(report)) giveUp('the test runner left no report')
  const { numPassedTests, numFailedTests, numPendingTests } = JSON.parse(readFileSync(report, 'utf8'))
  process.stdout.write(`\n${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests} skipped\n`)
  if (!passed) process.exit(1)
}

const COMMANDS = {
  setup: { groups: ['check', 'vm', 'hosts'], main() {} },
  check: { groups: ['check'], main: node => check(node) },
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
command.main(nodeBinary())
