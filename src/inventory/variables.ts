/** The variables ctfix understands: their names, and what each may be. */
import { z } from 'zod'
import { ConfigError } from '../errors.ts'
import { describe } from '../lang/decode.ts'
import { nearest } from '../lang/text.ts'
import type { Flows } from './host.ts'
import { known, path, secret, typed } from './known-variable.ts'
import type { Variable } from './model.ts'
import { parseSshArgs, SshArgsFault } from './ssh-args.ts'

// Every step carries the sentence: zod reports a step alone when only one member of a union fits so far.
const between = (low: number, high: number, what: string) => {
  const error = `expected ${what} from ${low} to ${high}`
  const number = z.int(error).min(low, error).max(high, error)
  return z.union(
    [
      number,
      z
        .string(error)
        .regex(/^\d{1,9}$/, error)
        .transform(Number)
        .pipe(number),
    ],
    error,
  )
}
/** Text that ends up in a command line: what starts with `-` would be read as an option there. */
const word = (pattern: RegExp, what: string) => {
  const error = `expected ${what}`
  return z.union([z.string(error).regex(pattern, error), z.int(error).min(0, error).transform(String)], error)
}

const port = between(1, 65_535, 'a port')
const user = word(/^[^\s\p{Cc}'"`$;|&<>/-][^\s\p{Cc}'"`$;|&<>/]*$/u, 'the name of a user')
const program = word(/^[^\s\p{Cc}-][^\p{Cc}]*$/u, 'the path of a program')
const seconds = between(1, 86_400, 'seconds').transform(value => value * 1000)
const WORDS = { truthy: ['yes', 'true', 'on', 't', 'y', '1'], falsy: ['no', 'false', 'off', 'f', 'n', '0'] }
const yesOrNo = z.union(
  [z.boolean(), z.int().min(0).max(1).transform(Boolean), z.stringbool(WORDS)],
  'expected true or false',
)

const method = z
  .string()
  .transform(name => name.replace(/^(?:ansible\.builtin|community\.general)\./, ''))
  .pipe(z.enum(['sudo', 'doas', 'su']))

/** `ssh` leaves it to `--transport` who speaks it. */
const CONNECTIONS: ReadonlyMap<string, 'ssh' | 'ssh2' | 'openssh' | 'local'> = new Map([
  ...['ssh', 'paramiko', 'paramiko_ssh', 'smart'].map(name => [name, 'ssh'] as const),
  ['ssh2', 'ssh2'],
  ['openssh', 'openssh'],
  ['local', 'local'],
])
const connection = known(['ansible_connection'], (value, name, { place }) => {
  const kind =
    typeof value === 'string' ? CONNECTIONS.get(value.replace(/^ansible\.(?:builtin|netcommon)\./, '')) : undefined
  if (kind) return kind
  const expected = `expected ssh, ssh2, openssh or local for ${name}`
  throw new ConfigError(`${expected}, got ${describe(value)}`, { place, expected })
})

/** One strategy, several with commas, or a list. */
export const strategyNames = z
  .union(
    [z.string().transform(list => list.split(',')), z.array(z.string('expected a strategy'))],
    'expected a strategy or a list of strategies',
  )
  .transform(list => list.map(name => name.trim()))
  .refine(list => list.length > 0 && list.every(name => name !== ''), 'expected a strategy or a list of strategies')

/** `443`, or a range `60000:60100` in quotes. */
const FLOW = 'expected a port, or a range such as "60000:60100"'
const flow = z.union([z.int(FLOW), z.string(FLOW)], FLOW).refine(isFlow, FLOW)
const flows: z.ZodType<Flows> = z.strictObject({ tcp: z.array(flow).default([]), udp: z.array(flow).default([]) })

const reason = z.union(
  [z.string().trim().min(1), z.literal(false).transform(() => '')],
  'expected the reason, in words',
)

/** ssh's own arguments; what they set gives way to a variable of its own. */
const sshArgs = (name: string) =>
  known([name], (value, _, { place }) => {
    const expected = `expected text for ${name}`
    if (typeof value !== 'string') throw new ConfigError(`${expected}, got ${describe(value)}`, { place, expected })
    try {
      const { port: at, user: as, connectTimeout, hostKeyPolicy, options, configFile } = parseSshArgs(value)
      const lookup = (raw: string | undefined) => () => (raw === undefined ? undefined : { value: raw, place })
      const judge = <T>(keyword: string, schema: z.ZodType<T>, raw: string | undefined): T | undefined =>
        unsaid(() => typed([`${keyword} in ${name}`], schema)(lookup(raw)))
      return {
        port: judge('Port', port, at),
        user: judge('User', user, as),
        connectTimeoutMs: judge('ConnectTimeout', seconds, connectTimeout),
        hostKeyPolicy,
        options,
        configFile,
      }
    } catch (error) {
      if (!(error instanceof SshArgsFault)) throw error
      const message = error.message.replace(', got', ` in ${name}, got`)
      throw new ConfigError(message, { place, cause: error, expected: message.replace(/, got .*$/s, '') })
    }
  })

/** Without quotes the rest of a ProxyCommand stands there as arguments, `-p hunter2` among them: what was met is not said. */
function unsaid<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof ConfigError) || error.expected === undefined || !error.place) throw error
    const { place, expected } = error
    throw new ConfigError(`${expected}, got something else; quote values with spaces`, { place, expected })
  }
}

