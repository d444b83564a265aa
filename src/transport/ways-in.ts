/** How one logs in, as far as ssh_config says: with which keys, by which methods, and what of it only ssh can do. */
import { firstOf, isNo, isYes, type Settings } from './ssh-config.ts'
import { expandPath, type Tokens } from './ssh-tokens.ts'

/** Ways to log in that this program can go, by their names on the wire. */
export type WireMethod = 'publickey' | 'password' | 'keyboard-interactive'

export interface WaysIn {
  /** null = ssh's own. */
  readonly identityFiles: readonly string[] | null
  /** An agent's keys count only where one of the files names them. */
  readonly identitiesOnly: boolean
  readonly agentSocket: string | undefined
  /** Those that may be tried, in this order. */
  readonly methods: readonly WireMethod[]
  /** What ssh would show beside: told where we are not let in. */
  readonly problems: readonly Problem[]
  /** And why the other methods are not tried. */
  readonly untried: readonly (Problem & { readonly method: WireMethod })[]
}

interface Problem {
  readonly problem: string
  readonly hint: string
}

/** Everything, the cheapest first. */
export const ALL_METHODS: readonly WireMethod[] = ['publickey', 'password', 'keyboard-interactive']

const SWITCHES: readonly (readonly [WireMethod, keyword: string, name: string])[] = [
  ['publickey', 'pubkeyauthentication', 'PubkeyAuthentication'],
  ['password', 'passwordauthentication', 'PasswordAuthentication'],
  ['keyboard-interactive', 'kbdinteractiveauthentication', 'KbdInteractiveAuthentication'],
]

/** Of a host without a word about it. */
export function anyWayIn(agentSocket: string | undefined): WaysIn {
  return { identityFiles: null, identitiesOnly: false, agentSocket, methods: ALL_METHODS, problems: [], untried: [] }
}

export function waysIn(settings: Settings, tokens: Tokens, agent: string | undefined): WaysIn {
  const files = settings.get('identityfile') ?? null
  const off = switchedOff(settings)
  return {
    identityFiles: files?.filter(file => file.toLowerCase() !== 'none').map(file => expandPath(file, tokens)) ?? null,
    identitiesOnly: isYes(settings, 'identitiesonly'),
    agentSocket: agentOf(settings, tokens, agent),
    methods: preferred(settings).filter(method => !off.has(method)),
    problems: notShown(settings, tokens),
    untried: [...off].map(([method, by]) => untried(method, by)),
  }
}

function agentOf(settings: Settings, tokens: Tokens, agent: string | undefined): string | undefined {
  const named = settings.get('identityagent')?.[0]
  if (named === undefined || named === 'SSH_AUTH_SOCK') return agent
  if (named.toLowerCase() === 'none') return undefined
  const variable = /^\$(\w+)$/.exec(named)?.[1]
  return variable === undefined ? expandPath(named, tokens) : process.env[variable]
}

/** Method → what keeps it from being tried. */
function switchedOff(settings: Settings): ReadonlyMap<WireMethod, string> {
  const off = new Map<WireMethod, string>()
  const listed = preferred(settings)
  const noPrompts = settings.get('numberofpasswordprompts')?.[0] === '0'
  for (const [method, keyword, name] of SWITCHES) {
    if (!listed.includes(method))
      off.set(method, `PreferredAuthentications ${firstOf(settings, 'preferredauthentications')}`)
    else if (isNo(settings, keyword)) off.set(method, `${name} no`)
    else if (noPrompts && method !== 'publickey') off.set(method, 'NumberOfPasswordPrompts 0')
  }
  return off
}

function preferred(settings: Settings): readonly WireMethod[] {
  const list = firstOf(settings, 'preferredauthentications')?.split(',')
  return list?.flatMap(name => ALL_METHODS.filter(method => method === name)) ?? ALL_METHODS
}

function untried(method: WireMethod, by: string): WaysIn['untried'][number] {
  return {
    method,
    problem: `${method} is not tried: ssh_config or an option says ${by}`,
    hint: 'ssh -G HOST shows what holds there',
  }
}

function notShown(settings: Settings, tokens: Tokens): readonly Problem[] {
  const hint = 'user certificates and smartcards need the system’s ssh: --transport openssh'
  const certificates = settings.get('certificatefile') ?? []
  const token = firstOf(settings, 'pkcs11provider')
  return [
    ...certificates
      .filter(file => file.toLowerCase() !== 'none')
      .map(file => ({ problem: `the certificate ${expandPath(file, tokens)} was not shown: ctfix cannot`, hint })),
    ...(token === null ? [] : [{ problem: `the keys of ${token} were not tried: ctfix cannot`, hint }]),
  ]
}
