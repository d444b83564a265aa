/** What watch.sh prints of a table, under every shell that hosts have. */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { describe, expect, it } from 'vitest'
import { watchProgram } from '../../src/watch/program.ts'
import { parseReading, type Reading, readingLines } from '../../src/watch/reading.ts'
import { type Platform, SHELLS, type Shell, Stage } from '../facts/stage.ts'
import { SHELLS as COMMANDS } from '../support/shells.ts'

const NONCE = 'f1c7e5a2d0b94836'
const { stdin } = watchProgram(NONCE, 0)

const UPTIME = { '/proc/uptime': '1234.56 99.00\n' }
const HEADER =
  'entries  searched found new invalid ignore delete delete_list insert insert_failed drop early_drop icmp_error expect_new\n'
const row = (...cells: readonly number[]): string => `${cells.map(n => n.toString(16).padStart(8, '0')).join(' ')} \n`
const MODERN: Platform['files'] = {
  ...UPTIME,
  '/proc/sys/net/netfilter/nf_conntrack_count': '61234\n',
  '/proc/sys/net/netfilter/nf_conntrack_max': '65536\n',
  '/proc/sys/net/netfilter/nf_conntrack_buckets': '16384\n',
  '/proc/net/stat/nf_conntrack': `${HEADER}${row(61234, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0xffffffff, 11, 12, 13)}${row(61234, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 0, 0)}`,
}

function lookAt(shell: Shell, platform: Partial<Platform>, words: readonly string[] = ['0.000000']): Reading {
  using stage = new Stage({ files: {}, ...platform }, shell)
  return said(stage, words)
}

function said(stage: Stage, words: readonly string[] = ['0.000000']): Reading {
  const { status, stdout, stderr } = stage.run(stdin, [NONCE, ...words])
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  const found: Reading[] = []
  readingLines(NONCE, line => found.push(parseReading(line)))(stdout)
  expect(found).toHaveLength(1)
  return found[0] ?? expect.unreachable()
}

/** Times and words of a dmesg. */
const dmesg = (lines: readonly string[]): NonNullable<Platform['tools']> => ({
  dmesg: `cat <<'END'\n${lines.join('\n')}\nEND`,
})
const full = (at: string, more = 'table full, dropping packet'): string => `[${at}] nf_conntrack: nf_conntrack: ${more}`

describe.each(SHELLS)('a look under %s', shell => {
  it('has the numbers whole, and counters summed over CPUs by the names of their columns', () => {
    expect(lookAt(shell, { files: MODERN, tools: dmesg([]) })).toEqual({
      ...{ uptimeSeconds: 1234.56, family: 'nf_conntrack', count: 61234, max: 65536, buckets: 16384 },
      ...{ drops: 0xffffffff + 2, earlyDrops: 14, insertFailed: 10, log: { fresh: 0, newest: 0 } },
    })
  })

  it('knows the names of old kernels', () => {
    const files = {
      ...UPTIME,
      '/proc/sys/net/ipv4/netfilter/ip_conntrack_count': '20\n',
      '/proc/sys/net/ipv4/netfilter/ip_conntrack_max': '4096\n',
      '/proc/net/stat/ip_conntrack': `entries drop early_drop\n${row(20, 5, 6)}`,
    }
    expect(lookAt(shell, { files, tools: dmesg([]) })).toMatchObject({
      ...{ family: 'ip_conntrack', count: 20, max: 4096, buckets: null, drops: 5, earlyDrops: 6, insertFailed: null },
    })
  })

  it('says that nothing is tracked, and what cannot be read', () => {
    const nothing = { count: null, max: null, drops: null }
    expect(lookAt(shell, { files: UPTIME, tools: { dmesg: 'exit 1' } })).toMatchObject({
      ...{ family: null, ...nothing, log: null },
    })
    const counters = { ...UPTIME, '/proc/net/stat/nf_conntrack': MODERN['/proc/net/stat/nf_conntrack'] ?? '' }
    // The number of entries stands in the counters, too.
    expect(lookAt(shell, { files: counters, tools: dmesg([]) })).toMatchObject({
      ...nothing,
      count: 61234,
      drops: 0x100000001,
    })
  })

  it('counts table-full lines that are newer than the newest known, and of this namespace', () => {
    using stage = new Stage(
      {
        files: MODERN,
        links: { '/proc/self/ns/net': 'net:[4026531840]' },
        tools: dmesg([
          full('  900.000001'),
          full(' 1000.500000'),
          full(' 1001.000000', 'table full in netns 4026531999, dropping packet'),
          full(' 1002.000000', 'table full in netns 4026531840, dropping packet'),
          '[ 1003.000000] nf_conntrack: expectation table full',
        ]),
      },
      shell,
    )
    const log = (newest: string): Reading['log'] => said(stage, [newest]).log
    expect(log('0.000000')).toEqual({ fresh: 3, newest: 1002 })
    expect(log('900.000001')).toEqual({ fresh: 2, newest: 1002 })
    expect(log('1002.000000')).toEqual({ fresh: 0, newest: 1002 })
    // Of before the boot.
    expect(log('50000.000000')).toEqual({ fresh: 3, newest: 1002 })
  })

  it('starts one process for the table, and one for the log', () => {
    using stage = new Stage({ files: MODERN, tools: { dmesg: 'echo dmesg >>/tmp/started' } }, shell)
    // The applets of busybox start in the shell itself.
    if (shell !== 'busybox sh') stage.wrap('grep')
    said(stage)
    const { stdout } = stage.run('cat /tmp/started')
    expect(stdout).toBe(shell === 'busybox sh' ? 'dmesg\n' : 'grep\ndmesg\n')
  })
})

describe.each(COMMANDS)('asked again and again, %s', (_, [command = 'sh', ...flags]) => {
  it('answers each line with one, looks at the log where it is told to, and ends with its input', async () => {
    const child = spawn(command, [...flags, '-s', '--', NONCE, '0.000000'], { stdio: ['pipe', 'pipe', 'inherit'] })
    const ended = new Promise(resolve => child.once('close', resolve))
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
    const next = async (): Promise<string> => String((await lines.next()).value)
    child.stdin.write(stdin)
    expect(await next()).toMatch(new RegExp(`^@@${NONCE} up=\\d.* log=`))
    child.stdin.write('look\n')
    expect(await next()).not.toContain(' log=')
    child.stdin.write('log\n')
    expect(await next()).toContain(' log=')
    child.stdin.end()
    expect(await ended).toBe(0)
  })

  it('ends when nobody reads it', async () => {
    const child = spawn(command, [...flags, '-s', '--', NONCE, '0.000000'], { stdio: ['pipe', 'pipe', 'ignore'] })
    const ended = new Promise(resolve => child.once('close', resolve))
    child.stdin.on('error', () => {}).write(stdin)
    await new Promise(resolve => child.stdout.once('data', resolve))
    child.stdout.destroy()
    child.stdin.write('look\n')
    child.stdin.write('look\n')
    await ended
    expect(child.exitCode ?? child.signalCode).not.toBeNull()
  })
})
