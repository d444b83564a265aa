/** Every `ctfix` line of the README, run as it stands, on simulated hosts with the names of the example inventory. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { parse, stringify } from 'yaml'
import { productFor, runProgram } from './product.ts'
import { createDebian } from './simulated/debian.ts'
import { type SimulatedLab, startSimulated } from './simulated.ts'
import { labSuite } from './suite.ts'

/** Fewer hosts behind the same names and groups: what is shown is that each line does what it says. */
const SMALL = (text: string): string =>
  text.replace('edge[01:20]', 'edge[01:02]').replace('fleet[1:3]-[a:c]', 'fleet1-a')

const README = readFileSync('README.md', 'utf8')
const blocks = [...README.matchAll(/^```sh\n(.*?)^```/gms)].map(match => match[1] ?? '')
const lines = blocks.flatMap(block => block.split('\n')).filter(line => line !== '')
const commands = lines.filter(line => /^(bin\/)?ctfix(\.js)? /.test(line))

/** Words of a simple command line: blanks part, quotes join. */
function words(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map(match => match[1] ?? match[2] ?? '')
}

function hostNames(inventory: unknown): string[] {
  if (typeof inventory !== 'object' || inventory === null) return []
  return Object.entries(inventory).flatMap(([key, value]) =>
    key === 'hosts' ? Object.keys(value ?? {}) : key === 'vars' ? [] : hostNames(value),
  )
}

let established = 7000

async function earlierRun(fixed: readonly string[]): Promise<string> {
  // Each time less, so that there is something to change on hosts that keep what was done before.
  established -= 60
  const set = `established=${established}`
  const words = [
    'apply',
    '--strategy',
    'timeouts',
    '--set',
    set,
    '--yes',
    '--window',
    '1s',
    '--output',
    'json',
    ...fixed,
  ]
  const { stdout, stderr, exitCode } = await runProgram(words)
  expect(exitCode, stderr).toBe(0)
  return JSON.parse(stdout).run
}

async function start(): Promise<SimulatedLab> {
  const lab = await startSimulated(12)
  const fakes = lab.hosts().map(({ name }) => {
    const fake = createDebian()
    lab.host(name).answer(fake.answer)
    return fake
  })
  const close = async (): Promise<void> => {
    for (const fake of fakes) fake[Symbol.dispose]()
    await lab[Symbol.asyncDispose]()
  }
  return { ...lab, [Symbol.asyncDispose]: close }
}

labSuite('README', start, ({ it }) => {
  it('every other line is one of the two commands that the test runner itself or its own test runs', async () => {
    const others = lines.filter(line => !commands.includes(line))
    expect(others.toSorted()).toEqual(['npm run demo', 'npm run setup', 'npm test'])
  })

  for (const line of commands) {
    it(`$ ${line}`, async lab => {
      using product = productFor(lab)
      const example = SMALL(readFileSync('inventory.example.yaml', 'utf8'))
      const names = hostNames(parse(example)).map(name => name.replace('[01:02]', '01'))
      const all = [...names, 'edge02.example.net']
      const vars = all.map((name, i) => [
        name,
        { ...lab.hosts()[i]?.vars, ansible_become: false, ansible_ssh_common_args: '' },
      ])
      const inventory = join(product.directory, 'inventory.example.yaml')
      const reach = join(product.directory, 'reach.yaml')
      writeFileSync(inventory, example)
      writeFileSync(reach, stringify({ all: { hosts: Object.fromEntries(vars) } }))
      const [, ...args] = words(line)
      const fixed = [
        '-i',
        reach,
        '--known-hosts',
        join(product.directory, 'known_hosts'),
        '--state-dir',
        product.directory,
      ]
      const changes = args[0] === 'apply' || args[0] === 'rollback'
      const asks = changes && !args.includes('--yes') && !args.includes('--dry-run')
      // RUN stands for the id of a run that was there before.
      const run = args.includes('RUN') ? await earlierRun(fixed) : 'RUN'
      const known = new Map([
        ['inventory.example.yaml', inventory],
        ['RUN', run],
      ])
      const placed = args.map(word => known.get(word) ?? word)
      // A person answers the question; here nobody is there to.
      const rest = args[0]?.startsWith('-') ? [] : [...fixed, ...(asks ? ['--yes'] : [])]
      const { exitCode, stdout, stderr } = await runProgram([...placed, ...rest])
      expect(exitCode, stdout + stderr).toBe(0)
      expect(stdout).not.toBe('')
    })
  }
})
