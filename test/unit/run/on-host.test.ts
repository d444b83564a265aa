import { describe, expect, it } from 'vitest'
import { loadInventory } from '../../../src/inventory/index.ts'
import { askAboutRun } from '../../../src/run/on-host.ts'
import type { Connection } from '../../../src/transport/connection.ts'

const [host] = loadInventory(['web-1,'], { password: null, become: null }).hosts
if (!host) throw new Error('no host')

/** A host that says this of the run it is asked for. */
function saying(status: string): Connection {
  return {
    host: host ?? expect.unreachable(),
    alive: true,
    async exec(_command, { stdin = '' } = {}) {
      const nonce = /status\\n' (\w+)/.exec(stdin)?.[1] ?? ''
      const stdout = `\n@@${nonce} status\n${status}\n@@${nonce} plan\n\n@@${nonce} end\n`
      return { exitCode: 0, stdout, stderr: '' }
    },
    async [Symbol.asyncDispose]() {},
  }
}

describe('a host that is asked about a run', () => {
  it('knows none', async () => {
    expect(await askAboutRun(saying(''), '/var/lib/ctfix/RUN')).toBeNull()
  })

  it('says its state', async () => {
    expect(await askAboutRun(saying('state none\nboot same\nworker busy\n'), '/var/lib/ctfix/RUN')).toMatchObject({
      state: 'none',
      busy: true,
    })
  })

  it('does not let everybody look: that is not the same as knowing none', async () => {
    await expect(askAboutRun(saying('denied\n'), '/var/lib/ctfix/RUN')).rejects.toThrow(
      'web-1: may not look for the run in /var/lib/ctfix/RUN',
    )
  })
})
