/** MaxStartups: sshd drops connections at random once ten have not logged in, unless fewer come at a time. */
import { expect, test } from 'vitest'
import { atOnce, connectTo, DROPPED, every } from './ssh/reach.ts'
import { startSshd } from './ssh/sshd.ts'

test('MaxStartups 10:30:100 in front of 60 hosts at once: all 60 get in, and none is dropped', async () => {
  await using sshd = await startSshd({ config: ['MaxStartups 10:30:100'] })
  expect(await atOnce(60, connectTo(sshd))).toEqual(every(60))
  expect(sshd.logged(DROPPED)).toHaveLength(0)
})

test('a stricter sshd is learnt: it drops some, and everybody gets in', async () => {
  await using sshd = await startSshd({ config: ['MaxStartups 3:100:3'] })
  expect(await atOnce(20, connectTo(sshd))).toEqual(every(20))
  expect(sshd.logged(DROPPED).length).toBeGreaterThan(0)
})
