/** A command that goes on, as root by every kind of way: with a terminal between there is one command for each look. */
import { expect } from 'vitest'
import type { Become } from '../../src/inventory/host.ts'
import { watchFleet } from '../../src/watch/fleet.ts'
import type { WatchEvent } from '../../src/watch/watched.ts'
import { temporary } from '../unit/transport/hosts.ts'
import { account, opener, rootSecret, secret, startAccounts } from './become/accounts.ts'
import { labSuite } from './suite.ts'

const WAYS: readonly [string, string, Partial<Become>, number][] = [
  ['sudo with a password', 'ops', { password: secret }, 1],
  ['sudo that asks for none', 'free', {}, 1],
  // The first is refused before it is begun.
  ['sudo with requiretty', 'old', { password: secret }, 3],
  ['doas with a password', 'ops', { method: 'doas', password: secret }, 3],
  ['su with a password', 'ops', { method: 'su', password: rootSecret }, 1],
]

labSuite(
  'a watch as root',
  () => startAccounts(1),
  ({ it }) => {
    for (const transport of ['ssh2', 'openssh'] as const) {
      it(`${transport}: three looks in every way`, async lab => {
        using directory = temporary()
        for (const [name, user, become, commands] of WAYS) {
          const open = opener(lab, directory.path)
          const events: WatchEvent[] = []
          let sent = 0
          await watchFleet([{ ...account(lab, 'ns1', user, become), transport }], {
            ...{ intervalMs: 200, forks: 1, signal: new AbortController().signal, readings: 3, newestLine: () => 0 },
            async connect(host) {
              const connection = await open(host)
              return {
                host,
                alive: true,
                exec(command, options) {
                  sent += 1
                  return connection.exec(command, options)
                },
                [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
              }
            },
            emit: event => events.push(event),
          })
          const seen = events.map(event =>
            event.type === 'reading' ? (event.reading.count !== null ? 'count' : '') : event,
          )
          expect({ name, seen }).toEqual({ name, seen: ['count', 'count', 'count'] })
          expect({ name, sent }).toEqual({ name, sent: commands })
        }
      })
    }
  },
)
