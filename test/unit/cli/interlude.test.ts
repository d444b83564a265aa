/** Asking while a display is drawn. */
import { expect, test } from 'vitest'
import { createInterlude } from '../../../src/cli/interlude.ts'
import type { Event } from '../../../src/run/events.ts'

const event = (host: string): Event => ({ type: 'phase', host, phase: 'connect' })

test('what a first look came to waits for the answer, too', async () => {
  const seen: string[] = []
  const { onLook, during } = createInterlude({
    onEvent() {},
    onLook: shown => {
      if ('host' in shown) seen.push(shown.host)
    },
    settle: async () => {},
  })
  await during(async () => {
    onLook(event('a'))
    seen.push('asked')
  })
  onLook(event('b'))
  expect(seen).toEqual(['asked', 'a', 'b'])
})

test('the display ends before the question, and hears afterwards what it missed, also when the answer is an error', async () => {
  const seen: string[] = []
  const { onEvent, during } = createInterlude({
    onEvent: shown => {
      if ('host' in shown) seen.push(shown.host)
    },
    settle: async () => {
      seen.push('settled')
    },
  })
  onEvent(event('a'))
  const answer = await during(async () => {
    onEvent(event('b'))
    seen.push('asked')
    return 'yes'
  })
  onEvent(event('c'))
  expect([answer, ...seen]).toEqual(['yes', 'a', 'settled', 'asked', 'b', 'c'])
  await expect(
    during(() => {
      onEvent(event('d'))
      return Promise.reject(new Error('no answer'))
    }),
  ).rejects.toThrow('no answer')
  onEvent(event('e'))
  expect(seen.slice(-3)).toEqual(['settled', 'd', 'e'])
})
