/** A watch whose reader is slower than its hosts. */
import { expect, it } from 'vitest'
import { unhurried } from '../../../src/view/unhurried.ts'

function reader(): { readonly said: string[]; readonly take: () => Promise<void>; fill: boolean } & Parameters<
  typeof unhurried
>[0] {
  const said: string[] = []
  let go = (): void => {}
  const state = {
    said,
    fill: true,
    out: (text: string): boolean => {
      said.push(text)
      return !state.fill
    },
    drained: () =>
      new Promise<void>(resolve => {
        go = resolve
      }),
    async take(): Promise<void> {
      go()
      await new Promise(resolve => setImmediate(resolve))
    },
  }
  return state
}

it('has the newest of each kind waiting, in the order of what is new, and no more', async () => {
  const slow = reader()
  const { say, end } = unhurried(slow)
  say('reading a', () => 'a1')
  for (const n of [2, 3]) for (const host of ['a', 'b']) say(`reading ${host}`, () => `${host}${n}`)
  say('link a', () => 'lost')
  expect(slow.said).toEqual(['a1'])
  await slow.take()
  expect(slow.said).toEqual(['a1', 'a3'])
  slow.fill = false
  await slow.take()
  expect(slow.said).toEqual(['a1', 'a3', 'b3', 'lost'])
  say('reading a', () => 'a4')
  expect(slow.said.at(-1)).toBe('a4')
  slow.fill = true
  say('reading a', () => 'a5')
  say('reading a', () => 'a6')
  end('document')
  expect(slow.said.slice(-3)).toEqual(['a5', 'a6', 'document'])
})
