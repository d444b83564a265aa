/** The words of a rule as iptables-save writes them, and when two lists of words are the same rule. */

/** Splits at blanks; `"…"` keeps them, and a backslash inside takes the next character as it is. */
export function splitWords(line: string): string[] {
  // Most lines have none, and there may be thousands.
  if (!line.includes('"')) return line.split(' ').filter(word => word !== '')
  const words: string[] = []
  for (const [, quoted, bare] of line.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/gs)) {
    words.push(quoted === undefined ? (bare ?? '') : quoted.replace(/\\(.)/gs, '$1'))
  }
  return words
}

/** The other way round. */
export function joinWords(words: readonly string[]): string {
  return words
    .map(word => (/^[^\s"'\\]+$/.test(word) ? word : `"${word.replace(/["'\\]/g, char => `\\${char}`)}"`))
    .join(' ')
}

/** Bits of an address when no mask is written. */
const WHOLE: Readonly<Record<4 | 6, string>> = { 4: '/32', 6: '/128' }

/**
 * The same words for what different versions write differently: the match that `-p` implies, the mask of an address, `--syn`, and NOTRACK by its two names. rules.sh does the same on the host, and a test holds both against each other.
 */
export function canonicalWords(words: readonly string[], family: 4 | 6): string[] {
  const out: string[] = []
  let protocol = ''
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? ''
    const value = words[i + 1] ?? ''
    if (word === '-m' && value !== '' && impliedBy(protocol, value)) i += 1
    else if (word === '-j' && value === 'NOTRACK') {
      out.push('-j', 'CT', '--notrack')
      i += 1
    } else if (word === '--syn') out.push('--tcp-flags', 'FIN,SYN,RST,ACK', 'SYN')
    else if ((word === '-s' || word === '-d') && value !== '' && value !== '!') {
      out.push(word, value.includes('/') ? withPrefix(value) : `${value}${WHOLE[family]}`)
      i += 1
    } else if (word !== '') {
      if (words[i - 1] === '-p') protocol = word
      out.push(word)
    }
  }
  return out
}

/** `10.0.0.0/255.0.0.0`, as iptables 1.3 prints it, → `10.0.0.0/8`. Other masks stay. */
function withPrefix(network: string): string {
  const [, base, mask = ''] = /^([\d.]+)\/([\d.]+\.[\d.]+)$/.exec(network) ?? []
  const bits = mask.split('.').map(octet => OCTETS.indexOf(octet))
  return base === undefined || bits.includes(-1) ? network : `${base}/${bits.reduce((sum, n) => sum + n, 0)}`
}

/** By how many bits of them are set. */
const OCTETS = ['0', '128', '192', '224', '240', '248', '252', '254', '255']

function impliedBy(protocol: string, match: string): boolean {
  return match === protocol || (match === 'icmp6' && (protocol === 'ipv6-icmp' || protocol === 'icmpv6'))
}

/** True when both lists of words are the same rule. */
export function isSameRule(one: readonly string[], other: readonly string[], family: 4 | 6): boolean {
  return joinWords(canonicalWords(one, family)) === joinWords(canonicalWords(other, family))
}

/** Walks over the words; options take theirs from it. */
export class Words {
  readonly #words: readonly string[]
  #at = 0
  constructor(words: readonly string[]) {
    this.#words = words
  }
  /** The next word; empty at the end. */
  next(): string {
    const word = this.#words[this.#at] ?? ''
    this.#at += 1
    return word
  }
  get isAtEnd(): boolean {
    return this.#at >= this.#words.length
  }
  /** The next word belongs to something else than the option before it. */
  get isAtOption(): boolean {
    return this.isAtEnd || /^-(m|j|g|-match|-jump|-goto)$/.test(this.#words[this.#at] ?? '')
  }
  /** Words up to the next option. */
  values(): string[] {
    const values: string[] = []
    while (!this.isAtEnd && !/^(-|!$)/.test(this.#words[this.#at] ?? '')) values.push(this.next())
    return values
  }
  /** One value; iptables before 1.4 writes its `!` in front of it. */
  value(): { readonly text: string; readonly not: boolean } {
    const text = this.next()
    return text === '!' ? { text: this.next(), not: true } : { text, not: false }
  }
}
