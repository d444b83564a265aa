/** Connections that are held, lost and opened again; the hosts are this machine's own shell, or made up. */
import { describe, expect, it, vi } from 'vitest'
import { ConnectError, type ConnectReason, NotTriedError, UsageError } from '../../../src/errors.ts'
import type { Host } from '../../../src/inventory/host.ts'
import type { Connect, Connection, ExecOptions } from '../../../src/transport/connection.ts'
import { connectLocal } from '../../../src/transport/local.ts'
import { linkAfter, pauseAfter, watchFleet } from '../../../src/watch/fleet.ts'
import { checkHeldFiles } from '../../../src/watch/held-files.ts'
import type { WatchEvent } from '../../../src/watch/watched.ts'
import { hostOf } from '../transport/hosts.ts'

const LINE = 'up=12.50 family=nf_conntrack count=20 max=4096 buckets=1024'

interface Script {
  /** What a session does, from its first line on. */
  readonly exec: (
    nonce: string,
    options: ExecOptions,
    n: number,
  ) => Promise<{ exitCode: number; stdout: string; stderr: string }>
}

function connectTo({ exec }: Script): { readonly connect: Connect; readonly closed: () => number } {
  let [n, closed] = [0, 0]
  const connect: Connect = async host => {
    const connection: Connection = {
      host,
      alive: true,
      exec(command, options = {}) {
        n += 1
        return exec(/ -- (\w{16}) /.exec(command)?.[1] ?? '', options, n)
      },
      async [Symbol.asyncDispose]() {
        closed += 1
      },
    }
    return connection
  }
  return { connect, closed: () => closed }
}

async function watched(
  connect: Connect,
  {
    readings = null,
    hosts = [hostOf()],
    until,
  }: { readings?: number | null; hosts?: readonly Host[]; until?: (events: readonly WatchEvent[]) => boolean },
): Promise<WatchEvent[]> {
  const events: WatchEvent[] = []
  const stop = new AbortController()
  await watchFleet(hosts, {
    ...{ connect, intervalMs: 20, forks: 2, signal: stop.signal, readings, random: () => 0, newestLine: () => 7 },
    emit(event) {
      events.push(event)
      if (until?.(events)) stop.abort()
    },
  })
  return events
}

/** Answers at once, and then each question, as watch.sh does. */
const answering: Script = {
  exec(nonce, { follow, signal }) {
    return new Promise((resolve, reject) => {
      signal?.addEventListener('abort', () => reject(new ConnectError('web-1', 'aborted', 'stopped')))
      follow?.begun(text => {
        if (text === null) resolve({ exitCode: 0, stdout: '', stderr: '' })
        else follow.heard(`@@${nonce} ${LINE}\n`)
      })
      follow?.heard(`motd\n@@${nonce} ${LINE}\n`)
    })
  },
}

const lost = (reason: ConnectReason) => new ConnectError('web-1', reason, `web-1: ${reason}`)

