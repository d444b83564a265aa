import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { amountBars } from '../../../src/report/bars.ts'
import { reportPage } from '../../../src/report/page.ts'
import { DARK, LIGHT } from '../../../src/report/style.ts'
import { type Account, accountOf } from '../../../src/run/account.ts'
import { readRun } from '../../../src/run/recorded.ts'
import { badly, changed, measured, skipped } from '../../support/fates.ts'
import { type Element, everyElement, parsePage, textIn } from '../../support/markup.ts'
import { type Fate, RUN, recordRun } from '../../support/recorded-run.ts'

const about = { version: '1.2.3', meaning: 'of this number' }

function recorded(batches: readonly (readonly Fate[])[], stopped?: string): { state: string; account: Account } {
  const state = mkdtempSync(join(tmpdir(), 'ctfix-report-'))
  recordRun(state, batches, stopped)
  return { state, account: accountOf(readRun(state, RUN)) }
}

const pageOf = (account: Account): Element => parsePage(reportPage(account, about))
const named = (page: Element, name: string): Element[] => everyElement(page).filter(one => one.name === name)
const byId = (page: Element, id: string): Element =>
  everyElement(page).find(({ attributes }) => attributes.id === id) ?? expect.unreachable(`no #${id}`)

const reason = '2 of 18 hosts failed, at most 1 may'
const mixed = recorded([changed(1, 1), changed(2, 9), badly(), skipped(1)], reason).account
const page = pageOf(mixed)

