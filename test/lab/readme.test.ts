/** Every `ctfix` line of the README, run as it stands, on simulated hosts with the names of the example inventory. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pLimit from 'p-limit'
import { expect } from 'vitest'
import { parse, stringify } from 'yaml'
import { productFor, type Result, runProgram } from './product.ts'
import { createDebian, type FakeHost } from './simulated/debian.ts'
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

/** Each with hosts of its own: most of a line is the window in which the tool watches. */
const LANES = 3

class Lane implements AsyncDisposable {
  readonly #lab: SimulatedLab
  readonly #fakes: readonly FakeHost[]
  #established = 7000

  private constructor(lab: SimulatedLab, fakes: readonly FakeHost[]) {
    this.#lab = lab
    this.#fakes = fakes
  }

  static async start(): Promise<Lane> {
    const lab = await startSimulated(12)
    const fakes = lab.hosts().map(({ name }) => {
      const fake = createDebian()
      lab.host(name).answer(fake.answer)
      lab.host(name).live = fake.live
      return fake
    })
    return new Lane(lab, fakes)
  }

  /** Each time less, so that there is something to change on hosts that keep what was done before. */
  #less(): string {
    this.#established -= 60
    return `established=${this.#established}`
  }

  async #done(wanted: readonly string[]): Promise<void> {
    const { stderr, exitCode } = await runProgram(['apply', ...wanted, '--yes', '--window', '1s'])
    expect(exitCode, stderr).toBe(0)
  }

  async #earlierRun(fixed: readonly string[]): Promise<string> {
    const change = ['apply', '--strategy', 'timeouts', '--set', this.#less(), '--yes', '--window', '1s']
    const { stdout, stderr, exitCode } = await runProgram([...change, '--output', 'json', ...fixed])
    expect(exitCode, stderr).toBe(0)
    return JSON.parse(stdout).run
  }

  /** A plan with something to change, as the line before it would have saved it; for `verify` one that was applied. */
  async #earlierPlan(file: string, command: string | undefined, fixed: readonly string[]): Promise<void> {
    const what = ['--limit', 'edge', '--strategy', 'raise,timeouts', '--set', this.#less()]
    const before = [['plan', ...what, '--out', file]]
    if (command === 'verify') before.push(['apply', '--plan', file, '--yes', '--window', '1s'])
    for (const words of before) {
      const { stderr, exitCode } = await runProgram([...words, ...fixed])
      expect(exitCode, stderr).toBe(0)
    }
  }

  async run(line: string): Promise<Result> {
    const lab = this.#lab
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
    const run = args.includes('RUN') ? await this.#earlierRun(fixed) : 'RUN'
    const plan = join(product.directory, 'edge.plan')
    if (args.includes('edge.plan') && !args.includes('--out')) {
      await this.#earlierPlan(plan, args[0], ['-i', inventory, ...fixed])
    }
    const known = new Map([
      ['inventory.example.yaml', inventory],
      ['edge.plan', plan],
      ['RUN', run],
      ['run.html', join(product.directory, 'run.html')],
    ])
    const placed = args.map(word => known.get(word) ?? word)
    // What is asked for is there because a line before it did it, on these hosts or on those of another lane.
    if (args[0] === 'verify' && args.includes('--strategy')) await this.#done([...placed.slice(1), ...fixed])
    // A person answers the question; here nobody is there to.
    const rest = args[0]?.startsWith('-') ? [] : [...fixed, ...(asks ? ['--yes'] : [])]
    return await runProgram([...placed, ...rest])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const fake of this.#fakes) fake[Symbol.dispose]()
    await this.#lab[Symbol.asyncDispose]()
  }
}

/** Begins with all lines, in the order in which they stand. */
class Lines implements AsyncDisposable {
  readonly #lanes: readonly Lane[]
  readonly #ends: readonly Promise<Result>[]

  constructor(lanes: readonly Lane[]) {
    this.#lanes = lanes
    const free = [...lanes]
    const limit = pLimit(lanes.length)
    this.#ends = commands.map(line => {
      const end = limit(async () => {
        const lane = free.pop()
        if (!lane) throw new Error('no lane is free')
        return await lane.run(line).finally(() => free.push(lane))
      })
      // Its own test awaits it; until that begins, a failure is nobody's.
      end.catch(() => {})
      return end
    })
  }

  /** What came of the line. */
  async ended(i: number): Promise<Result> {
    const end = this.#ends[i]
    if (!end) throw new Error(`there is no line ${i}`)
    return await end
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#ends)
    await Promise.all(this.#lanes.map(lane => lane[Symbol.asyncDispose]()))
  }
}

labSuite(
  'README',
  async () => new Lines(await Promise.all(Array.from({ length: LANES }, () => Lane.start()))),
  ({ it }) => {
    it('every other line is one of the two commands that the test runner itself or its own test runs', async () => {
      const others = lines.filter(line => !commands.includes(line))
      expect(others.toSorted()).toEqual(['npm run demo', 'npm run setup', 'npm test'])
    })

    for (const [i, line] of commands.entries())
      it(`$ ${line}`, async all => {
        const { exitCode, stdout, stderr } = await all.ended(i)
        expect(exitCode, stdout + stderr).toBe(0)
        expect(stdout).not.toBe('')
      })
  },
)
