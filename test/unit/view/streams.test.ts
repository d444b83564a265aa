/** A reader of our output that is slow, or gone. */
import { Writable } from 'node:stream'
import { expect, it } from 'vitest'
import { drained } from '../../../src/view/streams.ts'

/** One that takes a piece when it is told to. */
function slow(): { readonly stream: Writable; readonly take: () => void } {
  let told: (() => void) | undefined
  const stream = new Writable({
    highWaterMark: 4,
    write(_chunk, _encoding, done) {
      told = done
    },
  })
  stream.on('error', () => {})
  return { stream, take: () => told?.() }
}

async function isDone(promise: Promise<void>): Promise<boolean> {
  return Promise.race([promise.then(() => true), new Promise<boolean>(resolve => setTimeout(resolve, 20, false))])
}

it('is waited for until it takes more', async () => {
  const { stream, take } = slow()
  expect(stream.write('more than it takes')).toBe(false)
  const waiting = drained(stream)
  expect(await isDone(waiting)).toBe(false)
  take()
  expect(await isDone(waiting)).toBe(true)
})

it('is not waited for when it went away, before or meanwhile', async () => {
  const { stream } = slow()
  stream.write('more than it takes')
  const waiting = drained(stream)
  stream.destroy(new Error('EPIPE'))
  expect(await isDone(waiting)).toBe(true)
  expect(await isDone(drained(stream))).toBe(true)
})
