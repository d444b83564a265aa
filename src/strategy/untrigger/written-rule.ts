/** A rule of nft as people write it: states and ports are understood, a verdict at the end, and all else is a question. */
import type { Match, PortRange } from '../../firewall/match.ts'
import type { Rule, Verdict } from '../../firewall/ruleset.ts'
import { spelling } from './written.ts'

export function readWritten(said: string): Rule {
  const text = spelling(said.replace(/"[^"]*"/g, quoted => quoted.replace(/[\s{},;]/g, '_')))
  const [end = '', , reject, jump, chain = ''] = END.exec(text) ?? []
  const asked = text
    .slice(0, text.length - end.length)
    .replace(/\bcounter\b/g, '')
    .trim()
  const verdict = end.trim()
  return {
    line: said,
    matches: matchesOf(asked),
    verdict:
      jump === 'jump' || jump === 'goto'
        ? { is: jump, chain }
        : reject
          ? { is: 'drop' }
          : (PLAIN.find(({ is }) => is === verdict) ?? otherVerdict(text)),
  }
}

const END = /(?:^|\s)(?:(accept|drop|return|notrack)|(reject)(?: with .*)?|(jump|goto) (\S+))$/
const PLAIN: readonly Verdict[] = [{ is: 'accept' }, { is: 'drop' }, { is: 'return' }, { is: 'notrack' }]

/** What these and maps come to nobody can say; other statements let the packet go on. */
function otherVerdict(text: string): Verdict {
  const isOpen = /\b(vmap|queue|tproxy|fwd|synproxy|snat|dnat|masquerade|redirect|include)\b/.test(text)
  return { is: isOpen ? 'unknown' : 'continue' }
}

const STATE = /\bct state (!= )?([a-z,]+)(?=\s|$)/g
const PORTS = /\b(tcp|udp) ([sd])port (!= )?\{?(\d[\d,-]*)\}?(?=\s|$)/g

function matchesOf(asked: string): Match[] {
  const matches: Match[] = []
  const rest = asked
    .replace(STATE, (_, not: string | undefined, states: string) => {
      matches.push({ condition: { is: 'state', states: states.split(',') }, not: not !== undefined })
      return ''
    })
    .replace(PORTS, (_, protocol: string, side: string, not: string | undefined, ports: string) => {
      matches.push({ condition: { is: 'protocol', protocols: [protocol] }, not: false })
      const about = { is: 'port', side: side === 's' ? 'source' : 'destination' } as const
      matches.push({ condition: { ...about, ranges: ports.split(',').map(rangeOf) }, not: not !== undefined })
      return ''
    })
    .replace(/\s+/g, ' ')
    .trim()
  if (rest === '') return matches
  const varies = BY_STATE.test(rest) ? 'by-state' : 'by-rule'
  return [...matches, { condition: { is: 'unknown', text: rest, varies }, not: false }]
}

function rangeOf(text: string): PortRange {
  const [from = '', to = from] = text.split('-')
  return { from: Number(from), to: Number(to) }
}

/** Tracking may have a part in the answer where it is asked for, or in what was marked by it. */
const BY_STATE = /\b(ct|mark|meter|limit|quota)\b/
