/** The lock on a file of host keys, between real processes. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { whileLocked } from '../../../src/transport/locked-file.ts'
import { temporary } from './hosts.ts'

const PROCESSES = 6
const ROUNDS = 60

/** As one that died with it would leave it. */
function leaveStale(lock: string): void {
  writeFileSync(lock, '1\n')
  utimesSync(lock, new Date(Date.now() - 60_000), new Date(Date.now() - 60_000))
}

test('a lock of the dead is taken over by one process at a time', { timeout: 60_000 }, async () => {
  using directory = temporary()
  const files = Array.from({ length: ROUNDS }, (_, round) => join(directory.path, String(round)))
  for (const file of files) leaveStale(`${file}.ctfix-lock`)
  const start = Date.now() + 2_000
  const words = [join(import.meta.dirname, 'lock-taker.ts'), directory.path, `${ROUNDS}`, `${start}`, '60']
  const takers = Array.from({ length: PROCESSES }, () => spawn(process.execPath, words, { stdio: 'inherit' }))
  const codes = await Promise.all(takers.map(async taker => (await once(taker, 'close'))[0]))
  expect(codes).toEqual(Array(PROCESSES).fill(0))
  for (const file of files) {
    const turns = readFileSync(file, 'utf8').trimEnd().split('\n')
    expect(turns).toHaveLength(2 * PROCESSES)
    const whole = turns.filter((turn, i) => turn.startsWith('out') || turns[i + 1] === turn.replace('in', 'out'))
    expect(whole, turns.join(' ')).toHaveLength(2 * PROCESSES)
  }
  expect(readdirSync(directory.path).filter(name => name.includes('lock'))).toEqual([])
})

test('who was taken for dead does not take away the lock of another', () => {
  using directory = temporary()
  const file = join(directory.path, 'keys')
  const lock = `${file}.ctfix-lock`
  whileLocked(file, () => {
    leaveStale(lock)
    whileLocked(file, () => expect(readFileSync(lock, 'utf8')).toBe(`${process.pid}\n`))
    expect(existsSync(lock)).toBe(false)
    writeFileSync(lock, 'of another\n')
  })
  expect(readFileSync(lock, 'utf8')).toBe('of another\n')
})