/** Ansible's. Every other `ansible_*` is accepted and ignored, as most mean nothing to a runner without Python. */
export const ANSIBLE = {
  host: typed(
    ['ansible_ssh_host', 'ansible_host'],
    z
      .string('expected a name or an address')
      .regex(/^[^\s\p{Cc}@/'"`$;|&<>-][^\s\p{Cc}@/'"`$;|&<>]*$/u, 'expected a name or an address'),
  ),
  port: typed(['ansible_ssh_port', 'ansible_port'], port),
  user: typed(['ansible_ssh_user', 'ansible_user'], user),
  password: secret('ansible_ssh_password', 'ansible_ssh_pass', 'ansible_password'),
  privateKeyFile: path('ansible_ssh_private_key_file', 'ansible_private_key_file'),
  connection,
  timeout: typed(['ansible_ssh_timeout', 'ansible_timeout'], seconds),
  sshArgs: ['ansible_ssh_args', 'ansible_ssh_common_args', 'ansible_ssh_extra_args'].map(sshArgs),
  become: typed(['ansible_become'], yesOrNo),
  sudo: typed(['ansible_sudo'], yesOrNo),
  su: typed(['ansible_su'], yesOrNo),
  becomeMethod: typed(['ansible_become_method'], method),
  /** The method's own spelling wins over the general one, as in Ansible. */
  becomeWith: {
    sudo: becomeWith('sudo'),
    doas: becomeWith('doas'),
    su: becomeWith('su'),
  },
} as const

function becomeWith(name: 'sudo' | 'doas' | 'su') {
  return {
    user: typed([`ansible_${name}_user`, 'ansible_become_user'], user),
    exe: typed([`ansible_${name}_exe`, 'ansible_become_exe'], program),
    password: secret(`ansible_${name}_pass`, 'ansible_become_pass', 'ansible_become_password'),
  }
}

function isFlow(value: number | string): boolean {
  const ports = String(value).split(':').map(Number)
  const [first = 0, last = first] = ports
  return /^\d{1,5}(:\d{1,5})?$/.test(String(value)) && first >= 1 && first <= last && last <= 65_535
}

/** Ours. */
export const CTFIX = {
  ctfix_strategy: typed(['ctfix_strategy'], strategyNames),
  ctfix_options: typed(['ctfix_options'], z.record(z.string(), z.unknown())),
  ctfix_exclude: typed(['ctfix_exclude'], reason, { readsNull: true }),
  ctfix_legacy_ssh: typed(['ctfix_legacy_ssh'], yesOrNo),
  ctfix_flows: typed(['ctfix_flows'], flows),
} as const

/** A misspelt variable of ours would silently not count; nobody else may use the prefix. */
export function refuseUnknown(vars: ReadonlyMap<string, Variable>): void {
  for (const [name, { place }] of vars) {
    if (!name.startsWith('ctfix_') || name in CTFIX) continue
    const near = nearest(name, Object.keys(CTFIX))
    const rest = near === undefined ? '' : `; did you mean "${near}"?`
    throw new ConfigError(`expected one of ${Object.keys(CTFIX).join(', ')}, got ${describe(name)}${rest}`, { place })
  }
}

const read = [ANSIBLE, CTFIX].flatMap(namesIn)
const secrets = [ANSIBLE.password, ...Object.values(ANSIBLE.becomeWith).map(({ password }) => password)].flatMap(
  namesIn,
)
const READ: ReadonlySet<string> = new Set(read)
const SECRETS: ReadonlySet<string> = new Set(secrets)

/** True for a variable that ctfix understands. */
export function isRead(name: string): boolean {
  return READ.has(name)
}

/** True for one whose value is a password. */
export function isSecret(name: string): boolean {
  return SECRETS.has(name)
}

/** Names of all variables in a table of them. */
function namesIn(table: unknown): readonly string[] {
  if (typeof table === 'function' && 'names' in table && Array.isArray(table.names)) return table.names
  return typeof table === 'object' && table !== null ? Object.values(table).flatMap(namesIn) : []
}
