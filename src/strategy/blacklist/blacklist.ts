/** blacklist: conntrack out of hosts that need no state, over a boot, and only where nothing would fail without it. */
import type { InitramfsChange, ModuleChange } from '../../change/change.ts'
import type { Facts, Family } from '../../facts/facts.ts'
import { fileChanges } from '../edits.ts'
import { type Blocker, type Draft, defineStrategy } from '../strategy.ts'
import { liveBlockers, savedBlockers, unreadBlockers } from './blockers.ts'
import { downBlockers, evidenceOf, gone, unlooked } from './evidence.ts'
import { differBlockers, differWarnings, unknownBlockers } from './known.ts'
import { holdersOf, unloadOrder } from './modules.ts'
import { type Options, options } from './options.ts'
import { coreOf, installBlockers, loadWarnings, REFUSAL_FILE, refusal } from './refuse.ts'
import { type Stateless, stateless } from './rewrite.ts'
import { firewallsOf, openWarnings, type Service, stopChanges } from './services.ts'
import { userBlockers } from './users.ts'
import { valueChanges } from './values.ts'
import { heldBlockers, heldWarnings, isFree, loadBlockers, remaining } from './when.ts'

export const blacklist = defineStrategy<Options>({
  name: 'blacklist',
  summary:
    'conntrack leaves the kernel and stays out: modules refused and removed, where no rule or program needs them',
  needs: { states: false, ruleset: true, tracking: true },
  // Entries go with the module, which may be no sooner than the next reboot.
  relief: 'later',
  options,
  plan,
})

function plan(wanted: Options, facts: Facts): Draft {
  const nothing = (warnings: readonly string[], blockers: readonly Blocker[] = []): Draft => ({
    ...{
      changes: [],
      warnings,
      blockers,
      settled: { ...wanted },
      evidence: blockers.length > 0 ? unlooked(blockers) : [gone(facts, true)],
    },
  })
  const unread = unreadBlockers(facts)
  if (unread.length > 0) return nothing([], unread)
  const core = coreOf(facts)
  if (core === null) return nothing(['this kernel has no conntrack, loaded or to be loaded'])
  return decide(wanted, facts, core)
}

function decide(wanted: Options, facts: Facts, core: Family): Draft {
  const stopped = wanted.stop_firewall ? firewallsOf(facts) : []
  const rewritten = stateless(wanted, facts)
  const free = isFree(facts, stopped, rewritten)
  const now = wanted.when === 'now' || (wanted.when === 'auto' && free)
  const left = remaining(rewritten.ruleset, stopped, now)
  const refused = refusal(facts, core)
  const saved = fileChanges(facts, rewritten.files)
  const modules = now ? moduleChanges(facts) : []
  const changes = [
    ...rewritten.changes,
    ...valueChanges(facts, modules),
    ...stopChanges(facts, stopped, now),
    ...modules,
    ...saved.changes,
    ...refused.changes,
    ...imageChange(facts),
  ]
  const asked = wanted.stateless ? rewritten.blockers : liveBlockers(left, now)
  return {
    changes,
    warnings: [
      ...openWarnings(stopped, facts, now),
      ...differWarnings(stopped, now),
      ...rewritten.warnings,
      ...pending(facts, now, stopped),
      ...(now || left.length > 0 ? [] : heldWarnings(facts, stopped, rewritten)),
      ...loadWarnings(facts, core),
      ...imageWarnings(facts),
    ],
    blockers: [
      ...asked,
      ...savedBlockers(withFiles(facts, rewritten), stopped, wanted),
      ...unknownBlockers(facts, stopped),
      ...differBlockers(facts, stopped, now),
      ...userBlockers(facts, wanted.stop_firewall),
      ...(left.length === 0 ? heldBlockers(facts, stopped, rewritten, now) : []),
      ...loadBlockers(facts, now),
      ...downBlockers(facts, stopped),
      ...installBlockers(facts, core),
      ...imageBlockers(facts),
      ...saved.blockers,
      ...refused.blockers,
    ],
    settled: { ...wanted, when: now ? 'now' : 'reboot' },
    evidence: evidenceOf(facts, now, stopped),
  }
}

/** The files as they will be. */
function withFiles(facts: Facts, { files }: Stateless): Facts {
  const contents = new Map(files.map(({ path, content }) => [path, content]))
  return {
    ...facts,
    files: facts.files.map(file => {
      const content = contents.get(file.path)
      return content == null || !file.state ? file : { ...file, state: { ...file.state, content } }
    }),
  }
}

/** One that is being taken out is left to the kernel: whoever asks a second time waits as long. */
function moduleChanges({ modules }: Facts): ModuleChange[] {
  const loaded = holdersOf(modules ?? [])
  if (loaded.some(({ unloading }) => unloading)) return []
  return (unloadOrder(loaded) ?? []).map(name => {
    const users = loaded.find(module => module.name === name)?.users ?? []
    const why = users.length > 0 ? `after ${users.join(', ')}, which stood on it` : 'nothing stands on it'
    return { kind: 'module', layer: 'runtime', target: name, before: 'loaded', after: null, why }
  })
}

function pending({ modules }: Facts, now: boolean, stopped: readonly Service[]): string[] {
  const loaded = holdersOf(modules ?? []).map(({ name }) => name)
  if (now || loaded.length === 0) return []
  const rules = stopped.length > 0 ? ' and the firewall' : ''
  return [`${loaded.join(', ')}${rules} stay as they are until the next reboot, and so does a table that is full`]
}

const OF_CONNTRACK = /^(nf|ip)_(conntrack|nat)|^xt_(conntrack|state|CT)|^nft_ct/

/** What the image holds of it, unless our lines are in there too. */
function heldByImage({ tracking }: Facts): readonly string[] {
  const holds = tracking?.initramfs?.holds ?? []
  const file = REFUSAL_FILE.slice(REFUSAL_FILE.lastIndexOf('/') + 1)
  return holds.some(name => name.endsWith(file))
    ? []
    : holds.filter(name => OF_CONNTRACK.test(name) && !name.endsWith('.conf'))
}

function imageChange(facts: Facts): InitramfsChange[] {
  const image = facts.tracking?.initramfs
  const holds = heldByImage(facts)
  if (!image || image.tool === null || holds.length === 0) return []
  const why = `it holds them and none of our lines, so they may be loaded before the root is read; ${image.tool} makes it anew`
  const before = `holds ${holds.join(', ')}`
  return [{ kind: 'initramfs', layer: 'persistent', target: image.path, before, after: 'rebuilt', why }]
}

/** Nothing here can tell, so nothing is done to it. */
function imageWarnings({ tracking }: Facts): string[] {
  const image = tracking?.initramfs
  if (!image?.unread) return []
  const how = image.tool === null ? '' : `; once the file is written, ${image.tool} makes one that has our lines in it`
  return [`what ${image.path} holds could not be listed: if modules of conntrack are in it, boot may load them${how}`]
}

function imageBlockers(facts: Facts): Blocker[] {
  const image = facts.tracking?.initramfs
  const holds = heldByImage(facts)
  if (!image || image.tool !== null || holds.length === 0) return []
  const message = `${image.path} holds ${holds.join(', ')}, and nothing here is known to make it anew: do that without them first`
  return [{ code: 'initramfs-holds-it', message, forceable: true }]
}
