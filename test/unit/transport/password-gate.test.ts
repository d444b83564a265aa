import { expect, test } from 'vitest'
import { NotTriedError } from '../../../src/errors.ts'
import { PasswordGate } from '../../../src/transport/password-gate.ts'

/** Whether it is settled yet. */
const isOpen = (promise: Promise<unknown>): Promise<boolean> =>
  Promise.race([promise.then(() => true), new Promise<boolean>(resolve => setTimeout(() => resolve(false), 5))])

test('the second waits for the verdict on the first, and then nobody waits', async () => {
  const gate = new PasswordGate()
  const first = await gate.enter('p', 'a')
  const second = gate.enter('p', 'b')
  expect(await isOpen(second)).toBe(false)
  first.settle('right')
  expect(await isOpen(second)).toBe(true)
  expect(await isOpen(gate.enter('p', 'c'))).toBe(true)
})

test('another password has a verdict of its own', async () => {
  const gate = new PasswordGate()
  await gate.enter('p', 'a')
  expect(await isOpen(gate.enter('q', 'b'))).toBe(true)
})

test('wrong: whoever waits, and whoever comes, is turned away by name; no further host begins', async () => {
  const gate = new PasswordGate()
  gate.begin('a')
  gate.begin('b')
  const first = await gate.enter('p', 'a')
  const second = gate.enter('p', 'b')
  first.settle('wrong')
  await expect(second).rejects.toThrow('b: not tried, for a refused the password')
  await expect(gate.enter('p', 'a')).rejects.toThrow(NotTriedError)
  expect(() => gate.begin('c')).toThrow('c: not tried, for a refused the password')
  expect(() => gate.begin('b')).not.toThrow()
})

test('no verdict: the next one tries', async () => {
  const gate = new PasswordGate()
  const first = await gate.enter('p', 'a')
  const second = gate.enter('p', 'b')
  const third = gate.enter('p', 'c')
  first.settle('not known')
  expect(await isOpen(second)).toBe(true)
  expect(await isOpen(third)).toBe(false)
})

test('no answer, twice: a third host may be the one that locks the account', async () => {
  const gate = new PasswordGate()
  ;(await gate.enter('p', 'a')).settle('unanswered')
  const second = await gate.enter('p', 'b')
  const third = gate.enter('p', 'c')
  second.settle('unanswered')
  await expect(third).rejects.toThrow('c: not tried, for a and b never answered the password')
  await expect(gate.enter('p', 'a')).rejects.toThrow(NotTriedError)
  // Nobody said that it is wrong: hosts that need another password, or none, go on.
  expect(() => gate.begin('d')).not.toThrow()
  expect(await isOpen(gate.enter('q', 'd'))).toBe(true)
})

test('no answer where it is known to be right stops nobody', async () => {
  const gate = new PasswordGate()
  ;(await gate.enter('p', 'a')).settle('unanswered')
  ;(await gate.enter('p', 'b')).settle('right')
  for (const host of ['c', 'd', 'e']) (await gate.enter('p', host)).settle('unanswered')
  expect(await isOpen(gate.enter('p', 'f'))).toBe(true)
})

test('a host that took it is given it again, though another refused it since; with another password it is not', async () => {
  const gate = new PasswordGate()
  ;(await gate.enter('p', 'a')).settle('right')
  ;(await gate.enter('p', 'b')).settle('wrong')
  ;(await gate.enter('p', 'a')).settle('right')
  await expect(gate.enter('p', 'c')).rejects.toThrow(NotTriedError)
  ;(await gate.enter('q', 'b')).settle('wrong')
  await expect(gate.enter('q', 'a')).rejects.toThrow(NotTriedError)
})
