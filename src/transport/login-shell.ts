/** A login shell that runs nothing: nologin, false, and the like. */
import { CommandError } from '../errors.ts'
import type { Host } from '../inventory/host.ts'
import { lastLine } from '../lang/text.ts'
import type { ExecResult } from './connection.ts'

/** The error for a command that the login shell did not begin. They say why on stdout, or nothing at all. */
export function runsNothing({ name, user }: Pick<Host, 'name' | 'user'>, result: ExecResult): CommandError {
  const said = lastWords(result.stdout) || lastWords(result.stderr)
  const why = `the login shell ended with exit code ${result.exitCode}${said === '' ? '' : `: ${said}`}`
  const hint = `ctfix needs a login shell that runs commands; on the host: getent passwd ${user}`
  return new CommandError(name, `${name}: nothing could be run: ${why}`, result, { hint, begun: false })
}

/** Programs put their name before what they say; some shells show beside it what they did not understand. */
function lastWords(text: string): string {
  const named = text.split('\n').filter(line => /^[\w./-]+: \S/.test(line))
  return lastLine(named.at(-1) ?? text)
}
