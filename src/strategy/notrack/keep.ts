/** What brings our rules back after a reload and a boot, in the place and the way of whoever owns the firewall. */
import type { Facts } from '../../facts/facts.ts'
import { contentOf, fileChanges, joined, type Kept, NOTHING, type WantedFile } from '../edits.ts'
import { HEADER } from '../lines.ts'
import type { Blocker } from '../strategy.ts'
import { atBoot } from './at-boot.ts'
import { type Home, restoresFamily, SAVED, type SavedKeeper } from './home.ts'
import type { Piece } from './live-iptables.ts'
import type { NftPlan } from './live-nft.ts'
import { readConf } from './nft-conf.ts'
import { withPieces } from './saved.ts'
import { iptablesScript } from './script.ts'

const WHY = 'kept over a reload of the firewall and a reboot'

/** The changes of files for rules that live in iptables. A saved rule set gets the pieces that were decided on it. */
export function keepPieces(facts: Facts, home: Extract<Home, { by: 'iptables' }>, pieces: readonly Piece[]): Kept {
  const { keeper } = home
  if (keeper === 'ufw') return keepByUfw(facts, pieces)
  if (keeper === 'own') {
    // Where rules about states are nobody's that we know, nobody knows either when they are loaded.
    const late = pieces.some(({ state }) => state.table === 'filter' && state.rules.length > 0)
    const script: WantedFile = {
      path: '/etc/ctfix-notrack.sh',
      content: iptablesScript(pieces),
      mode: '0755',
      why: WHY,
    }
    return joined([fileChanges(facts, [script]), atBoot(facts, '/bin/sh /etc/ctfix-notrack.sh', late)])
  }
  return keepSaved(facts, keeper, pieces)
}

function keepSaved(facts: Facts, keeper: SavedKeeper, pieces: readonly Piece[]): Kept {
  const parts = ([4, 6] as const).map((family): Kept => {
    const own = pieces.filter(({ state }) => state.family === family)
    const path = SAVED[keeper][family]
    const before = contentOf(facts, path)
    const after = withPieces(before ?? '', own)
    const mode = keeper === 'saved-debian' ? '0640' : '0600'
    const { changes, blockers } =
      after === (before ?? '') ? NOTHING : fileChanges(facts, [{ path, content: after, mode, why: WHY }])
    const lasts = restoresFamily(facts, keeper, family) || own.every(({ state }) => state.rules.length === 0)
    return { changes, blockers: lasts ? blockers : [...blockers, notRestored(path, family)] }
  })
  return joined(parts)
}

function notRestored(path: string, family: 4 | 6): Blocker {
  const [service, other] = family === 4 ? ['iptables', 'ip6tables'] : ['ip6tables', 'iptables']
  const message = `nobody loads ${path} at boot: the service ${other} is started here, and ${service} is not: enable ${service} first`
  return { code: 'would-not-last', message, forceable: true }
}

/** ufw loads its own rules anew and adds to what is there: only a hook of its own can put ours in once. */
function keepByUfw(facts: Facts, pieces: readonly Piece[]): Kept {
  const path = '/etc/ufw/after.init'
  const line = '[ ! -e /etc/ufw/ctfix.init ] || /bin/sh /etc/ufw/ctfix.init "$1" # ctfix'
  const before = contentOf(facts, path)
  const [shebang = '#!/bin/sh', ...rest] = (before ?? '#!/bin/sh\n').split('\n')
  const content = before && [shebang, ...rest].includes(line) ? before : [shebang, line, ...rest].join('\n')
  return fileChanges(facts, [
    { path: '/etc/ufw/ctfix.init', content: iptablesScript(pieces), mode: '0640', why: WHY },
    // Debian ships it without the bit, and then ufw does not run it.
    { path, content, mode: '0750', forceMode: true, why: 'ufw runs it once its own rules are in' },
  ])
}

