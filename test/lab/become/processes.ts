/** Looks at every process of this machine while something runs: command lines and environments are for all to read. */
import type { readdirSync, readFileSync } from 'node:fs'
import { Worker } from 'node:worker_threads'

export interface Sampled extends AsyncDisposable {
  /** How many times was looked, and where the text was found. */
  stop(): Promise<{ readonly looks: number; readonly found: readonly string[] }>
}

/** In a thread of its own: the test's own waits must not slow it down. */
export function sampleProcesses(text: string): Sampled {
  const stop = new Int32Array(new SharedArrayBuffer(4))
  const source = `
    const { workerData, parentPort } = require('node:worker_threads')
    const { readdirSync, readFileSync } = require('node:fs')
    const look = ${look.toString()}
    const found = new Set()
    let looks = 0
    while (Atomics.wait(workerData.stop, 0, 0, 15) === 'timed-out') {
      looks += 1
      for (const place of look(workerData.text, readdirSync, readFileSync)) found.add(place)
    }
    parentPort.postMessage({ looks, found: [...found] })`
  const worker = new Worker(source, { eval: true, workerData: { text, stop } })
  const end = (): void => {
    Atomics.store(stop, 0, 1)
    Atomics.notify(stop, 0)
  }
  return {
    stop() {
      const answer = new Promise<{ looks: number; found: string[] }>((resolve, reject) => {
        worker.once('message', resolve)
        worker.once('error', reject)
      })
      end()
      return answer
    },
    async [Symbol.asyncDispose]() {
      end()
      await worker.terminate()
    },
  }
}

/** A pattern for this text that does not hold it: whoever samples processes beside us must not find our search. */
export function unspelt(text: string): string {
  return `${text.slice(0, -1)}[${text.slice(-1)}]`
}

function look(text: string, list: typeof readdirSync, read: typeof readFileSync): string[] {
  return list('/proc')
    .filter(name => /^\d+$/.test(name))
    .flatMap(pid => ['cmdline', 'environ'].map(file => `/proc/${pid}/${file}`))
    .filter(path => {
      try {
        return read(path).includes(text)
      } catch {
        // It ended meanwhile.
        return false
      }
    })
}