describe('a watch', () => {
  it('over a real shell: two looks and an end, in one command', async () => {
    const events = await watched(connectLocal, { readings: 2, hosts: [hostOf({ connection: 'local' })] })
    expect(events.map(({ type }) => type)).toEqual(['reading', 'reading'])
  })

  it('goes on over one command until it is told to end, and closes the connection', async () => {
    const { connect, closed } = connectTo(answering)
    const exec = vi.fn(answering.exec)
    const events = await watched(connectTo({ exec }).connect, { until: all => all.length === 5 })
    expect(events.every(({ type }) => type === 'reading')).toBe(true)
    expect(exec).toHaveBeenCalledTimes(1)
    await watched(connect, { until: all => all.length === 2 })
    expect(closed()).toBe(1)
  })

  it('sends one command for each look where none can go on', async () => {
    const exec = vi.fn<Script['exec']>(async nonce => ({ exitCode: 0, stdout: `@@${nonce} ${LINE}\n`, stderr: '' }))
    const events = await watched(connectTo({ exec }).connect, { readings: 3 })
    expect(events.map(({ type }) => type)).toEqual(['reading', 'reading', 'reading'])
    expect(exec).toHaveBeenCalledTimes(3)
  })

  it('connects again to a host that is lost', async () => {
    const { connect, closed } = connectTo({
      exec(nonce, options, n) {
        if (n > 1) return answering.exec(nonce, options, n)
        return new Promise((_, reject) => {
          options.follow?.begun(() => reject(lost('lost')))
          options.follow?.heard(`@@${nonce} ${LINE}\n`)
        })
      },
    })
    const events = await watched(connect, { until: all => all.length === 4 })
    const kinds = events.map(event => (event.type === 'link' ? event.link : event.type))
    expect(kinds).toEqual(['reading', 'lost', 'reading', 'reading'])
    expect(closed()).toBe(2)
  })

  it.each([
    ['auth', 'unreachable'],
    ['host-key', 'unreachable'],
    ['protocol', 'unreachable'],
  ] as const)('does not try again after %s', async (reason, link) => {
    const connect = vi.fn<Connect>(() => Promise.reject(lost(reason)))
    expect(await watched(connect, {})).toEqual([{ type: 'link', host: 'web-1', link, error: reason }])
    expect(connect).toHaveBeenCalledTimes(1)
  })

  it('with so many looks to come to does not wait for a host that is gone', async () => {
    const events = await watched(() => Promise.reject(lost('timeout')), { readings: 2 })
    expect(events).toMatchObject([{ link: 'unreachable', error: 'timeout' }])
  })

  it.each([
    [
      'no program there',
      { exitCode: 127, stdout: '', stderr: 'sh: \u001b[2Jnot found\n' },
      /ended with 127: sh: \\x1b\[2Jnot found/,
    ],
    ['silence', { exitCode: 0, stdout: 'Welcome\n', stderr: '' }, /said nothing/],
  ])('says what is wrong: %s', async (_, result, message) => {
    const { connect } = connectTo({ exec: async () => result })
    expect(await watched(connect, {})).toMatchObject([{ link: 'failed', error: expect.stringMatching(message) }])
  })

  it('takes no nonsense for a reading', async () => {
    const { connect } = connectTo({
      exec: (nonce, { follow, signal }) =>
        new Promise((_, reject) => {
          signal?.addEventListener('abort', () => reject(lost('aborted')))
          follow?.begun(() => {})
          follow?.heard(`@@${nonce} count=\u001b[31m\n`)
        }),
    })
    const events = await watched(connect, {})
    expect(events).toMatchObject([{ link: 'failed', error: expect.stringContaining('cannot be read') }])
    expect(JSON.stringify(events)).not.toContain('31m')
  })

  it('leaves hosts alone that the inventory excludes', async () => {
    const connect = vi.fn<Connect>()
    expect(await watched(connect, { hosts: [hostOf({ exclude: 'broken disk' })] })).toMatchObject([
      { link: 'excluded', error: 'excluded: broken disk' },
    ])
    expect(connect).not.toHaveBeenCalled()
  })

  it('knows what heals', () => {
    const links = (['timeout', 'refused', 'closed', 'lost', 'dns'] as const).map(reason => linkAfter(lost(reason)))
    expect(new Set(links)).toEqual(new Set(['lost']))
    expect(linkAfter(new NotTriedError('web-1', 'another host refused the password'))).toBe('skipped')
    expect([1, 2, 10].map(pauseAfter)).toEqual([2000, 4000, 30_000])
  })
})

describe('open files', () => {
  const hosts = Array.from({ length: 200 }, () => hostOf())
  it('suffice, or the watch does not begin', () => {
    expect(() => checkHeldFiles(hosts, 50, { have: 464 })).not.toThrow()
    expect(() => checkHeldFiles(hosts, 50, { have: null })).not.toThrow()
    expect(() => checkHeldFiles(hosts, 50, { have: 463 })).toThrow(UsageError)
    expect(() => checkHeldFiles(hosts, 50, { have: 464, besides: 1 })).toThrow(UsageError)
    const hint = (): string | undefined => {
      try {
        checkHeldFiles([...hosts.slice(0, 10), ...hosts.map(host => ({ ...host, transport: 'openssh' as const }))], 1, {
          have: 150,
        })
      } catch (error) {
        return error instanceof UsageError ? error.hint : undefined
      }
      return undefined
    }
    expect(hint()).toBe('ulimit -n 1478, or --limit to 20 hosts')
  })
})