describe('the page', () => {
  it('loads nothing, sends nothing, runs nothing: its own policy forbids it, and nothing in it would', () => {
    const policy = named(page, 'meta').find(({ attributes }) => attributes['http-equiv'] === 'Content-Security-Policy')
    expect(policy?.attributes.content).toMatch(/^default-src 'none'; style-src 'unsafe-inline';/)
    expect(everyElement(page).filter(({ name }) => /^(script|img|link|iframe|form|object|base)$/.test(name))).toEqual(
      [],
    )
    const attributes = everyElement(page).flatMap(one => Object.entries(one.attributes))
    expect(attributes.filter(([name]) => /^(on|src|style)/.test(name))).toEqual([])
    expect(attributes.filter(([name, value]) => name === 'href' && !value.startsWith('#'))).toEqual([])
    expect(textIn(named(page, 'style')[0] ?? page)).not.toMatch(/url\(|@import|&(gt|lt|quot);/)
  })

  it('is of use to who listens to it: language, one h1, headings in order, captions, headed rows and columns', () => {
    expect(page.attributes.lang).toBe('en')
    const levels = everyElement(page).flatMap(({ name }) => (/^h\d$/.test(name) ? [Number(name[1])] : []))
    expect(levels.filter(level => level === 1)).toHaveLength(1)
    expect(levels.every((level, i) => level <= (levels[i - 1] ?? 0) + 1)).toBe(true)
    for (const table of named(page, 'table')) {
      expect(textIn(named(table, 'caption')[0] ?? expect.unreachable('no caption'))).not.toBe('')
      for (const head of named(table, 'th')) expect(head.attributes.scope).toMatch(/^(row|col)$/)
    }
    for (const svg of named(page, 'svg')) expect(svg.attributes['aria-hidden']).toBe('true')
  })

  it('has every name once, and no link into nothing', () => {
    const ids = everyElement(page).flatMap(({ attributes }) => attributes.id ?? [])
    expect(new Set(ids).size).toBe(ids.length)
    const links = named(page, 'a').map(({ attributes }) => attributes.href?.slice(1) ?? '')
    expect(links.length).toBeGreaterThan(20)
    expect(links.filter(id => !ids.includes(id))).toEqual([])
    const labels = everyElement(page).flatMap(({ attributes }) => attributes['aria-labelledby'] ?? [])
    expect(labels.filter(id => !ids.includes(id))).toEqual([])
  })

  it('says each status in words, the worst first', () => {
    const tiles = named(byId(page, 'recap'), 'li').map(textIn)
    expect(tiles.map(text => text.split(' ').slice(0, 3).join(' '))).toEqual([
      ...['1 ? in-doubt', '1 ↩ rolled-back', '1 ✗ failed', '2 ⊘ unreachable', '1 ■ blocked'],
      ...['2 – skipped', '9 ✓ changed', '1 = ok'],
    ])
    expect(textIn(page)).toContain('A person is needed on 1 of 18 hosts: 1 in-doubt, 1 rolled-back')
    const problems = named(byId(page, 'problems'), 'h3').map(textIn)
    expect(problems.map(text => text.split(' ')[1])).toEqual([
      ...['in-doubt', 'rolled-back', 'failed', 'unreachable', 'blocked'],
    ])
    expect(textIn(byId(page, 'problems'))).toContain(`The run stopped: ${reason}`)
    expect(textIn(byId(page, 'problems'))).toContain('kube-proxy-owns')
  })

  it('shows before and after, and does not pass off as after what did not stay', () => {
    const rows = named(byId(page, 'hosts'), 'tr')
    const row = (name: string): string =>
      textIn(rows.find(one => textIn(one).startsWith(name)) ?? expect.unreachable(name))
    expect(row('edge-001')).toMatch(/✓ changedchecksdiff100\.0 % → \d+\.\d %65,536 \/ 65,536 → [\d,]+ \/ 262,144/)
    expect(row('edge-001')).toMatch(/16,384 → 262,144[\d,]+ since boot → \+0 in 1\d\.\d s/)
    expect(row('db-3')).toContain('while it was changed')
    expect(row('edge-001')).not.toContain('while it was changed')
    expect(row('db-1')).toBe('db-1.example.net⊘ unreachablewhy—————')
    expect(textIn(byId(page, 'hosts'))).toContain('tcp_established')
    // Usage, drops, and entries by state: a picture each.
    const cells = (name: string): (readonly string[])[] =>
      named(rows.find(one => textIn(one).startsWith(name)) ?? expect.unreachable(name), 'td').map(cell =>
        named(cell, 'rect').map(({ attributes }) => `${attributes.class} ${attributes.width}`),
      )
    expect(cells('edge-001')[4]).toEqual([expect.stringMatching(/^b \d/), 'a 0%'])
    // A little is no nothing.
    expect(amountBars(100, 1, 1000).text).toMatch(/class="b" width="10%".*class="a" width="2%"/)
    expect(cells('db-1')[4]).toEqual([])
    const fleet = named(byId(page, 'fleet'), 'tr').map(textIn)
    expect(fleet).toContainEqual(
      expect.stringMatching(/^The fullest table100\.0 % on edge-001\.example\.net1\d\.\d % on/),
    )
    expect(fleet).toContain('Hosts at 80 % or more60')
  })

  it('has each diff once for its hosts, and each check with what it saw', () => {
    const changes = named(byId(page, 'changes'), 'details')
    expect(changes.map(one => textIn(named(one, 'summary')[0] ?? one))).toEqual([
      '1 ? in-doubt 1 ↩ rolled-back 4 ✓ changed edge-[001-002,005,008].example.net, db-[3-4].example.net 6 hosts — 3 live changes, 3 files',
      expect.stringMatching(/^✓ changed edge-\[\d+,\d+,\d+\]\.example\.net 3 hosts/),
      expect.stringMatching(/^✓ changed edge-\[\d+,\d+\]\.example\.net 2 hosts/),
      expect.stringMatching(/^■ blocked db-6\.example\.net 1 host/),
    ])
    expect(textIn(changes[0] ?? page)).toContain('~ net.netfilter.nf_conntrack_max: 65536 → 262144')
    expect(textIn(byId(page, 'checks'))).toMatch(
      /✓ pass drops-still no drop, early drop or long chain in 10 to 11\.\d s/,
    )
  })

  it('tells the batches with their times, what was asked in between, and why it ended', () => {
    const rows = named(byId(page, 'timeline'), 'tr').slice(1).map(textIn)
    expect(rows[0]).toMatch(/^03:02:12batch 1 of 4, the canary: 1 host edge-001\.example\.net1 ✓ changed 11s$/)
    expect(rows[1]).toBe('03:02:23waited✓ passed 2m2m')
    expect(rows.at(-1)).toContain(`✗ stopped: ${reason}2 hosts not attempted`)
    expect(named(byId(page, 'timeline'), 'rect').length).toBe(rows.length)
  })

  it('says what to take back, on which hosts, with ctfix and without', () => {
    const undo = textIn(byId(page, 'undo'))
    expect(undo).toContain('9 hosts changed: edge-[001-009].example.net')
    expect(undo).toContain('1 host of which nobody knows, so ask them first: db-4.example.net')
    expect(undo).toContain(`ctfix rollback -i INVENTORY ${RUN} --dry-run`)
    expect(undo).toContain(`sh /var/lib/ctfix/${RUN}/guard.sh revert /var/lib/ctfix/${RUN}`)
    const lists = named(byId(page, 'undo'), 'details').map(textIn)
    expect(lists[0]).toMatch(/^What goes back on edge-\[001-002,005,008\]\.example\.net, db-4\.example\.net 5 hosts/)
    expect(lists[0]).toContain('~ net.netfilter.nf_conntrack_max: 262144 → 65536')
    expect(lists[0]).toContain('/etc/sysctl.d/99-zz-ctfix.conf is removed')
  })
})

describe('of a run', () => {
  it('in which all went well it says so, and has nothing that needs a look', () => {
    const good = pageOf(recorded([changed(1, 3)]).account)
    expect(textIn(good)).toContain('✓ 3 hosts as wanted: 3 changed')
    expect(everyElement(good).some(({ attributes }) => attributes.id === 'problems')).toBe(false)
    const rows = named(byId(good, 'timeline'), 'tr').slice(1).map(textIn)
    expect(rows).toEqual([expect.stringMatching(/^03:02:11all hosts: 3 hosts3 ✓ changed/)])
  })

  it('that was broken off it says that no end is recorded', () => {
    const { state, account } = recorded([changed(1, 2)])
    const result = join(account.directory, 'result.json')
    writeFileSync(result, readFileSync(result, 'utf8').slice(0, 40))
    const text = textIn(pageOf(accountOf(readRun(state, RUN))))
    expect(text).toContain('Exit codenone')
    expect(text).toContain('no end is recorded; the last entry is of 2026-03-01')
  })

  it('of an older version, which wrote down no numbers, no checks and no batches, there is a page all the same', () => {
    const { state, account } = recorded([changed(1, 2), changed(3, 6)])
    const file = join(account.directory, 'events.ndjson')
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
    const older = lines.flatMap(line => {
      const { numbers: _, checks: __, elapsedMs: ___, ...event } = JSON.parse(line)
      return event.host === undefined ? [] : `${JSON.stringify(event)}\n`
    })
    writeFileSync(file, older.join(''))
    const old = pageOf(accountOf(readRun(state, RUN)))
    expect(textIn(old)).toContain('6 hosts as wanted: 6 changed')
    expect(textIn(byId(old, 'fleet'))).toContain('No numbers of before and after: the record has none.')
    expect(textIn(byId(old, 'hosts'))).toContain('edge-001.example.net✓ changeddiff—————')
    expect(named(byId(old, 'changes'), 'pre').length).toBeGreaterThan(0)
  })

  it('with numbers that are none of ours the rest is read', () => {
    const { state, account } = recorded([changed(1, 1)])
    const file = join(account.directory, 'events.ndjson')
    writeFileSync(file, readFileSync(file, 'utf8').replaceAll(/"max":\d+/g, '"max":"<b>"'))
    expect(textIn(byId(pageOf(accountOf(readRun(state, RUN))), 'hosts'))).toContain('✓ changed')
  })

  it('that measured from outside it shows what was lost, the most first; else there is no such section', () => {
    const { account } = recorded([changed(1, 3)])
    expect(everyElement(pageOf(account)).some(({ attributes }) => attributes.id === 'outside')).toBe(false)
    const hosts = account.hosts.map((host, i) => ({ ...host, probes: measured(i) }))
    const rows = named(byId(pageOf({ ...account, hosts }), 'outside'), 'tr')
      .slice(1)
      .map(textIn)
    expect(rows).toEqual(
      [
        'edge-003.example.net tcp:443 14 of 40 lost, 9 late, p95 1204 ms — 2 of 40 lost, p95 3.1 ms',
        'edge-002.example.net tcp:443 13 of 40 lost, 9 late, p95 1204 ms — 1 of 40 lost, p95 3.1 ms',
        'edge-001.example.net tcp:443 12 of 40 lost, 9 late, p95 1204 ms — 0 of 40 lost, p95 3.1 ms',
      ].map(text => text.replace('tcp:443 ', 'tcp:443').replace(' ms — ', ' ms—')),
    )
  })
})

describe('five hundred hosts', () => {
  it.each([
    ['alike', false],
    ['each with a plan, states and measurements of its own', true],
  ])('%s make a page below 2 MB, all of them in it', (_, distinct) => {
    const { account } = recorded([changed(1, 500, distinct)])
    const hosts = account.hosts.map((host, i) => ({ ...host, probes: distinct ? measured(i) : [] }))
    const text = reportPage({ ...account, hosts }, about)
    expect(Buffer.byteLength(text)).toBeLessThan(2_000_000)
    const big = parsePage(text)
    const rows = named(byId(big, 'hosts'), 'th')
      .filter(({ attributes }) => attributes.scope === 'row')
      .map(textIn)
    expect(rows.filter(name => name.startsWith('edge-'))).toHaveLength(500)
    expect(named(byId(big, 'changes'), 'details')).toHaveLength(distinct ? 500 : 3)
  })
})

describe('text of a host', () => {
  const evil = `"><script>alert(1)</script></style></title><!-- ' onload=x &amp; \u202e\u001b[2J`

  it('is text wherever it stands', () => {
    const fate: Fate = { ...(badly()[2] ?? expect.unreachable()), error: { message: evil, hint: evil } }
    const { account } = recorded([[{ ...fate, name: 'web-1' }]], evil)
    const told = account.hosts.map(host => ({
      ...host,
      name: evil,
      checks: [{ name: evil, status: 'fail' as const, detail: evil }],
      probes: measured(0).map(probed => ({ ...probed, target: evil, why: evil })),
      plan: host.plan && {
        ...host.plan,
        host: evil,
        warnings: [evil],
        blockers: [{ code: evil, message: evil, forceable: true }],
        changes: host.plan.changes.map(change => ({ ...change, why: evil, target: evil })),
      },
      before: host.before && { ...host.before, states: { [evil]: 7 }, lost: { [evil]: 7 } },
      after: host.after && {
        ...host.after,
        states: { [evil]: 9 },
        window: { seconds: 3, lost: { [evil]: 7 }, lines: 1 },
      },
      endedAt: evil,
    }))
    const hostile: Account = {
      ...{ ...account, hosts: told, who: evil, at: evil, directory: evil, strategy: [evil], rules: [evil] },
      story: [
        { type: 'batch', at: evil, index: 1, of: 1, hosts: [evil], canary: true },
        { type: 'gate', at: evil, after: 1, kind: 'command', status: 'failed', detail: evil },
        { type: 'stopped', at: evil, reason: evil, notAttempted: [evil] },
      ],
    }
    const harmless = pageOf({ ...hostile })
    const names = new Set(everyElement(harmless).map(({ name }) => name))
    expect([...names].filter(name => !new Set(everyElement(page).map(one => one.name)).has(name))).toEqual([])
    const said = textIn(harmless)
    expect(said.split('<script>alert(1)</script>').length).toBeGreaterThan(20)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    expect(said).not.toMatch(/[\u0000-\u0008\u001b\u202e]/)
    expect(said).toContain('\\u202e\\x1b[2J')
  })
})

/** As WCAG 2 has it: relative luminance, and the ratio of two. */
function contrast(one: string, other: string): number {
  const [lighter = 0, darker = 0] = [one, other].map(luminance).toSorted((a, b) => b - a)
  return (lighter + 0.05) / (darker + 0.05)
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5]
    .map(at => Number.parseInt(colour.slice(at, at + 2), 16) / 255)
    .map(value => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

it.each([
  ['light', LIGHT],
  ['dark', DARK],
])('every text stands out from both grounds: %s', (_, { back, card, line: __, ...texts }) => {
  for (const text of Object.values(texts))
    for (const ground of [back, card]) expect(contrast(text, ground), `${text} on ${ground}`).toBeGreaterThan(4.5)
})
