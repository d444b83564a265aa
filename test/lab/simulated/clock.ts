/** Uptimes of simulated hosts, which are plain files: a thread of its own moves them on, whatever the tests are busy with. */
import { Worker } from 'node:worker_threads'

/** What the thread runs: files by path with the uptime they began at. Replaced whole, so that nobody reads half a number. */
const THREAD = `
const { readFileSync, renameSync, writeFileSync } = require('node:fs')
const { parentPort } = require('node:worker_threads')
const clocks = new Map()
const tick = (path, { up, idle, start }) => {
  try {
    writeFileSync(path + '.new', (up + (performance.now() - start) / 1000).toFixed(2) + ' ' + idle + '\\n')
    renameSync(path + '.new', path)
  } catch {
    // The host is gone.
    clocks.delete(path)
  }
}
parentPort.on('message', path => {
  const [up, idle] = readFileSync(path, 'utf8').trim().split(' ')
  clocks.set(path, { up: Number(up), idle, start: performance.now() })
})
setInterval(() => {
  for (const [path, clock] of clocks) tick(path, clock)
}, 50)
`

let thread: Worker | undefined

/** Lets the uptime in that file run as time does, until the file is removed. */
export function startClock(path: string): void {
  thread ??= new Worker(THREAD, { eval: true })
  thread.unref()
  thread.postMessage(path)
}
