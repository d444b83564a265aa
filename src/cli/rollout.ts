/** Batches, limits and gates: what flags say, else what the plays say that select the hosts. */
import { ConfigError, formatPlace, NoMatchError, UsageError } from '../errors.ts'
import type { Host } from '../inventory/host.ts'
import { selectNames } from '../inventory/index.ts'
import type { Play } from '../inventory/playbook.ts'
import type { Amount } from '../lang/amount.ts'
import { plain } from '../lang/text.ts'
import { batchesOf } from '../run/rollout/batches.ts'
import { GateCommand } from '../run/rollout/gate-command.ts'
import { type Limit, NO_RULES, type Rules, type Stretch } from '../run/rollout/rules.ts'
import { rulesText } from '../run/rollout/words.ts'
import { revertIn } from './changing.ts'
import type { RolloutOptions } from './rollout-options.ts'
import type { Fleet } from './session.ts'

/** Hosts of one play that no play before it has; null: of no playbook. */
export interface PlayHosts {
  readonly play: Play | null
  readonly hosts: readonly Host[]
}

type Flags = RolloutOptions & Parameters<typeof revertIn>[0]

/** The rules for all hosts of a run. Throws before any host is touched. */
export function stretchesOf(parts: readonly PlayHosts[], flags: Flags, fleet: Fleet): readonly Stretch[] {
  const all = parts.flatMap(({ hosts }) => hosts)
  return withFlags(
    parts
      .filter(({ hosts }) => hosts.length > 0)
      .map(({ play, hosts }) => ({
        name: play?.name ?? null,
        hosts,
        total: workable(hosts).length,
        rules: play ? rulesOfPlay(play, all, fleet) : NO_RULES,
        revertInSeconds: play ? revertInOf(play, flags) : null,
      })),
    flags,
    fleet,
  )
}

/** What flags say goes before what plays or a record said. Their limits are of the whole run, and not of each play. */
export function withFlags(stretches: readonly Stretch[], flags: Flags, fleet: Fleet): readonly Stretch[] {
  const { serial, maxFailed, maxUnreachable, bake, gate, order } = flags
  const all = stretches.flatMap(({ hosts }) => hosts)
  const canary = flags.canary === undefined ? null : canaryIn(all, selectNames(fleet.inventory, flags.canary))
  if (canary?.length === 0) {
    throw new NoMatchError(`--canary ${plain(flags.canary ?? '')}: none of the hosts of this run`)
  }
  const limit = (amount: Amount): Limit => ({ amount, of: 'run' })
  const said: Partial<Rules> = {
    ...(serial && { serial }),
    ...(canary && { canary }),
    ...(maxFailed && { maxFailed: limit(maxFailed) }),
    ...(maxUnreachable && { maxUnreachable: limit(maxUnreachable) }),
    ...(bake !== undefined && { bakeSeconds: bake }),
    ...(gate !== undefined && { gate: new GateCommand(gate) }),
    ...(order && { order }),
  }
  const known = (): string[] => passwordsOf([...fleet.hosts, ...all])
  return stretches.map(stretch => ({
    ...stretch,
    rules: withoutPasswords(known, { ...stretch.rules, ...said }),
    revertInSeconds: flags.revertIn === undefined ? stretch.revertInSeconds : null,
  }))
}

/** What is shown of its gate has none of the passwords either. Throws where a record has a gate without its secret. */
function withoutPasswords(known: () => readonly string[], rules: Rules): Rules {
  const { gate } = rules
  if (gate === null) return rules
  if (gate.isKnown) return { ...rules, gate: new GateCommand(gate.reveal(), { known: known() }) }
  throw new UsageError(`the gate had a secret in it, and that is not written down: ${gate.shown}`, {
    hint: '--gate COMMAND gives it again; --gate true asks nobody',
  })
}

function passwordsOf(hosts: readonly Host[]): string[] {
  const secrets = workable(hosts).flatMap(({ password, become }) => [password, become?.password])
  return [...new Set(secrets.flatMap(secret => secret?.reveal() ?? []))]
}

function rulesOfPlay(play: Play, all: readonly Host[], fleet: Fleet): Rules {
  const { serial, maxFailed, maxUnreachable, bake, gate, order } = play
  const limit = (amount: Amount | null): Limit | null => amount && { amount, of: 'play' }
  return {
    serial: serial ?? [],
    canary: play.canary === null ? [] : canaryOfPlay(play.canary, play, all, fleet),
    maxFailed: limit(maxFailed),
    maxUnreachable: limit(maxUnreachable),
    bakeSeconds: bake ?? 0,
    gate: gate === null ? null : new GateCommand(gate),
    order: order ?? 'inventory',
  }
}

/** A canary that is left out would let the others go first. */
function canaryOfPlay(pattern: string, { placeOf }: Play, all: readonly Host[], fleet: Fleet): readonly string[] {
  const place = placeOf(['canary'])
  const refuse = (message: string, cause?: unknown): never => {
    throw new NoMatchError(`${formatPlace(place)}: ${message}`, {
      cause,
      hint: '--canary PATTERN names another',
    })
  }
  try {
    const canary = canaryIn(all, selectNames(fleet.inventory, pattern, { place }))
    return canary.length > 0 ? canary : refuse('no host of the canary is among those of this run')
  } catch (error) {
    if (error instanceof NoMatchError && error.hint === undefined) return refuse(error.message, error)
    throw error
  }
}

function canaryIn(hosts: readonly Host[], selected: readonly string[]): readonly string[] {
  const names = new Set(selected)
  return workable(hosts).flatMap(({ name }) => (names.has(name) ? [name] : []))
}

const workable = (hosts: readonly Host[]): readonly Host[] => hosts.filter(({ exclude }) => exclude === null)

function revertInOf({ revertIn: asked, placeOf }: Play, flags: Flags): number | null {
  if (asked === null || flags.revertIn !== undefined) return null
  try {
    return revertIn({ ...flags, revertIn: asked })
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    const message = error.message.replace(/^--revert-in/, 'revert_in')
    throw new ConfigError(message, { place: placeOf(['revert_in']), cause: error })
  }
}

/** How the batches go and what stops them, for the result; nothing where there is nothing to say. */
export function rulesIn(stretches: readonly Stretch[], isWatched = true): { readonly rules?: readonly string[] } {
  const rules = rulesText(batchesOf(stretches), isWatched)
  return rules.length > 0 ? { rules } : {}
}

/** Shows the same on stderr. */
export function sayRules(stretches: readonly Stretch[], isWatched = true): void {
  for (const line of rulesText(batchesOf(stretches), isWatched)) process.stderr.write(`${plain(line)}\n`)
}

/** Seconds after which a host takes itself back, where its play says so. */
export function revertInBy(stretches: readonly Stretch[]): (host: Host) => { readonly revertInSeconds?: number } {
  const said = new Map(
    stretches.flatMap(({ hosts, revertInSeconds }) => hosts.map(({ name }) => [name, revertInSeconds] as const)),
  )
  return ({ name }) => {
    const seconds = said.get(name) ?? null
    return seconds === null ? {} : { revertInSeconds: seconds }
  }
}
