/** The file of a saved plan: whole, for its owner, and believed only where it is what was written. */
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { ConfigError, UsageError } from '../../../src/errors.ts'
import { checkOut, readPlan, writePlan } from '../../../src/run/saved-file.ts'
import { outcomesOf, type SavedPlan, savedHost, savedSchema } from '../../../src/run/saved-plan.ts'
import { makeFacts } from '../../support/facts.ts'
import { makeOutcome, planFor } from '../../support/outcomes.ts'
import { sinceMs } from '../../support/work.ts'
import { hostOf } from '../transport/hosts.ts'

const directory = mkdtempSync(join(tmpdir(), 'ctfix-saved-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const ESC = '\u001b'
const facts = makeFacts()

/** A plan for so many hosts; some are of their own kind. */
function planOf(n: number): SavedPlan {
  const hosts = Array.from({ length: n }, (_, i) => {
    const name = `web-${i + 1}`
    const plan = { ...planFor(i % 10 === 0 ? { max: 60_000 + i } : {}), host: name }
    return savedHost(hostOf({ name }), makeOutcome('would-change', { host: name, plan, facts }))
  })
  const down = makeOutcome('unreachable', { host: 'down', error: { message: 'refused', hint: null } })
  return {
    id: '01JD8Z5W3M9QX7R2T4V6B8N0KC',
    madeAt: '2026-01-01T00:00:00.000Z',
    expiresAt: '2026-01-02T00:00:00.000Z',
    who: 'a@b (pid 1)',
    strategy: ['raise'],
    force: false,
    exitCode: 3,
    rollout: [],
    hosts: [...hosts, savedHost(hostOf({ name: 'down' }), down)],
  }
}

async function written(name: string, plan = planOf(3)): Promise<{ readonly file: string; readonly text: string }> {
  const file = join(directory, name)
  await writePlan(file, plan)
  return { file, text: readFileSync(file, 'utf8') }
}

describe('a plan that was written', () => {
  it('comes back as it was, with the outcome of each host', async () => {
    const plan = planOf(12)
    const { file } = await written('back')
    await writePlan(file, plan)
    const read = readPlan(file)
    expect(read).toEqual({ file, plan, isEdited: false })
    expect(outcomesOf(read.plan).map(({ host, status }) => `${host} ${status}`)).toEqual([
      ...Array.from({ length: 12 }, (_, i) => `web-${i + 1} would-change`),
      'down unreachable',
    ])
  })

  it('is for its owner only, replaces the one before, and leaves nothing beside it', async () => {
    const inside = join(directory, 'alone')
    mkdirSync(inside)
    const file = join(inside, 'p.json')
    await writePlan(file, planOf(2))
    await writePlan(file, planOf(1))
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(readPlan(file).plan.hosts).toHaveLength(2)
    expect(readdirSync(inside)).toEqual(['p.json'])
  })

  it('holds what the schema says, and nothing more', async () => {
    const value: unknown = JSON.parse((await written('schema')).text)
    expect(savedSchema.parse(value)).toEqual(value)
  })

  it('that cannot be written says so, and what was there stays', async () => {
    const inside = join(directory, 'taken')
    mkdirSync(join(inside, 'p.json'), { recursive: true })
    await expect(writePlan(join(inside, 'p.json'), planOf(1))).rejects.toThrow(/p\.json: cannot write the plan: /)
    expect(readdirSync(inside)).toEqual(['p.json'])
  })

  it('of 2,000 hosts that are all different lets others have their turn while it is written', async () => {
    const plan = planOf(2000)
    const hosts = plan.hosts.map((host, i) => ({
      ...host,
      plan: host.plan && { ...host.plan, warnings: [`${i} ${'of its own '.repeat(30)}`] },
    }))
    let turns = 0
    let isDone = false
    const others = (): void => {
      turns += 1
      if (!isDone) setTimeout(others, 0)
    }
    others()
    await writePlan(join(directory, 'different'), { ...plan, hosts })
    isDone = true
    expect(turns).toBeGreaterThan(8)
    expect(readPlan(join(directory, 'different')).plan.hosts).toHaveLength(2001)
  })

  it('of 1,000 hosts is written and read in less than two seconds; equal plans stand there once', async () => {
    const plan = planOf(1000)
    const begin = process.cpuUsage()
    const { file, text } = await written('thousand', plan)
    const read = readPlan(file)
    expect(sinceMs(begin)).toBeLessThan(2000)
    expect(read.plan.hosts).toHaveLength(1001)
    expect(JSON.parse(text).plans).toHaveLength(101)
    expect(text.length).toBeLessThan(1_500_000)
  })
})

describe('a plan that was edited', async () => {
  const { text } = await written('edited')
  const edit = (name: string, change: (text: string) => string): boolean => {
    const file = join(directory, name)
    const changed = change(text)
    expect(changed).not.toBe(text)
    writeFileSync(file, changed)
    return readPlan(file).isEdited
  }

  it.each<[string, (text: string) => string]>([
    ['a value', text => text.replace('"131072"', '"131073"')],
    ['the time', text => text.replace('2026-01-02', '2036-01-02')],
    ['a host', text => text.replace('"web-2"', '"web-9"')],
    ['what it says more', text => text.replace('{', '{"more": 1,')],
    [
      'the digest itself',
      text => text.replace(/sha256:./, found => `${found.slice(0, -1)}${found.endsWith('0') ? '1' : '0'}`),
    ],
  ])('%s: is known', (what, change) => {
    expect(edit(what, change)).toBe(true)
  })

  it('another layout, or another order of keys, says the same', () => {
    expect(edit('compact', text => JSON.stringify(JSON.parse(text)))).toBe(false)
    const turned = (text: string): string =>
      JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(text)).toReversed()))
    expect(edit('turned', turned)).toBe(false)
  })
})

