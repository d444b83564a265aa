/** Programs of ours that bring our rules back: at boot, or when ufw starts. Each may run any number of times. */
import type { Family } from '../../firewall/address.ts'
import { joinWords } from '../../firewall/words.ts'
import { Script, sh } from '../../lang/sh.ts'
import { HEADER } from '../lines.ts'
import type { Piece } from './live-iptables.ts'

const HEAD = `#!/bin/sh
${HEADER}
PATH=/usr/sbin:/usr/bin:/sbin:/bin
`

/** `start` (or no word) puts the pieces in; \`stop\` takes them out. */
export function iptablesScript(pieces: readonly Piece[]): string {
  const wanted = pieces.filter(({ state }) => state.rules.length > 0)
  const families = ([4, 6] as const).filter(family => wanted.some(({ state }) => state.family === family))
  const parts = families.flatMap(family => {
    const own = wanted.filter(({ state }) => state.family === family)
    return [
      chooseTool(own[0]?.state.backend ?? 'iptables-legacy', family),
      sh`if [ "$1" != stop ]; then`,
      // One table after the other: the filter lets the flows in before the raw table makes them need it.
      ...tablesOf(own).map(table => restore(own.filter(({ state }) => state.table === table))),
      ...own.map(jump),
      sh`else`,
      ...own.toReversed().flatMap(leave),
      sh`fi`,
    ]
  })
  return `${HEAD}[ $# -gt 0 ] || set -- start
case $1 in start | stop) ;; *) exit 0 ;; esac
${Script.lines(parts).text}
`
}

/** The tool of the backend where it has a name of its own. */
function chooseTool(backend: string, family: Family): Script {
  const plain = family === 4 ? 'iptables' : 'ip6tables'
  const exact = `${plain}-${backend.slice('iptables-'.length)}`
  return Script.lines([
    sh`tool=${plain}`,
    sh`if command -v ${exact} >/dev/null 2>&1; then tool=${exact}; fi`,
    sh`wait=`,
    sh`case $("$tool" -h 2>&1) in *--wait*) wait=-w ;; esac`,
    // It learnt to wait for the lock later than the tool itself, and at boot others hold it.
    sh`hold=`,
    sh`case $("$tool-restore" -h 2>&1 </dev/null) in *--wait*) hold=-w ;; esac`,
  ])
}

const tablesOf = (pieces: readonly Piece[]): string[] => [...new Set(pieces.map(({ state }) => state.table))]

/** A chain that is declared is emptied first, and nothing else is touched. */
function restore(pieces: readonly Piece[]): Script {
  const text = [
    `*${pieces[0]?.state.table}`,
    ...pieces.map(({ state }) => `:${state.chain} - [0:0]`),
    ...pieces.flatMap(({ state }) => state.rules.map(words => `-A ${state.chain} ${joinWords(words)}`)),
    'COMMIT',
  ]
  return sh`printf '%s\n' ${text} | "$tool-restore" $hold -n || exit 1`
}

/** Once, whether it was there or not. At the place it had when it was planned, or at the head of a chain that is shorter now. */
function jump({ state, from, at }: Piece): Script {
  const { table, chain } = state
  return Script.lines([
    sh`while "$tool" $wait -t ${table} -D ${from} -j ${chain} 2>/dev/null; do :; done`,
    sh`"$tool" $wait -t ${table} -I ${from} ${at} -j ${chain} 2>/dev/null ||`,
    sh`  "$tool" $wait -t ${table} -I ${from} -j ${chain} || exit 1`,
  ])
}

function leave({ state, from }: Piece): Script[] {
  const { table, chain } = state
  return [
    sh`while "$tool" $wait -t ${table} -D ${from} -j ${chain} 2>/dev/null; do :; done`,
    sh`"$tool" $wait -t ${table} -F ${chain} 2>/dev/null && "$tool" $wait -t ${table} -X ${chain}`,
  ]
}
