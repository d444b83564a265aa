/** A host on which a script can be made to stand still anywhere, in the middle of a change of three values and two files. */
import { expect, vi } from 'vitest'
import type { Change } from '../../src/change/change.ts'
import { fileChange, valueChange } from './changes.ts'
import { gate } from './gate.ts'
import { guardedHost, type StageOptions } from './guarded-host.ts'

/** What `everything` says: before the change, when it is live, and when its files are written. */
export const BEFORE = '1 1 1 absent old'
export const LIVE = '2 2 2 absent old'
export const AFTER = '2 2 2 ours ours'

export type HeldHost = ReturnType<typeof heldHost>

export function heldHost(shell: readonly string[]) {
  const host = guardedHost(shell)
  for (const name of ['a', 'b', 'c']) host.write(name, '1\n')
  host.write('old.conf', 'old\n')
  const changes: readonly Change[] = [
    ...['a', 'b', 'c'].map(name => valueChange(host.at(name), '1', '2')),
    fileChange(host.at('new.conf'), null, 'ours\n'),
    fileChange(host.at('old.conf'), 'old\n', 'ours\n'),
  ]
  const hold = gate(host.at('hold'))

  const until = (isSo: () => void): Promise<void> => vi.waitFor(isSo, { timeout: 10_000, interval: 10 })
  /** Stands still in that staged file, in front of the first match unless `replacement` says where. */
  const holding = (file: string, place: RegExp, replacement = (script: string) => `${script} $&`): StageOptions => ({
    edit: (name, text) => {
      if (name !== file) return text
      expect(text).toMatch(place)
      return text.replace(place, replacement(hold.script))
    },
  })

  return {
    ...host,
    changes,
    hold,
    holding,
    until,
    /** Values, files, and what lies beside files. */
    everything: (): string =>
      ['a', 'b', 'c', 'new.conf', 'old.conf']
        .map(name => (host.exists(name) ? host.read(name).trim() : 'absent'))
        .concat(['new.conf', 'old.conf'].flatMap(name => (host.exists(`${name}.ctfix-new`) ? [`staged ${name}`] : [])))
        .join(' '),
    becomes: (state: string): Promise<void> => until(() => expect(host.state('RUN')).toBe(state)),
    /** Lets time pass, so much at a time, until something is so. */
    pass: (seconds: number, isSo: () => void): Promise<void> => {
      let now = 1000
      return until(() => {
        try {
          isSo()
        } catch (error) {
          now += seconds
          host.setUptime(now)
          throw error
        }
      })
    },
    /** Within the step that changes that value: it was asked whether it may, and changes it as soon as it goes on. */
    inStep: (value: string): StageOptions =>
      holding('apply.sh', new RegExp(`write_value \\S*/${value} `), script => `{ ${script} } && $&`),
  }
}