it('another file in its place is told what would have been one; one of ours that is broken is not', async () => {
  const file = join(directory, 'inventory.yaml')
  writeFileSync(file, 'web:\n  hosts: {web-1: {}}\n')
  const hinted = expect.objectContaining({ hint: expect.stringMatching(/^ctfix plan … --out FILE .* --playbook$/) })
  expect(() => readPlan(file)).toThrow(hinted)
  const { text } = await written('broken')
  writeFileSync(file, text.slice(0, 500))
  expect(() => readPlan(file)).not.toThrow(hinted)
  expect(() => readPlan(file)).toThrow(/expected JSON/)
})

describe('what is no plan', async () => {
  const { text } = await written('good')
  const lines = text.split('\n')
  const noise = `Warning: Permanently added 'web-1' to the list of known hosts.\n${ESC}[2Jroot@web-1:~# `

  it.each<[string, string, RegExp]>([
    ['empty', '', /:1:1: expected JSON, got nothing$/],
    ['words', 'plan: raise everything', /:1:1: expected JSON, got something else$/],
    ['cut off', text.slice(0, text.length / 2), /:\d+:\d+: expected JSON, got /],
    ['cut off at its end', text.trimEnd().slice(0, -1), /:\d{2,}:\d+: expected JSON, got the end of the text$/],
    ['with a line of a host before it', noise + text, /:1:1: expected JSON, got something else$/],
    [
      'with a line of a host after it',
      text + noise,
      new RegExp(`:${lines.length}:1: expected JSON, got something else$`),
    ],
    [
      'with a line of a host in it',
      [...lines.slice(0, 5), noise, ...lines.slice(5)].join('\n'),
      /:6:1: expected JSON, got something else$/,
    ],
    [
      'of another version',
      text.replace('"version": 1', '"version": 2'),
      /:3:\d+: expected a saved plan of version 1, got 2$/,
    ],
    ['another document', '{"schema": 1, "hosts": []}', /:1:\d+: expected plan for ctfix, got nothing$/],
    ['a list', '[]', /:1:1: expected a mapping, got an empty list$/],
    [
      'with another kind of change',
      text.replace('"kernel-value"', '"shell"'),
      /:\d+:\d+: expected .* for plans\[0\]\.changes\[0\]\.kind, got /,
    ],
    [
      'with a host without its plan',
      text.replace(/"plan": 1\b/, '"plan": 77'),
      /a host names a plan that is not in the file$/,
    ],
    [
      'with an id that is a path',
      text.replace(/01JD8\w+/, '../../../../../etc/x'),
      /:\d+:\d+: expected 26 letters and digits for id, got /,
    ],
    [
      'with a time that is none',
      text.replace('2026-01-02T00:00:00.000Z', 'soon'),
      /:\d+:\d+: .* for expiresAt, got "soon"$/,
    ],
  ])('%s: is told with its place, in one line', (name, content, message) => {
    const file = join(directory, `bad ${name}`)
    writeFileSync(file, content)
    const error = (() => {
      try {
        return readPlan(file)
      } catch (thrown) {
        return thrown
      }
    })()
    expect(error).toBeInstanceOf(ConfigError)
    const told = String(Object(error).message)
    expect(told).toMatch(message)
    expect(told.startsWith(file)).toBe(true)
    expect(told).not.toContain('\n')
    expect(told).not.toContain(ESC)
  })

  it('a file that is not there, or a directory', () => {
    expect(() => readPlan(join(directory, 'nowhere'))).toThrow(/nowhere: cannot read the plan: no such file$/)
    expect(() => readPlan(directory)).toThrow(ConfigError)
  })
})

describe('--out', async () => {
  it('takes the place of nothing but a saved plan', () => {
    const other = join(directory, 'inventory.yaml')
    writeFileSync(other, 'all: {}\n')
    symlinkSync(other, join(directory, 'link'))
    for (const file of [other, join(directory, 'link'), directory, '/dev/null', join(directory, 'none', 'p.json')]) {
      expect(() => checkOut(file), file).toThrow(UsageError)
    }
    expect(readFileSync(other, 'utf8')).toBe('all: {}\n')
  })
  it('may be new, empty, or an earlier plan', async () => {
    writeFileSync(join(directory, 'blank'), '')
    for (const file of [join(directory, 'new.json'), join(directory, 'blank'), (await written('earlier')).file])
      expect(() => checkOut(file), file).not.toThrow()
  })
})
