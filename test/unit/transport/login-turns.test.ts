/** A host's turn with its password: whoever dies waiting for it, holding it, or being asked something else. */
import { expect, test, vi } from 'vitest'
import { Secret } from '../../../src/inventory/host.ts'
import { methodsOf } from '../../../src/transport/authentication.ts'
import { askToBeLetIn } from '../../../src/transport/become-talk.ts'
import { promptOf, type Way } from '../../../src/transport/become-words.ts'
import type { Dialogue } from '../../../src/transport/connection.ts'
import { startTimers } from '../../../src/transport/login-timers.ts'
import { LoginTurns } from '../../../src/transport/login-turns.ts'
import { PasswordGate } from '../../../src/transport/password-gate.ts'
import { connectError, hostOf, never } from './hosts.ts'

const PASSWORD = JSON.stringify(['u', 'p'])
const turnsOf = (gate: PasswordGate, host: string, signal = never): LoginTurns<string, string> =>
  new LoginTurns(() => ({ type: 'password', username: 'u', password: 'p' }), gate, {
    ...{ host, user: 'u', password: 'p', signal },
  })

test('a login that ended while it waited gives its turn to the next', async () => {
  const gate = new PasswordGate()
  const first = await gate.enter(PASSWORD, 'a')
  const dead = turnsOf(gate, 'b')
  const waiting = dead.next(null, false)
  dead.end('broken')
  first.settle('not known')
  await connectError(waiting, 'closed')
  await expect(turnsOf(gate, 'c').next(null, false)).resolves.toMatchObject({ type: 'password' })
})

test('an attempt that is stopped waits no longer', async () => {
  const gate = new PasswordGate()
  await gate.enter(PASSWORD, 'a')
  await connectError(turnsOf(gate, 'b', AbortSignal.timeout(5)).next(null, false), 'aborted')
})

test('who hangs with the password keeps the others waiting until its login has ended', async () => {
  vi.useFakeTimers()
  try {
    const gate = new PasswordGate()
    const hung = await gate.enter('p', 'a')
    const went = vi.fn()
    const waiting = gate.enter('p', 'b').then(went, went)
    await vi.advanceTimersByTimeAsync(3_600_000)
    expect(went).not.toHaveBeenCalled()
    hung.settle('wrong')
    await waiting
    expect(String(went.mock.calls)).toContain('b: not tried, for a refused the password')
  } finally {
    vi.useRealTimers()
  }
})

test.each(['broken', 'unasked'] as const)('a login that ends %s with the password', async how => {
  const gate = new PasswordGate()
  for (const host of ['a', 'b']) {
    const turns = turnsOf(gate, host)
    await turns.next(null, false)
    expect(turns.isGiven).toBe(true)
    turns.end(how)
    expect(turns.isGiven).toBe(false)
  }
  const third = turnsOf(gate, 'c').next(null, false)
  if (how === 'unasked') await expect(third).resolves.toMatchObject({ type: 'password' })
  else await expect(third).rejects.toThrow('c: not tried, for a and b never answered the password')
})

test('waiting for a turn is no part of the login’s time', async () => {
  vi.useFakeTimers()
  try {
    const reject = vi.fn()
    const limits = { tcpMs: 100, bannerMs: 100, loginMs: 100, totalMs: 200 }
    const timers = startTimers(hostOf(), { limits, signal: never, hasSpoken: () => true, reject })
    const { promise, resolve } = Promise.withResolvers<void>()
    const during = timers.during(promise)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(reject).not.toHaveBeenCalled()
    resolve()
    await during
    await vi.advanceTimersByTimeAsync(250)
    expect(reject).toHaveBeenCalledOnce()
    timers.stop()
  } finally {
    vi.useRealTimers()
  }
})

test.each(['Verification code: ', 'Enter PASSCODE or PIN: ', 'New password: ', 'Retype new UNIX password: '])(
  'a login asked %j gives no password',
  question => {
    const other = vi.fn()
    const finish = vi.fn()
    const method = methodsOf('u', { keys: [], password: 'p' }, null, { onOther: other }).at(-1)
    if (method?.type !== 'keyboard-interactive') throw new Error('no keyboard')
    method.prompt('', '', '', [{ prompt: question, echo: false }], finish)
    expect([other.mock.calls, finish.mock.calls]).toEqual([[[question, false]], []])
    method.prompt('', '', '', [{ prompt: 'Password: ', echo: false }], finish)
    expect(finish).toHaveBeenCalledWith(['p'])
    method.prompt('', '', '', [{ prompt: question, echo: false }], finish)
    expect(other).toHaveBeenLastCalledWith(question, true)
  },
)

const way: Way = {
  become: { method: 'sudo', user: 'root', exe: null, password: new Secret('p') },
  ...{ marker: 'm', asks: true, terminal: false },
}

/** Says one thing after the other, then ends. */
function dialogueOf(words: readonly string[], end: 'exit' | 'lost'): Dialogue & { readonly said: string[] } {
  let at = 0
  const said: string[] = []
  return {
    said,
    get over() {
      return at >= words.length ? end : null
    },
    heard: () => ({ stdout: '', stderr: words.slice(0, at + 1).join('') }),
    next: () => Promise.resolve(++at >= words.length ? 'ended' : 'more'),
    say: text => void said.push(text),
  }
}

test('after the password: an end is a refusal', async () => {
  const gate = new PasswordGate()
  const dialogue = dialogueOf([promptOf('m')], 'exit')
  expect(await askToBeLetIn(dialogue, { way, host: 'a', gate })).toBe('wrong')
  expect(dialogue.said).toEqual(['p\n'])
  await expect(gate.enter('p', 'b')).rejects.toThrow('b: not tried, for a refused the password')
})

test('after the password: a connection that is lost may have counted, so two are enough', async () => {
  const gate = new PasswordGate()
  for (const host of ['a', 'b']) {
    expect(await askToBeLetIn(dialogueOf([promptOf('m')], 'lost'), { way, host, gate })).toBe('lost')
  }
  const third = dialogueOf([promptOf('m')], 'lost')
  await expect(askToBeLetIn(third, { way, host: 'c', gate })).rejects.toThrow('a and b never answered the password')
  expect(third.said).toEqual([])
})

test.each(['sudo', 'su'] as const)('%s that asks for a code is given nothing', async method => {
  const gate = new PasswordGate()
  const dialogue = dialogueOf(['m asks\n', 'Verification code: ', 'x'], 'exit')
  const talk = { way: { ...way, become: { ...way.become, method } }, host: 'a', gate }
  expect(await askToBeLetIn(dialogue, talk)).toBe('other')
  expect(dialogue.said).toEqual([])
  await expect(gate.enter('p', 'b')).resolves.toBeDefined()
})

test('who died before its turn at the become password gives it on', async () => {
  const gate = new PasswordGate()
  const first = await gate.enter('p', 'a')
  const dialogue = { ...dialogueOf([promptOf('m'), ''], 'lost'), over: 'lost' as const }
  const waiting = askToBeLetIn(dialogue, { way, host: 'b', gate })
  first.settle('not known')
  expect(await waiting).toBe('lost')
  expect(dialogue.said).toEqual([])
  await expect(gate.enter('p', 'c')).resolves.toBeDefined()
})
