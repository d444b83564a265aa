/** A headless Chromium, spoken to over two pipes: what a page comes to once somebody really looks at it. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { LabUnavailable } from '../lab/lab.ts'

/** The program, installed where apt can be reached and we may. */
export function chromium(): string {
  if (spawnSync('chromium', ['--version']).status === 0) return 'chromium'
  const words = ['install', '-y', '--no-install-recommends', 'chromium', 'fonts-dejavu-core']
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const { status, error } = spawnSync('apt-get', words, { env, timeout: 300_000 })
  if (status === 0) return 'chromium'
  throw new LabUnavailable(`no chromium, and apt-get cannot install it: ${error?.message ?? `exit ${status}`}`)
}

export interface Browser extends AsyncDisposable {
  /** A command of the DevTools protocol. */
  readonly send: (method: string, params?: object) => Promise<Readonly<Record<string, unknown>>>
  /** Loads a page and waits until it is there. */
  readonly open: (url: string) => Promise<void>
  /** What an expression comes to in the page. */
  readonly ask: (expression: string) => Promise<unknown>
  /** Names of the events that have come so far. */
  readonly events: readonly { readonly method: string; readonly params: Readonly<Record<string, unknown>> }[]
}

interface Message {
  readonly id?: number
  readonly method?: string
  readonly params?: Readonly<Record<string, unknown>>
  readonly result?: Readonly<Record<string, unknown>>
  readonly error?: { readonly message: string }
}

/** Starts it with one empty page. */
export async function startBrowser(): Promise<Browser> {
  const profile = mkdtempSync(join(tmpdir(), 'ctfix-browser-'))
  const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run']
  const words = [...flags, '--remote-debugging-pipe', `--user-data-dir=${profile}`, 'about:blank']
  const child = spawn(chromium(), words, { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] })
  const { send, events } = talk(child)
  const { targetInfos } = await send(null, 'Target.getTargets')
  const [page] = (targetInfos as { type: string; targetId: string }[]).filter(({ type }) => type === 'page')
  const { sessionId } = await send(null, 'Target.attachToTarget', { targetId: page?.targetId, flatten: true })
  const ofPage = (method: string, params: object = {}): ReturnType<Browser['send']> =>
    send(String(sessionId), method, params)
  for (const room of ['Page', 'Network', 'Log', 'Runtime']) await ofPage(`${room}.enable`)
  const ask: Browser['ask'] = async expression => {
    const { result, exceptionDetails } = await ofPage('Runtime.evaluate', { expression, returnByValue: true })
    if (exceptionDetails) throw new Error(JSON.stringify(exceptionDetails))
    return (result as { value?: unknown }).value
  }
  return {
    ...{ send: ofPage, ask, events },
    async open(url) {
      // The page before may have had the same address.
      const loaded = (): number => events.filter(({ method }) => method === 'Page.loadEventFired').length
      const before = loaded()
      await ofPage('Page.navigate', { url })
      while (loaded() === before) await pause(20)
    },
    async [Symbol.asyncDispose]() {
      const gone = new Promise(resolve => child.once('close', resolve))
      await send(null, 'Browser.close')
      await gone
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

interface Talk {
  readonly send: (session: string | null, method: string, params?: object) => ReturnType<Browser['send']>
  readonly events: { method: string; params: Readonly<Record<string, unknown>> }[]
}

/** Messages are JSON, a NUL behind each. */
function talk(child: ChildProcess): Talk {
  const waiting = new Map<
    number,
    { resolve: (value: Readonly<Record<string, unknown>>) => void; reject: (e: Error) => void }
  >()
  const events: Talk['events'] = []
  let rest = ''
  const [to, from] = [child.stdio[3] as Writable, child.stdio[4] as Readable]
  from.setEncoding('utf8').on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\0')
    rest = parts.pop() ?? ''
    for (const part of parts) {
      const { id, method, params = {}, result = {}, error }: Message = JSON.parse(part)
      if (method !== undefined) events.push({ method, params })
      const asked = waiting.get(id ?? -1)
      if (error) asked?.reject(new Error(error.message))
      else asked?.resolve(result)
    }
  })
  child.once('close', code => {
    for (const { reject } of waiting.values()) reject(new Error(`the browser ended with ${code}`))
  })
  let last = 0
  return {
    events,
    send(session, method, params = {}) {
      last += 1
      const id = last
      to.write(`${JSON.stringify({ id, method, params, ...(session === null ? {} : { sessionId: session }) })}\0`)
      return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }))
    },
  }
}
