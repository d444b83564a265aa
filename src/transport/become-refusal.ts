/** Why sudo, doas or su did not let us in, in words and with what to do. */
import { CommandError } from '../errors.ts'
import type { Become, Host } from '../inventory/host.ts'
import { lastLine } from '../lang/text.ts'
import type { Admission } from './become-talk.ts'
import { NO_LOGIN, promptOf, startOf, type Way } from './become-words.ts'
import type { ExecResult } from './connection.ts'
import { runsNothing } from './login-shell.ts'

/** The tool said that it works on a terminal only. */
export class WantsTerminal extends CommandError {}

/** The error for a tool that did not let us in; the command behind it was not begun. */
export function refused(host: Host, way: Way, why: Admission, raw: ExecResult): CommandError {
  const { name, user } = host
  const { become, marker, terminal } = way
  const tool = become.exe ?? become.method
  const result = { ...raw, stdout: '', stderr: words(terminal ? raw.stdout : raw.stderr, marker, become) }
  // Prompts, and what a login shell prints, need not end with a line.
  const last = lastLine(result.stderr.replaceAll(AFTERMATH, '')).replace(/^.*?(?=(?:env|sudo|doas|su): )/, '')
  const said = last === '' ? '' : `: ${last}`
  const fail = (text: string, hint: string, Kind = CommandError): CommandError =>
    new Kind(name, `${name}: ${text}`, result, { hint, begun: false })
  const isAboutUser = NO_USER.test(last) || NO_LOGIN.test(last)
  const permission = isAboutUser ? `on the host: getent passwd ${become.user}` : PERMISSION[become.method](user, become)
  if (why === 'wrong') {
    return fail(`${tool} refused the password${said}`, 'it was tried once, and is tried on no other host of this run')
  }
  if (why === 'other') {
    return fail(`${tool} asks for more than a password${said}`, `log in as root, or spare ${user} that question there`)
  }
  if (why === 'silent')
    return fail(`${tool} has said nothing for 30s${said}`, `ssh in as ${user} and try ${tool} there`)
  if (why === 'endless') {
    return fail(
      `more was printed than ${tool} ever says, and it let nobody in${said}`,
      `ssh in as ${user} and try ${tool} there`,
    )
  }
  // 126 and 127 are the login shell's: it could not start the tool.
  if (result.exitCode === 126 || result.exitCode === 127) {
    return fail(`${tool} cannot be run${said}`, `log in as root, or install ${become.method} there`)
  }
  if (why === 'over' && !hasBegun(way, raw)) return runsNothing(host, raw)
  if (/\b(tty|terminal)\b/.test(result.stderr) && !terminal) {
    return fail(`${tool} works on a terminal only${said}`, 'on the host: Defaults !requiretty', WantsTerminal)
  }
  const without = become.password === null && !isAboutUser ? ' without a password' : ''
  return fail(`${tool} does not let ${user} become ${become.user}${without}${said}`, permission)
}

/** Why it did stands in the line before. */
const AFTERMATH = /^sudo: error initializing audit plugin .*$/gm
/** No password helps there. */
const NO_USER = /unknown user|user \S+ does not exist/i

/** sshd says it, before it starts the shell. */
const NO_HOME = /^Could not chdir to home directory .*$/m

/** Was the tool called at all? Where our own words go before it they must be there; else its no is never silent. */
function hasBegun({ become, marker, terminal }: Way, { stdout, stderr }: ExecResult): boolean {
  if (terminal) return stdout.includes(startOf(marker))
  return become.method === 'su' ? stderr.includes(startOf(marker)) : stderr.replace(NO_HOME, '').trim() !== ''
}

const PERMISSION: Readonly<Record<Become['method'], (user: string, become: Become) => string>> = {
  sudo: (user, { user: target, password }) => {
    const line = (rights: string): string => `on the host, with visudo: ${user} ALL=(${target}) ${rights}`
    return password === null ? `-K asks for the password; or ${line('NOPASSWD: ALL')}` : line('ALL')
  },
  doas: (user, { user: target, password }) => {
    const line = (permit: string): string => `in doas.conf on the host: ${permit} ${user} as ${target}`
    return password === null ? `-K asks for the password; or ${line('permit nopass')}` : line('permit')
  },
  su: (_, { user: target, password }) =>
    password === null
      ? `-K asks for the password of ${target}`
      : 'pam_wheel may want a group: /etc/pam.d/su on the host',
}

/** What the tool said, without the words of ours around it; and should a host echo the password, without that. */
function words(text: string, marker: string, { password }: Become): string {
  const [, heard = text] = text.split(`${startOf(marker)}\n`)
  const secret = password?.reveal() ?? ''
  const shown = secret === '' ? heard : heard.replaceAll(secret, '***')
  return shown
    .replaceAll(promptOf(marker), '\n')
    .split('\n')
    .filter(line => !line.includes(marker))
    .join('\n')
}
