/** Who confirms, who takes back and who is killed at it, at the same instant and many times: one ending, and all agree. */
import { cpSync, rmSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { REMOTE } from '../../src/run/codes.ts'
import { fileChange, valueChange } from '../support/changes.ts'
import { type GuardedHost, guardedHost, type Verb } from '../support/guarded-host.ts'
import { SHELLS } from '../support/shells.ts'

/** Races under way at once: more than there are cores, so that they disturb each other. */
const LANES = 6
/** How often: more in the shells that are quick. 1008 races in all. */
const TIMES: Readonly<Record<string, { readonly races: number; readonly kills: number; readonly starts: number }>> = {
  dash: { races: 348, kills: 60, starts: 48 },
  busybox: { races: 348, kills: 60, starts: 48 },
  bash: { races: 156, kills: 30, starts: 18 },
  mksh: { races: 156, kills: 30, starts: 18 },
}

const BEFORE = '600 absent old'
const AFTER = '8192 ours new'

/** A host that can be put back to the moment when it was armed, as often as wanted. */
function armedHost(shell: readonly string[]) {
  const host = guardedHost(shell)
  const changes = [
    valueChange(host.at('max'), '600', '8192'),
    fileChange(host.at('own.conf'), null, 'ours\n'),
    fileChange(host.at('old.conf'), 'old\n', 'new\n'),
  ]
  host.write('max', '600\n')
  host.write('old.conf', 'old\n')
  expect(host.stage('RUN', changes).exitCode).toBe(REMOTE.ok)
  cpSync(host.runDir('RUN'), host.at('armed'), { recursive: true })
  return {
    host,
    arm: (): void => {
      for (const name of ['runs/RUN', 'own.conf', 'own.conf.ctfix-new', 'old.conf.ctfix-new']) {
        rmSync(host.at(name), { recursive: true, force: true })
      }
      cpSync(host.at('armed'), host.runDir('RUN'), { recursive: true })
      host.write('max', '8192\n')
      host.write('old.conf', 'old\n')
    },
    everything: (): string =>
      ['max', 'own.conf', 'old.conf']
        .map(name => (host.exists(name) ? host.read(name).trim() : 'absent'))
        .concat(['own.conf', 'old.conf'].filter(name => host.exists(`${name}.ctfix-new`)))
        .join(' '),
  }
}

/** Some milliseconds, so that over many races every moment of one meets every moment of the other. */
const jitter = (most: number): Promise<void> => delay(Math.random() * most)

describe.each(SHELLS)('under %s', (shellName, shell) => {
  const { races = 0, kills = 0, starts = 0 } = TIMES[shellName] ?? {}
  const hosts: GuardedHost[] = []
  afterEach(() => {
    for (const host of hosts.splice(0)) host[Symbol.dispose]()
  })

  /** Each lane has a host of its own. Resolves to how often it ended how. */
  async function race(
    times: number,
    once: (lane: ReturnType<typeof armedHost>) => Promise<string>,
  ): Promise<Record<string, number>> {
    const counts: Record<string, number> = {}
    const lanes = Array.from({ length: LANES }, async () => {
      const lane = armedHost(shell)
      hosts.push(lane.host)
      for (let i = 0; i < times / LANES; i++) {
        lane.arm()
        const ending = await once(lane)
        counts[ending] = (counts[ending] ?? 0) + 1
      }
    })
    await Promise.all(lanes)
    return counts
  }

  it('keep and expire, and sometimes revert: one of them has it', async () => {
    const counts = await race(races, async ({ host, everything }) => {
      const asked = async (verb: Verb): Promise<number> => {
        // keep looks around before it confirms, so it gets a start.
        await jitter(verb === 'keep' ? 10 : 25)
        return (await host.guarding('RUN', verb).ended).exitCode
      }
      const withRevert = Math.random() < 0.25
      const [keep, expire, revert] = await Promise.all([
        asked('keep'),
        asked('expire'),
        withRevert ? asked('revert') : null,
      ])
      const ending = `${host.state('RUN')}: ${everything()}; keep ${keep}, expire ${expire}, revert ${revert}`
      const agreed = withRevert
        ? [REMOTE.ok, REMOTE.expired].map(code => `reverted: ${BEFORE}; keep ${code}, expire 0, revert 0`)
        : [`kept: ${AFTER}; keep 0, expire 0, revert null`, `reverted: ${BEFORE}; keep 76, expire 0, revert null`]
      expect(agreed).toContain(ending)
      expect(host.workers('RUN')).toEqual([])
      return ending
    })
    process.stdout.write(`   ${shellName}: ${JSON.stringify(counts)}\n`)
    expect(Object.keys(counts).length, 'none of them always wins').toBeGreaterThan(2)
  })

  it('any of them is killed at any moment: who comes next ends it, one way or the other', async () => {
    const counts = await race(kills, async ({ host, everything }) => {
      const verb = Math.random() < 0.6 ? 'keep' : 'revert'
      const first = host.guarding('RUN', verb, { ownGroup: true })
      await jitter(40)
      first.killGroup()
      await first.ended
      const left = host.state('RUN')
      const next = Math.random() < 0.5 ? 'keep' : 'revert'
      const { exitCode } = await host.guarding('RUN', next).ended
      const ending = `${next} ${exitCode}: ${everything()}`
      expect(
        [`keep 0: ${AFTER}`, `keep 76: ${BEFORE}`, `revert 0: ${BEFORE}`],
        `${verb} was killed, ${left}`,
      ).toContain(ending)
      return `${verb} killed in ${left}`
    })
    process.stdout.write(`   ${shellName}: ${JSON.stringify(counts)}\n`)
  })

  it('three that begin at once, beside what the dead left: exactly one of them has the host', async () => {
    const counts = await race(starts, async ({ host }) => {
      // What is there is of an earlier boot, or its worker died: nobody may be kept out by it, and nobody let in twice.
      host.setBoot(`boot-${Math.random()}`)
      host.leaveDeadWorker('RUN')
      host.write('max', '600\n')
      const names = ['A', 'B', 'C'].slice(0, Math.random() < 0.5 ? 2 : 3)
      const codes = await Promise.all(
        names.map(async name => {
          await jitter(6)
          return (await host.staging(name, [valueChange(host.at('max'), '600', '8192')]).ended).exitCode
        }),
      )
      expect(codes.toSorted()).toEqual([0, ...names.slice(1).map(() => REMOTE.locked)])
      expect(host.state('RUN')).toBe('reverted')
      const winner = names[codes.indexOf(0)] ?? ''
      expect(host.runs()).toEqual([winner, 'RUN'].toSorted())
      expect((await host.guarding(winner, 'revert').ended).exitCode).toBe(REMOTE.ok)
      rmSync(host.runDir(winner), { recursive: true })
      return `${names.length}: ${winner}`
    })
    process.stdout.write(`   ${shellName}: ${JSON.stringify(counts)}\n`)
  })
})
