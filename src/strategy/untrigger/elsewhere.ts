/** Lines of files that nobody here edits (scripts, includes, files of other tools), and what they ask tracking for. */
import type { Setting } from '../../facts/facts.ts'
import type { Family } from '../../firewall/address.ts'
import { looseSpec, shortened } from '../../firewall/loose.ts'
import { triggerKind } from '../../firewall/triggers-iptables.ts'
import { splitWords } from '../../firewall/words.ts'
import { familiesAt, type Kinds, type Stays } from './rest.ts'
import { bagOfWords, statementsOf, writtenKind } from './written.ts'

/** True for a line that may ask for what one of the rules that go asked for, and is no rule that stays. */
export function bringsBack({ file, text }: Setting, kinds: Kinds, stays: Stays, isOwned: (chain: string) => boolean) {
  if (!ofIptables(text)) return isWrittenBack(text, kinds, stays)
  return commandsIn(text).some(command => {
    const families = familiesOf(command, file)
    const asked = kindsIn(command, text)
    const asks = families.some(family => asked.some(kind => kinds.get(family)?.has(kind)))
    return asks && !isStaying(command, families, stays, isOwned)
  })
}

/** By an option that only iptables has. */
const ofIptables = (text: string): boolean =>
  /(^|\s)(-[AIRDC]|-[jg]|--(append|insert|replace|delete|jump|goto))(\s|=|$)/.test(text)

/** What the shell keeps apart; what stands in quotes is one. */
const commandsIn = (text: string): readonly string[] => text.match(/(?:"[^"]*"|'[^']*'|[^;|&"'])+|["']/g) ?? []

const GOES = ['-D', '--delete', '-C', '--check']
const COMES = ['-A', '-I', '-R', '--replace']

/** More than one, where a shell is told a whole program in quotes. */
function kindsIn(command: string, line: string): string[] {
  return command
    .replace(/["'`()]/g, ' ')
    .split(/[;|&]+/)
    .flatMap(one => {
      const words = shortened(one.replace(/(^|\s)(--[\w-]+)=/g, '$1$2 ').split(/\s+/))
      const comes = COMES.some(verb => words.includes(verb)) || line.includes('$') || /\s-[AI]\s/.test(line)
      if (!comes || words.some(word => GOES.includes(word))) return []
      const [target, table] = ['-j', '-t'].map(option => words[words.lastIndexOf(option) + 1] ?? '')
      // What a variable stands for may be anything, and in this table little else is of use.
      return triggerKind(words) ?? (table === 'nat' && target?.startsWith('$') ? 'nat' : [])
    })
}

/** By the name of the command; of a line without one by the name of its file. */
function familiesOf(command: string, file: string): readonly Family[] {
  const before = /^(.*?)(?:\s|^)-/s.exec(command)?.[1] ?? ''
  if (/ip6tables/.test(before)) return [6]
  if (/iptables/.test(before)) return [4]
  const isBare = /^\s*(\[\d+:\d+\]\s*)?$/.test(before)
  if (!isBare) return [4, 6]
  return file.slice(file.lastIndexOf('/') + 1).includes('6') ? [6] : [4]
}

function isStaying(
  command: string,
  families: readonly Family[],
  stays: Stays,
  isOwned: (chain: string) => boolean,
): boolean {
  const words = shortened(splitWords(command))
  const verb = words.findIndex(word => word === '-A' || word === '-I')
  const chain = words[verb + 1] ?? ''
  if (verb === -1) return false
  if (isOwned(chain)) return true
  const at = words.indexOf('-t')
  const table = at === -1 ? '?' : words[at + 1]
  const rest = words.slice(verb + 2).filter((word, i) => !(i === 0 && /^\d+$/.test(word)))
  const own = rest.indexOf('-t')
  const spec = own === -1 ? rest : rest.toSpliced(own, 2)
  return families.every(family => stays.saves.has(`${family} ${table} ${chain} ${looseSpec(spec, family)}`))
}

/** A line of nft, one statement of a chain or a whole table of them. */
function isWrittenBack(text: string, kinds: Kinds, stays: Stays): boolean {
  return statementsOf(text.replace(/^.*\bnft\s+(?=add|insert|replace)/, '')).some(({ home, text: said }) => {
    const kind = /(^|\s)delete /.test(said) ? null : writtenKind(said)
    if (kind === null || !familiesAt(home).some(family => kinds.get(family)?.has(kind))) return false
    return !stays.written.has(`${home ?? '?'} ${bagOfWords(said)}`)
  })
}
