/** Records of runs, for people and for programs. */
import { formatCount } from '../lang/numbers.ts'
import { plain } from '../lang/text.ts'
import { type Account, stoppedIn } from '../run/account.ts'
import type { RunOnHost } from '../run/on-host.ts'
import { countStates, type HostSummary, type RunSummary } from '../run/run-summary.ts'
import { runDirectory } from '../run/tools.ts'
import { SCHEMA_VERSION, toDocument } from './document.ts'
import { line, stoppedText } from './human.ts'
import { sinceLines } from './since.ts'
import { table } from './table.ts'

/** What a host itself was heard to say; null: it knows no such run; an error: it could not be asked. */
export type Heard = RunOnHost | { readonly unreachable: string } | null

const states = (hosts: readonly HostSummary[]): string =>
  [...countStates(hosts)].map(([state, n]) => `${formatCount(n)} ${state}`).join(', ')

/** One row a run, the newest last. */
export function runsText(runs: readonly RunSummary[]): string {
  if (runs.length === 0) return 'no runs\n'
  const rows = runs.map(({ run, at, command, strategy, of, hosts }) => [
    run,
    at ?? '?',
    command,
    of ?? strategy.join(','),
    states(hosts),
  ])
  return `${table([['RUN', 'BEGUN', 'COMMAND', 'STRATEGY, OR OF', 'HOSTS'], ...rows])
    .map(plain)
    .join('\n')}\n`
}

/** One run, host by host, and how to go on where something is left. */
export function runText(account: Account, heard: ReadonlyMap<string, Heard>): string {
  const { run, at, who, command, strategy, of, hosts, directory } = account
  const stopped = stoppedIn(account)
  const head = [
    `run       ${run}`,
    `begun     ${at ?? '?'} by ${who ?? '?'}`,
    `command   ${command} ${of ?? strategy.join(',')}`,
    `record    ${directory}`,
    ...(stopped ? [`stopped   ${stoppedText(stopped)}`] : []),
    ...sinceLines(account).map(([what, when]) => `${what} ${when}`),
    '',
  ]
  const rows = hosts.map(({ name, state, step, error }) => {
    const at = state === 'in-doubt' ? `in-doubt (${step})` : state
    return [name, at, ...(heard.has(name) ? [saidText(heard.get(name) ?? null)] : []), line(error ?? '')]
  })
  return `${[...head, ...table(rows), ...wayOn(account)].map(plain).join('\n')}\n`
}

function saidText(heard: Heard): string {
  if (heard === null) return 'host: knows no such run'
  if ('unreachable' in heard) return `host: not asked: ${heard.unreachable}`
  const { state, sameBoot, secondsLeft, timerPending } = heard
  if (state !== 'armed') return `host: ${state}`
  if (!sameBoot) return 'host: booted since, so back where it was'
  return timerPending
    ? `host: armed, takes itself back in ${secondsLeft} s`
    : 'host: armed, but its timer is gone: it stays as it is until somebody acts'
}

function wayOn(account: Account): string[] {
  const { run, command, of, pending } = account
  const directory = runDirectory(run)
  const goOn = `  to go on:           ctfix ${command === 'apply' ? `apply -i INVENTORY --resume ${run}` : `${command} -i INVENTORY ${of}`}`
  if (pending.length === 0) return stoppedIn(account) ? ['', goOn] : []
  return [
    '',
    `${pending.length} in doubt. A host that was not confirmed takes itself back; until then it is locked for other runs.`,
    goOn,
    `  to take it back:    ctfix rollback -i INVENTORY ${run}`,
    `  by hand, on a host: sh ${directory}/guard.sh status ${directory}   (keep confirms, revert takes back)`,
  ]
}

/** The document of `runs list`. */
export function runsDocument(runs: readonly RunSummary[]): unknown {
  return toDocument({ schema: SCHEMA_VERSION, runs })
}

/** The document of `runs show`; `on_host` is there where hosts were asked. */
export function runDocumentOf(account: Account, heard: ReadonlyMap<string, Heard>): unknown {
  const hosts = account.hosts.map(({ plan: __, ...host }) => {
    const said = heard.get(host.name)
    if (said === undefined) return host
    if (said === null || 'unreachable' in said) return { ...host, onHost: said }
    const { plan: _, ...onHost } = said
    return { ...host, onHost }
  })
  return toDocument({ schema: SCHEMA_VERSION, ...account, hosts })
}
