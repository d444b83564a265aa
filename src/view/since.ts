/** What came of a run since, for who reads what it did and would believe that it is still so. */
import type { Account } from '../run/account.ts'
import type { TakenBack } from '../run/taken-back.ts'
import { hostRange } from './hostrange.ts'
import { hostCount, line } from './human.ts'
import { dayText } from './times.ts'

type Since = Partial<Pick<Account, 'resumed' | 'takenBack'>>

/** A line for each time it was gone on with or taken back: what, and when and where. */
export function sinceLines({ resumed = [], takenBack = [] }: Since): [what: string, when: string][] {
  return [
    ...resumed.map((at): [string, string] => ['gone on with', `${dayText(at)}, after it was broken off`]),
    ...takenBack.map((by): [string, string] => ['taken back', takenBackText(by)]),
  ]
}

function takenBackText({ run, at, who, hosts, notBack }: TakenBack): string {
  const range = (names: readonly string[]): string => `${hostCount(names.length)}, ${line(hostRange(names))}`
  const where = [
    ...(hosts.length > 0 ? [range(hosts)] : []),
    ...(notBack.length > 0 ? [`not on ${range(notBack)}`] : []),
  ]
  return `by run ${run}, ${dayText(at)}, by ${line(who ?? 'nobody on record')}: ${where.join('; ')}`
}
