/** Until sudo, doas or su lets us in: which of its words is a prompt, and when to stop answering. */

import { OTHER_QUESTION } from './authentication.ts'
import { NO_LOGIN, promptOf, startOf, type Way } from './become-words.ts'
import type { Dialogue } from './connection.ts'
import type { PasswordGate, Turn, Verdict } from './password-gate.ts'

/** How the talk ended; `over`: the tool ended without a word that we wait for; `other`: a password is no answer to it. */
export type Admission = 'in' | 'over' | 'lost' | 'asks' | 'other' | 'wrong' | 'silent' | 'endless'

/** su and doas have no prompt of our choice: text without an end of line that stands for so long is one. */
const PROMPT_MS = 500
/** The word itself need not be waited for. */
const PLAIN_PROMPT = /password[^\n]*: ?$/i
/** Longest silence: directories that answer slowly, delays after a wrong password. */
const SILENCE_MS = 30_000
/** Far above any lecture and message of the day. It is all read again with each word that comes. */
const MOST_SAID = 128 * 1024

interface Talk {
  readonly way: Way
  readonly host: string
  readonly gate: PasswordGate
  readonly signal?: AbortSignal | undefined
}

/** Gives the password when it is asked for, once. Rejects with NotTriedError when another host refused it. */
export async function askToBeLetIn(dialogue: Dialogue, { way, host, gate, signal }: Talk): Promise<Admission> {
  const password = way.become.password?.reveal() ?? null
  let turn: Turn | undefined
  let verdict: Verdict = 'not known'
  let silentMs = 0
  let dealtWith = 0
  try {
    for (;;) {
      const said = hear(dialogue, way)
      if (said.includes(`\n${way.marker}\n`)) {
        verdict = 'right'
        return 'in'
      }
      if (said.length > MOST_SAID) return 'endless'
      if (isOther(said, dealtWith, way, silentMs > 0)) return 'other'
      if (isPrompt(said, dealtWith, way, silentMs > 0)) {
        if (turn) {
          verdict = 'wrong'
          return 'wrong'
        }
        if (password === null) return 'asks'
        turn = await gate.enter(password, host, signal)
        if (dialogue.over) return dialogue.over === 'lost' ? 'lost' : 'over'
        dealtWith = hear(dialogue, way).length
        dialogue.say(`${password}\n`)
        verdict = 'unanswered'
      }
      const event = await dialogue.next(PROMPT_MS)
      if (event === 'ended' && !hear(dialogue, way).includes(`\n${way.marker}\n`)) {
        if (dialogue.over === 'lost') return 'lost'
        if (!turn) return 'over'
        if (isAboutRights(hear(dialogue, way).slice(dealtWith))) {
          verdict = 'not known'
          return 'over'
        }
        verdict = 'wrong'
        return 'wrong'
      }
      silentMs = event === 'quiet' ? silentMs + PROMPT_MS : 0
      if (silentMs >= SILENCE_MS) return 'silent'
    }
  } finally {
    turn?.settle(verdict)
  }
}

function hear(dialogue: Dialogue, { terminal }: Way): string {
  const { stdout, stderr } = dialogue.heard()
  return `\n${terminal ? stdout : stderr}`
}

function isPrompt(said: string, from: number, way: Way, isQuiet: boolean): boolean {
  if (way.become.method === 'sudo') return said.slice(from).includes(promptOf(way.marker))
  const last = lastWords(said, from, way)
  return PLAIN_PROMPT.test(last) || (isQuiet && last.trim() !== '')
}

/** Asked by a module of PAM; it stands, or it ends like a prompt. sudo puts it in place of our own prompt. */
function isOther(said: string, from: number, way: Way, isQuiet: boolean): boolean {
  const last = lastWords(said, from, way)
  return OTHER_QUESTION.test(last) && (isQuiet || / *: ?$/.test(last)) && !last.includes(promptOf(way.marker))
}

/** What stands on a line without an end, since our last answer, and since the tool began to speak. */
function lastWords(said: string, from: number, { become, marker }: Way): string {
  const start = become.method === 'sudo' ? 0 : said.indexOf(`\n${startOf(marker)}\n`)
  if (start === -1) return ''
  const begin = become.method === 'sudo' ? 0 : start + startOf(marker).length + 2
  return said.slice(Math.max(from, begin)).split('\n').at(-1) ?? ''
}

/**
 * Said by sudo under LC_ALL=C once the password was right, and by the shell of an account that su let us be. Whatever else
 * is said counts as a wrong one.
 */
function isAboutRights(said: string): boolean {
  return / is not in the sudoers file| is not allowed to /.test(said) || NO_LOGIN.test(said)
}
