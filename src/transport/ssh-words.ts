/** A line of ssh_config → its words, as ssh splits it. */

const ESCAPED = /\\(['"\\])/g
const WORD = /(?:\\['"\\ ]|"(?:\\['"\\]|[^"])*"|'(?:\\['"\\]|[^'])*'|[^\s"'])+/y
const PART = /\\(['"\\ ])|"((?:\\['"\\]|[^"])*)"|'((?:\\['"\\]|[^'])*)'/g

/** null = a quote without an end: ssh refuses the line. A word that begins with # ends it. */
export function splitWords(text: string): string[] | null {
  const words: string[] = []
  for (let at = 0; ; ) {
    at += /^\s*/.exec(text.slice(at))?.[0].length ?? 0
    if (at >= text.length || text[at] === '#') return words
    WORD.lastIndex = at
    const word = WORD.exec(text)?.[0]
    if (word === undefined || !/^(\s|$)/.test(text.slice(at + word.length))) return null
    words.push(word.replaceAll(PART, (_, bare, double, single) => bare ?? (double ?? single).replaceAll(ESCAPED, '$1')))
    at += word.length
  }
}

/** They have one value; ssh refuses a second. */
const SINGLE = new Set([
  'proxyjump',
  ...['hostname', 'port', 'user', 'connecttimeout', 'addressfamily', 'bindaddress', 'bindinterface', 'identityfile'],
  ...['identitiesonly', 'identityagent', 'certificatefile', 'preferredauthentications', 'pubkeyauthentication'],
  ...['passwordauthentication', 'kbdinteractiveauthentication', 'hostkeyalias', 'stricthostkeychecking', 'ciphers'],
  ...['macs', 'kexalgorithms', 'hostkeyalgorithms', 'serveraliveinterval', 'hashknownhosts'],
  ...['pubkeyacceptedalgorithms', 'requiredrsasize'],
])

/** What ssh would have something to say about. */
export function isOdd(keyword: string, args: readonly string[]): boolean {
  if (SINGLE.has(keyword) && args.length !== 1) return true
  const number = /^\d+$/.test(args[0] ?? '') ? Number(args[0]) : Number.NaN
  if (keyword === 'port') return !(number >= 1 && number <= 65_535)
  return keyword === 'requiredrsasize' && Number.isNaN(number)
}