const OURS = '/etc/nftables-ctfix.nft'
/** A pattern that one file fits: where the file is gone nothing does, and the rest is loaded all the same. */
const INCLUDE = 'include "/etc/nftables-ctfix.nf[t]"'
const INCLUDES_OURS = /^\s*include\s+["']\/etc\/nftables-ctfix\.nf(?:t|\[t\])["'][\s;]*(?:#.*)?$/
/** Its service flushes all rules before it loads them anew, the file need not. */
const FLUSHED_BY_ITS_SERVICE = '/etc/sysconfig/nftables.conf'

/** The changes of files for rules that live in nft. */
export function keepNft(facts: Facts, home: Extract<Home, { by: 'nft' }>, plan: NftPlan): Kept {
  const table = `add table inet ctfix\ndelete table inet ctfix\n${plan.table.text}`
  if (home.keeper === 'own') {
    const path = '/etc/ctfix-notrack.nft'
    const start = `/bin/sh -c 'PATH=/usr/sbin:/usr/bin:/sbin:/bin exec nft -f ${path}'`
    return joined([
      fileChanges(facts, [{ path, content: `${HEADER}\n${table}`, why: WHY }]),
      atBoot(facts, start, false),
    ])
  }
  // The last one in ends up first.
  const inserts = plan.accepts
    .toReversed()
    .map(({ family, table: name, chain, text }) => `insert rule ${family} ${name} ${chain} ${text}\n`)
  const main = contentOf(facts, '/etc/nftables.conf') === null ? FLUSHED_BY_ITS_SERVICE : '/etc/nftables.conf'
  const conf = contentOf(facts, main) ?? ''
  const kept = fileChanges(facts, [
    { path: OURS, content: `${includedHead(main)}${table}${inserts.join('')}`, mode: '0644', why: WHY },
    { path: main, content: withInclude(conf), why: 'nftables.service loads ours with its own' },
  ])
  return { ...kept, blockers: [...kept.blockers, ...confBlockers(facts, main, conf, plan)] }
}

function includedHead(main: string): string {
  return `# Written by ctfix, and read by the line of ${main} that names it. To go back run the undo of the run that wrote it.
# By hand: remove this file; nft delete table inet ctfix; delete what nft -a list ruleset shows with comment "ctfix".
# The line may stay: without this file it loads nothing.
`
}

/** The file with one line that includes ours, where such a line stands already or at the end. */
function withInclude(conf: string): string {
  const lines = conf.split('\n')
  const at = lines.findIndex(line => INCLUDES_OURS.test(line))
  if (at === -1) return `${conf}${conf === '' || conf.endsWith('\n') ? '' : '\n'}${INCLUDE}\n`
  return lines
    .flatMap((line, i) => (!INCLUDES_OURS.test(line) ? [line] : i === at ? [line.includes('[') ? line : INCLUDE] : []))
    .join('\n')
}

/** A file that fails to load leaves the host without any rule at boot: what we put our rules into must be in it. */
function confBlockers(facts: Facts, main: string, text: string, { accepts }: NftPlan): Blocker[] {
  if (accepts.length === 0) return []
  const own = text.split('\n').filter(line => !INCLUDES_OURS.test(line))
  const conf = readConf(`${own.join('\n')}\n`, path => contentOf(facts, path))
  const missing = accepts.find(({ family, table, chain }) => !conf.chains.has(`${family} ${table} ${chain}`))
  if (missing) {
    const { family, table, chain } = missing
    const unknown = conf.unknown.length > 0 ? `; what it says by ${conf.unknown.join(', ')} nobody read here` : ''
    const message = `${main} has no chain ${chain} in a table ${family} ${table}, so rules of ours for it would keep the whole file from loading: put it there first${unknown}`
    return [{ code: 'chain-not-saved', message, forceable: conf.unknown.length > 0 }]
  }
  const isCleared =
    conf.cleared.has('*') || accepts.every(({ family, table }) => conf.cleared.has(`${family} ${table}`))
  if (isCleared || main === FLUSHED_BY_ITS_SERVICE) return []
  const message = `${main} does not begin with flush ruleset: each reload would add our rules, and its own, once more`
  return [{ code: 'reload-doubles', message, forceable: true }]
}
