import { spawn } from 'node:child_process'
import fs, { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, it } from 'vitest'
import { LockedError } from '../../../src/errors.ts'
import { holdRecord } from '../../../src/run/record-lock.ts'

let directory: string
const file = (): string => join(directory, 'controller')

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ctfix-hold-'))
})

it('a record is held by one process, and free once that lets go', () => {
  const hold = holdRecord(directory)
  expect(readFileSync(file(), 'utf8')).toBe(`${process.pid} ${hostname()}\n`)
  hold[Symbol.dispose]()
  expect(() => readFileSync(file())).toThrow()
})

it('somebody at work keeps it, and is named with the way out', async () => {
  const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60000)', 'ctfix'], { stdio: 'ignore' })
  try {
    await new Promise(resolve => child.once('spawn', resolve))
    writeFileSync(file(), `${child.pid} ${hostname()}\n`)
    expect(() => holdRecord(directory)).toThrow(LockedError)
    expect(() => holdRecord(directory)).toThrow(`process ${child.pid} on ${hostname()} is at work on this run`)
  } finally {
    child.kill('SIGKILL')
  }
})

it('a process that is gone, or is somebody else by now, does not keep it; of another machine nobody can say', () => {
  for (const pid of [2 ** 30, process.ppid, 'nonsense']) {
    writeFileSync(file(), `${pid} ${hostname()}\n`)
    if (pid === process.ppid && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('ctfix')) continue
    holdRecord(directory)[Symbol.dispose]()
  }
  writeFileSync(file(), '1 elsewhere.example\n')
  expect(() => holdRecord(directory)).toThrow('process 1 on elsewhere.example is at work')
})

it('of two that find one whose process is gone, one takes it: the other does not take away what the first has by then', () => {
  const gone = `${2 ** 30} ${hostname()}\n`
  const first = '1 elsewhere.example\n'
  writeFileSync(file(), gone)
  const { readFileSync: read } = fs
  fs.readFileSync = Object.assign((path: fs.PathOrFileDescriptor, ...rest: readonly unknown[]) => {
    const text = Reflect.apply(read, fs, [path, ...rest])
    // Between the look and the act somebody else has done the same.
    if (path === file() && text === gone) writeFileSync(file(), first)
    return text
  }, read)
  syncBuiltinESMExports()
  try {
    expect(() => holdRecord(directory)).toThrow('process 1 on elsewhere.example is at work')
  } finally {
    fs.readFileSync = read
    syncBuiltinESMExports()
  }
  expect(readFileSync(file(), 'utf8')).toBe(first)
  expect(readdirSync(directory)).toEqual(['controller'])
})
