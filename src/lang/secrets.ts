/** Secrets that people write into command lines: found by what stands around them, shown as `***`. */
import { literally } from './text.ts'

export const MASK = '***'

/** A word of a shell, or as much of one as stands inside quotes. */
const VALUE = String.raw`(?:'([^'\n]+)'|"((?:[^"\\\n]|\\.)+)"|([^\s'"&;|<>()]+))`
/** `API_TOKEN`, `db-password`; not the name of what holds one, as `password-file`. */
const NAME = String.raw`(?:[\w.-]*(?:passw(?:or)?d|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credentials?)|(?:[\w.-]*[._-])?pass)(?:[_-](?:id|value|key))?`
const QUOTED = String.raw`['"\\]{0,2}`

const PATTERNS: readonly RegExp[] = [
  // --password X, --token=X
  new RegExp(String.raw`(?<![\w-])--?${NAME}(?:=|\s+)(?!-)${VALUE}`, 'gi'),
  // TOKEN=X, ?token=X&, "token": "X", X-Api-Key: X
  new RegExp(String.raw`(?<![\w-])${NAME}(?:${QUOTED}\s*:\s*(?!\/\/)${QUOTED}|=)${VALUE}`, 'gi'),
  // Authorization: Bearer X
  new RegExp(String.raw`(?:authorization|cookie)\s*:\s*(?:[a-z]+\s+)?${VALUE}`, 'gi'),
  new RegExp(String.raw`\bbearer\s+${VALUE}`, 'gi'),
  // scheme://user:X@host, and https://X@host
  /[a-z][a-z0-9+.-]*:\/\/[^\s/?#'":]*:([^\s/?#'"]+)@/gi,
  /https?:\/\/([^\s/?#'"@:]+):?@/gi,
  // curl -u user:X, sshpass -p X, mysql -pX
  /(?<![\w-])(?:-u|--user|--proxy-user)(?:\s+|=)?['"]?[^\s'":]+:([^\s'"]+)/g,
  new RegExp(String.raw`\bsshpass\s+-p\s*${VALUE}`, 'g'),
  new RegExp(String.raw`\b(?:mysql|mariadb)[\w-]*\s(?:[^|;&\n]*\s)?-p${VALUE}`, 'g'),
]

/** What the shell puts there is not written there. */
const isReference = (value: string): boolean => /^(?:\$|`|\\\$|%)/.test(value)

/** What of a command line is likely to be somebody's secret. */
export function secretsIn(command: string): string[] {
  const found = PATTERNS.flatMap(pattern =>
    [...command.matchAll(pattern)].flatMap(([, ...groups]) => groups.filter(group => group !== undefined)),
  )
  return [...new Set(found.filter(value => value !== '' && value !== MASK && !isReference(value)))]
}

/** Shorter ones are parts of other words, too: there they are left. */
const SHORT = 4

/** The text with `***` for each of these secrets, also where one stands in the form that a URL has for it. */
export function withoutSecrets(text: string, secrets: Iterable<string>): string {
  const forms = [...secrets].flatMap(secret => [secret, encodeURIComponent(secret)])
  return [...new Set(forms)]
    .filter(form => form !== '')
    .toSorted((a, b) => b.length - a.length)
    .reduce((rest, form) => (form.length < SHORT ? replaceWord(rest, form) : rest.replaceAll(form, MASK)), text)
}

function replaceWord(text: string, word: string): string {
  return text.replace(new RegExp(`(?<!\\w)${literally(word)}(?!\\w)`, 'g'), MASK)
}
