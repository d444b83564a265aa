/** Reasons to leave conntrack in: something here lives on it, or boot would fail without it. */
import type { Facts } from '../../facts/facts.ts'
import { formatCount } from '../../lang/numbers.ts'
import { notOwnKernel } from '../ownership.ts'
import { loadersOf, unreadText } from '../saved-files.ts'
import type { Blocker } from '../strategy.ts'
import type { Need } from './needs.ts'
import type { Options } from './options.ts'
import { savedNeeds } from './saved.ts'
import type { Service } from './services.ts'

const blocker = (code: string, message: string, forceable = false): Blocker => ({ code, message, forceable })

/** Whether this host and what could be read of it allow a plan at all. */
export function unreadBlockers(facts: Facts): Blocker[] {
  const { root, ruleset, container, ownsKernel, writable, tracking } = facts
  if (!ownsKernel) return [notOwnKernel({ container })]
  if (!root) return [blocker('needs-root', 'the login user is not root: run with --become')]
  if (!writable.etc)
    return [blocker('etc-read-only', '/etc is read-only, so nothing would keep the modules out at boot')]
  if (facts.providedBy === 'builtin' || (facts.modules === null && facts.family !== null)) {
    const message =
      'conntrack is built into this kernel, so no module can be kept out: untrigger makes it stop tracking'
    return [blocker('built-in', message)]
  }
  if (ruleset === null || !ruleset.complete || ruleset.sources.some(({ format }) => format === 'text')) {
    return [blocker('rules-unread', 'not all live rules could be read, so nobody can say which of them need tracking')]
  }
  if (!tracking) return [blocker('saved-unread', 'what boot loads was not looked at')]
  return facts.ufw?.enabled ? [ufwEnabled] : []
}

/** With any of its files or its service left, a reload or a boot would bring its policies and none of its rules. */
const ufwEnabled = blocker(
  'ufw-enabled',
  'ufw asks for states in every rule set it makes: it would come up with its policies alone, and lock everybody out; run `ufw disable` first, and keep the rules in another way',
)

/** Live rules that would be left without what they ask. Until the reboot they work on: only then may somebody insist. */
export function liveBlockers(left: readonly Need[], now: boolean): Blocker[] {
  const [first] = left
  if (!first) return []
  const count = left.length === 1 ? '1 live rule needs' : `${formatCount(left.length)} live rules need`
  const message = `${count} conntrack, the first: ${first.name}; untrigger, stateless or stop_firewall takes such rules away`
  return [blocker('rules-need-tracking', message, !now)]
}

/** What boot would try to load, and fail: one of each file. Whoever stops what loads it needs it no more. */
export function savedBlockers(facts: Facts, stopped: readonly Service[], options: Options): Blocker[] {
  const services = facts.tracking?.services ?? []
  const isOff = (path: string): boolean => {
    const here = services.filter(({ name }) => loadersOf(path).includes(name))
    return here.length > 0 && here.every(({ name, enabled }) => stopped.some(one => one.name === name) || !enabled)
  }
  // With stop_firewall nobody wants it back; otherwise somebody has loaded it by hand, and may again.
  const needs = savedNeeds(facts).filter(({ file }) => !(options.stop_firewall && isOff(file)))
  const files = [...new Set(needs.map(({ file }) => file))]
  const saved = files.map(file => {
    const here = needs.filter(setting => setting.file === file)
    const [first] = here
    const more = here.length > 1 ? ` and ${here.length - 1} more lines` : ''
    const end = 'the host would come up with none of its rules'
    const message = `${file}:${first?.line} says "${first?.text}"${more}: refused at boot, and ${end}`
    return blocker('saved-rules-need-tracking', message, isOff(file))
  })
  const unread = (facts.tracking?.savedUnread ?? []).filter(file => !(options.stop_firewall && isOff(file)))
  return [
    ...saved,
    ...byThemselves(facts, stopped, files),
    ...ownUntracking(facts),
    ...unread.map(file => blocker('saved-unread', `${unreadText(file)}, so nobody can say what boot loads`)),
  ]
}

/** By which notrack keeps its rules where nobody else does. */
const OWN_FILES = ['/etc/ctfix-notrack.nft', '/etc/ctfix-notrack.sh', '/etc/nftables-ctfix.nft', '/etc/ufw/ctfix.init']

/** What takes flows out of tracking stands on it as well: the two cures exclude each other. */
function ownUntracking({ files }: Facts): Blocker[] {
  const found = files.find(({ path, state }) => OWN_FILES.includes(path) && state !== null)
  return found
    ? [
        blocker(
          'notrack-in-force',
          `${found.path} keeps rules of notrack by ctfix, which need conntrack: roll that run back first`,
        ),
      ]
    : []
}

/** Managers whose every rule set asks for states, whatever their files say; shorewall and ferm make theirs out of those. */
const ALWAYS_ASKING: Readonly<Record<string, string>> = {
  firewalld: 'it would come up empty, and say nothing of it',
  shorewall: 'it would not start, and leave the host as it is then',
  shorewall6: 'it would not start, and leave the host as it is then',
  ferm: 'it would not start, and leave the host open',
  firehol: 'it would not start, and leave the host as it is then',
}

function byThemselves({ tracking }: Facts, stopped: readonly Service[], files: readonly string[]): Blocker[] {
  const told = (name: string): boolean => files.some(file => loadersOf(file).includes(name))
  return (tracking?.services ?? [])
    .filter(({ name, enabled }) => enabled && !told(name) && !stopped.some(service => service.name === name))
    .flatMap(({ name }) => {
      const end = ALWAYS_ASKING[name]
      const message = `${name} asks for states in every rule set it makes: ${end}`
      return end === undefined ? [] : [blocker('saved-rules-need-tracking', message)]
    })
}
