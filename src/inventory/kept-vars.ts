/** What of `-e` the record of a run keeps, so that who goes on with it, or takes it back, reaches the same hosts. */
import { z } from 'zod'
import { secretsIn } from '../lang/secrets.ts'
import type { Variable } from './model.ts'
import { parseSshArgs } from './ssh-args.ts'
import { ANSIBLE, isRead, isSecret } from './variables.ts'
import { Vaulted } from './vault.ts'

/** Of `extra_vars` in run.json. */
export const keptSchema = z.object({
  kept: z.record(z.string(), z.unknown()),
  /** Names of what is secret, or may have something secret in it. */
  left: z.array(z.string()),
})

export type KeptVars = z.infer<typeof keptSchema>

/** Only variables that ctfix reads: of the others nobody knows what they are. */
export function keptVars(extra: ReadonlyMap<string, Variable>): KeptVars {
  const read = [...extra].filter(([name]) => isRead(name))
  const kept = read.filter(([name, { value }]) => !mayBeSecret(name, value))
  return {
    kept: Object.fromEntries(kept.map(([name, variable]) => [name, asSaid(name, variable)])),
    left: read.filter(([name, { value }]) => mayBeSecret(name, value)).map(([name]) => name),
  }
}

function mayBeSecret(name: string, value: unknown): boolean {
  if (isSecret(name) || value instanceof Vaulted) return true
  if (!SSH_ARGS.has(name) || typeof value !== 'string') return false
  // A ProxyCommand is a whole command line: what in it is a password nobody can tell.
  return secretsIn(value).length > 0 || parseSshArgs(value).options.some(([keyword]) => keyword === 'proxycommand')
}

/** A path starts where it was said, and somebody else may be elsewhere. */
function asSaid(name: string, variable: Variable): unknown {
  const isPath = ANSIBLE.privateKeyFile.names.includes(name)
  return isPath ? ANSIBLE.privateKeyFile(asked => (asked === name ? variable : undefined)) : variable.value
}

const SSH_ARGS: ReadonlySet<string> = new Set(ANSIBLE.sshArgs.flatMap(({ names }) => names))
