/** What brings our rules back after a reload and a boot, in the place and the way of whoever owns the firewall. */
import type { Facts } from '../../facts/facts.ts'
import type { Blocker } from '../strategy.ts'
import { atBoot } from './at-boot.ts'
import { contentOf, fileChanges, type Kept, type WantedFile } from './edits.ts'
import type { Home, IptablesKeeper } from './home.ts'
import type { Piece } from './live-iptables.ts'
import type { NftPlan } from './live-nft.ts'
import { withPieces } from './saved.ts'
import { iptablesScript } from './script.ts'

const HEAD = '# Written by ctfix. Remove the file, or run the undo of the run that wrote it, to go back.\n'
const WHY = 'kept over a reload of the firewall and a reboot'

/** Where saved rule sets lie, by family. */
const SAVED: Readonly<Record<'saved-debian' | 'saved-redhat', Readonly<Record<4 | 6, string>>>> = {
  'saved-debian': { 4: '/etc/iptables/rules.v4', 6: '/etc/iptables/rules.v6' },
  'saved-redhat': { 4: '/etc/sysconfig/iptables', 6: '/etc/sysconfig/ip6tables' },
}

/** The changes of files for rules that live in iptables. */
export function keepPieces(facts: Facts, home: Extract<Home, { by: 'iptables' }>, pieces: readonly Piece[]): Kept {
  const { keeper } = home
  if (keeper === 'ufw') return keepByUfw(facts, pieces)
  if (keeper === 'own') {
    const late =
      facts.firewall.owner === 'none' && pieces.some(({ state }) => state.table === 'filter' && state.rules.length > 0)
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

function keepSaved(facts: Facts, keeper: Exclude<IptablesKeeper, 'ufw' | 'own'>, pieces: readonly Piece[]): Kept {
  const files = ([4, 6] as const).flatMap((family): WantedFile[] => {
    const own = pieces.filter(({ state }) => state.family === family)
    const path = SAVED[keeper][family]
    const before = contentOf(facts, path)
    const after = withPieces(before ?? '', own)
    if (after === (before ?? '')) return []
    return [{ path, content: after, mode: keeper === 'saved-debian' ? '0640' : '0600', why: WHY }]
  })
  return fileChanges(facts, files)
}

/** ufw loads its own rules anew and adds to what is there: only a hook of its own can put ours in once. */
function keepByUfw(facts: Facts, pieces: readonly Piece[]): Kept {
  const path = '/etc/ufw/after.init'
  const line = '[ ! -e /etc/ufw/ctfix.init ] || /bin/sh /etc/ufw/ctfix.init "$1" # ctfix'
  const before = contentOf(facts, path)
  const [shebang = '#!/bin/sh', ...rest] = (before ?? '#!/bin/sh\n').split('\n')
  const content = before?.includes(line) ? before : [shebang, line, ...rest].join('\n')
  return fileChanges(facts, [
    { path: '/etc/ufw/ctfix.init', content: iptablesScript(pieces), mode: '0640', why: WHY },
    // Debian ships it without the bit, and then ufw does not run it.
    { path, content, mode: '0750', forceMode: true, why: 'ufw runs it once its own rules are in' },
  ])
}

/** The changes of files for rules that live in nft. */
export function keepNft(facts: Facts, home: Extract<Home, { by: 'nft' }>, plan: NftPlan): Kept {
  const table = `add table inet ctfix\ndelete table inet ctfix\n${plan.table.text}`
  if (home.keeper === 'own') {
    const path = '/etc/ctfix-notrack.nft'
    const start = `/bin/sh -c 'PATH=/usr/sbin:/usr/bin:/sbin:/bin exec nft -f ${path}'`
    return joined([fileChanges(facts, [{ path, content: `${HEAD}${table}`, why: WHY }]), atBoot(facts, start, false)])
  }
  const path = '/etc/nftables-ctfix.nft'
  // The last one in ends up first.
  const inserts = plan.accepts
    .toReversed()
    .map(({ family, table: name, chain, text }) => `insert rule ${family} ${name} ${chain} ${text}\n`)
  const main = contentOf(facts, '/etc/nftables.conf') === null ? '/etc/sysconfig/nftables.conf' : '/etc/nftables.conf'
  const conf = contentOf(facts, main) ?? ''
  const include = `include "${path}"`
  const content = conf.includes(include) ? conf : `${conf}${conf === '' || conf.endsWith('\n') ? '' : '\n'}${include}\n`
  const kept = fileChanges(facts, [
    { path, content: `${HEAD}${table}${inserts.join('')}`, mode: '0644', why: WHY },
    { path: main, content, why: 'nftables.service loads ours with its own' },
  ])
  return { ...kept, blockers: [...kept.blockers, ...confBlockers(main, conf, plan)] }
}

/** A file that fails to load leaves the host without any rule at boot: what we put our rules into must be in it. */
function confBlockers(main: string, conf: string, { accepts }: NftPlan): Blocker[] {
  const [first] = accepts
  if (!first) return []
  const missing = accepts.find(
    ({ table, chain }) => !new RegExp(`\\bchain\\s+"?${chain}\\b`).test(conf) || !conf.includes(table),
  )
  if (missing) {
    const message = `${main} has no chain ${missing.chain} in a table ${missing.table}, so rules of ours for it would keep the whole file from loading: put it there first`
    return [{ code: 'chain-not-saved', message, forceable: false }]
  }
  if (/^\s*flush\s+ruleset\b/m.test(conf)) return []
  const message = `${main} does not begin with flush ruleset: each reload would add our rules, and its own, once more`
  return [{ code: 'reload-doubles', message, forceable: true }]
}

function joined(parts: readonly Kept[]): Kept {
  return { changes: parts.flatMap(({ changes }) => changes), blockers: parts.flatMap(({ blockers }) => blockers) }
}
