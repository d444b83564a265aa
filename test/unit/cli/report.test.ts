import { mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { SharedOptions } from '../../../src/cli/options.ts'
import { report } from '../../../src/cli/report.ts'
import { ConfigError, UsageError } from '../../../src/errors.ts'
import { openRecord, reopenRecord } from '../../../src/run/record.ts'
import { runSchema } from '../../../src/view/schema.ts'
import { badly, changed, skipped } from '../../support/fates.ts'
import { parsePage, textIn } from '../../support/markup.ts'
import { makeOutcome } from '../../support/outcomes.ts'
import { RUN, recordRun } from '../../support/recorded-run.ts'

const stateDir = mkdtempSync(join(tmpdir(), 'ctfix-report-'))
recordRun(stateDir, [changed(1, 1), changed(2, 4), badly(), skipped(2)], 'too many failed')

const shared: SharedOptions = {
  ...{ inventory: [], becomeMethod: 'sudo', knownHosts: [], forks: 1, connectTimeout: 1 },
  ...{ output: 'human', color: false, stateDir },
}

async function printed(options: Parameters<typeof report>[1], run = RUN): Promise<string> {
  const write = vi.spyOn(process.stdout, 'write').mockClear().mockReturnValue(true)
  await report(run, options)
  return write.mock.calls.map(([text]) => String(text)).join('')
}

afterEach(() => vi.restoreAllMocks())

describe('ctfix report', () => {
  it('--html prints the page, with the version and the words of the exit code', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
    const text = textIn(parsePage(await printed({ ...shared, html: true })))
    expect(text).toContain(`Made by ctfix ${version} from the record in ${stateDir}`)
    expect(text).toContain('Exit code4: a host was rolled back cleanly')
  })

  it('--out writes it for its owner, again and again, and says where', async () => {
    const out = join(stateDir, 'run.html')
    // One of before, that all could read.
    writeFileSync(out, 'old', { mode: 0o644 })
    for (const _ of [1, 2]) expect(await printed({ ...shared, html: true, out })).toBe(`${out}\n`)
    expect(() => parsePage(readFileSync(out, 'utf8'))).not.toThrow()
    expect(statSync(out).mode & 0o777).toBe(0o600)
    await expect(printed({ ...shared, out: join(stateDir, 'none', 'run.html') })).rejects.toThrow(ConfigError)
  })

  it('without --html is what the page tells, as text, or any other output', async () => {
    const text = await printed(shared)
    expect(text).toMatch(
      /^‼ A person is needed on 1 of 14 hosts: .*\nrun 01JD8Z5W3M9QX7R2T4V6B8N0KC {2}ctfix apply raise/,
    )
    expect(text).toMatch(/^\d{4}-\d\d-\d\d [\d:]{8} UTC, .*, exit code 4$/m)
    expect(text).toMatch(/^ {2}[\d:]{8} batch 1 of \d+.*: 1 host$/m)
    expect(text).toMatch(/^host +usage +entries \/ max +dropped +log lines$/m)
    expect(text).toMatch(
      /^edge-001\.example\.net +100\.0 % → [\d.]+ % +65,536 \/ 65,536 → [\d,]+ \/ 262,144 +[\d,]+ → \+0 in /m,
    )
    expect(text.endsWith(`to undo  ctfix rollback -i INVENTORY ${RUN} --dry-run, and then without --dry-run\n`)).toBe(
      true,
    )
    expect(text).toContain('~ net.netfilter.nf_conntrack_max: 65536 → 262144')
    expect(text).toMatch(/stopped {2}too many failed; 3 hosts not attempted\nrecap {2}targeted 14 {2}ok 1 {2}changed 4/)
    expect(await printed({ ...shared, output: 'markdown' })).toContain('- **stopped**: `too many failed`')
    expect(await printed({ ...shared, output: 'junit' })).toMatch(/^<\?xml/)
    const document = runSchema.parse(JSON.parse(await printed({ ...shared, output: 'json' })))
    expect(document).toMatchObject({ run: RUN, command: 'apply', exit_code: 4, stopped: { reason: 'too many failed' } })
    expect(document.hosts.find(({ name }) => name === 'db-4.example.net')).toMatchObject({ status: 'unknown' })
    expect(JSON.parse(await printed({ ...shared, output: 'ndjson' }))).toEqual(document)
  })

  it('says in every form that it was taken back since, by which run, when and where, and that it was gone on with', async () => {
    const state = mkdtempSync(join(tmpdir(), 'ctfix-report-'))
    recordRun(state, [changed(1, 2)])
    const header = {
      command: 'rollback',
      strategy: ['rollback'],
      of: RUN,
      at: '2026-03-02T09:00:00.000Z',
      who: 'ada@desk',
    }
    const takeBack = async (run: string, hosts: readonly string[], left: readonly string[]): Promise<void> => {
      const record = openRecord(state, run, { ...header, hosts: [...hosts, ...left] })
      for (const host of hosts) record.write({ type: 'outcome', host, outcome: makeOutcome('changed', { host }) })
      for (const host of left) record.write({ type: 'outcome', host, outcome: makeOutcome('failed', { host }) })
      await record.close(['{}'])
    }
    const options = { ...shared, stateDir: state }
    const [one, two] = ['edge-001.example.net', 'edge-002.example.net']
    expect(await printed(options)).not.toContain('taken back by')
    await takeBack('01JD9Z5W3M9QX7R2T4V6B8N0KC', [one], [two])
    await reopenRecord(state, RUN).close(['{}'])

    const text = await printed(options)
    const said = `by run 01JD9Z5W3M9QX7R2T4V6B8N0KC, 2026-03-02 09:00:00 UTC, by ada@desk: 1 host, ${one}; not on 1 host, ${two}`
    expect(text).toContain(`taken back ${said}\n`)
    expect(text).toMatch(/^gone on with \d{4}-\d\d-\d\d [\d:]{8} UTC, after it was broken off$/m)
    // One of the hosts is still changed.
    expect(text).toContain('to undo')
    const html = parsePage(await printed({ ...options, html: true }))
    expect(textIn(html)).toContain(`Taken back${said}`)
    expect(textIn(html)).toContain(`1 host still changed: ${two}`)
    expect(await printed({ ...options, output: 'markdown' })).toContain(`- **taken back** \`${said}\``)
    const document = runSchema.parse(JSON.parse(await printed({ ...options, output: 'json' })))
    expect(document).toMatchObject({ taken_back: [{ hosts: [one], not_back: [two] }], resumed: [expect.any(String)] })

    await takeBack('01JDAZ5W3M9QX7R2T4V6B8N0KC', [two], [])
    expect(await printed(options)).not.toContain('to undo')
    expect(await printed({ ...options, output: 'markdown' })).not.toContain('ctfix rollback')
    // Of a rollback that was taken back itself the change is there again.
    const last = openRecord(state, '01JDBZ5W3M9QX7R2T4V6B8N0KC', {
      ...header,
      of: '01JDAZ5W3M9QX7R2T4V6B8N0KC',
      hosts: [two],
    })
    last.write({ type: 'outcome', host: two, outcome: makeOutcome('changed', { host: two }) })
    await last.close(['{}'])
    expect(await printed(options)).toContain('to undo')
  })

  it('refuses what makes no sense: two formats, an id of none, a run without a record', async () => {
    await expect(printed({ ...shared, html: true, output: 'json' })).rejects.toThrow(UsageError)
    await expect(printed(shared, '../etc')).rejects.toThrow(UsageError)
    await expect(printed(shared, '01JD8Z5W3M9QX7R2T4V6B8N0KD')).rejects.toThrow(/no run/)
  })
})
