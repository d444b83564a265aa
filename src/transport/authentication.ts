/** In which order we try to log in, and when we stop: every try counts against MaxAuthTries, and against an account. */
import { ConnectError } from '../errors.ts'
import type { Host } from '../inventory/host.ts'
import { usableOf, whyUnusable } from './key-rules.ts'
import type { Keyring, Loaded } from './keyring.ts'
import type { Route } from './route.ts'
import { ALL_METHODS, type WireMethod } from './ways-in.ts'

/** What can be tried on one host, before any word is spoken to it. */
export interface Credentials<Key> {
  readonly keys: readonly Key[]
  /** Which of an agent's keys may be tried; null = no agent. */
  readonly fromAgent: ((publicBlob: Buffer) => boolean) | null
  readonly password: string | null
  /** What kept a key from being used: told when nothing else lets us in. */
  readonly problems: readonly { readonly problem: string; readonly hint: string }[]
}

interface Sources<Key> {
  readonly keyring: Keyring<Key>
  readonly defaultKeyFiles: readonly string[]
  readonly hasAgent: boolean
}

/**
 * A key file named for a host is the only key tried on it (as with IdentitiesOnly), from the file or from the agent; the
 * files of ssh_config are tried beside the agent, and ssh's own where nobody names any.
 */
export async function credentialsFor<Key>(
  route: Pick<Route, 'host' | 'identityFiles' | 'identitiesOnly' | 'methods' | 'problems' | 'untried' | 'keyRules'>,
  sources: Sources<Key>,
): Promise<Credentials<Key>> {
  const password = route.host.password?.reveal() ?? null
  const nothing = { keys: [], fromAgent: null, password, problems: [] }
  const keyring = usableOf(sources.keyring, route.keyRules)
  const { fromAgent, ...found } = route.methods.includes('publickey')
    ? await keysFor(route, { ...sources, keyring })
    : nothing
  const untried = route.untried.filter(({ method }) => method === 'publickey' || password !== null)
  return {
    ...found,
    fromAgent: fromAgent && (blob => fromAgent(blob) && whyUnusable(blob, route.keyRules) === null),
    problems: [...route.problems, ...found.problems, ...untried],
  }
}

async function keysFor<Key>(
  { host, identityFiles, identitiesOnly }: Pick<Route, 'host' | 'identityFiles' | 'identitiesOnly'>,
  sources: Sources<Key>,
): Promise<Credentials<Key>> {
  const password = host.password?.reveal() ?? null
  const file = host.privateKeyFile
  if (file === null) {
    const keys = await keysOf(sources, {
      files: identityFiles ?? sources.defaultKeyFiles,
      named: identityFiles !== null,
    })
    const { fromAgent } = identitiesOnly ? onlyNamed(keys, sources) : keys
    return { ...keys, fromAgent, password }
  }
  const loaded = await sources.keyring(file)
  if ('key' in loaded) return { keys: [loaded.key], fromAgent: null, password, problems: problemsOf([loaded]) }
  const refuse = (problem: string, hint: string): ConnectError =>
    new ConnectError(host.name, 'auth', `${host.name}: ${problem}`, { hint })
  if ('missing' in loaded) throw refuse(`there is no key file ${file}`, `ls -l ${file}`)
  const { publicBlob, problem, hint } = loaded
  if (sources.hasAgent && publicBlob) {
    return { keys: [], fromAgent: blob => blob.equals(publicBlob), password, problems: [{ problem, hint }] }
  }
  if (password === null) throw refuse(problem, hint)
  return { keys: [], fromAgent: null, password, problems: [{ problem, hint }] }
}

interface Keys<Key> extends Omit<Credentials<Key>, 'password'> {
  readonly publicBlobs: readonly Buffer[]
}

async function keysOf<Key>(
  { keyring, hasAgent }: Sources<Key>,
  { files, named }: { readonly files: readonly string[]; readonly named: boolean },
): Promise<Keys<Key>> {
  const loaded = await Promise.all(files.map(file => keyring(file, { mayAsk: named || !hasAgent })))
  const usable = loaded.flatMap(entry => ('key' in entry ? [entry] : []))
  const gone = named ? files.filter((_, i) => 'missing' in (loaded[i] ?? {})) : []
  const missing = gone.map(file => ({ problem: `there is no key file ${file}`, hint: `ls -l ${file}` }))
  return {
    keys: usable.map(({ key }) => key),
    fromAgent: hasAgent ? blob => !usable.some(({ publicBlob }) => publicBlob.equals(blob)) : null,
    problems: [...problemsOf(loaded), ...missing],
    publicBlobs: loaded.flatMap(entry => ('publicBlob' in entry && entry.publicBlob ? [entry.publicBlob] : [])),
  }
}

/** IdentitiesOnly: of an agent's many keys those that a file names, or the server ends it after six. */
function onlyNamed<Key>(
  { publicBlobs, fromAgent }: Keys<Key>,
  { hasAgent }: Sources<Key>,
): Pick<Keys<Key>, 'fromAgent'> {
  return {
    fromAgent: hasAgent ? blob => fromAgent?.(blob) === true && publicBlobs.some(own => own.equals(blob)) : null,
  }
}

/** What was not usable as it stands, the certificates first: a server that wants one takes no plain key. */
function problemsOf<Key>(loaded: readonly Loaded<Key>[]): Credentials<Key>['problems'] {
  const certificates = loaded.flatMap(entry => ('certificate' in entry && entry.certificate ? [entry.certificate] : []))
  return [
    ...certificates.map(file => ({
      problem: `the certificate ${file} was not shown: ctfix cannot`,
      hint: 'user certificates need the system’s ssh: --transport openssh',
    })),
    ...loaded.flatMap(entry => ('problem' in entry ? [entry] : [])),
  ]
}

/** A key we could not use explains a denied login better than the denial does. */
export function withProblem(host: Host, error: unknown, { problems }: Pick<Credentials<unknown>, 'problems'>): unknown {
  const [first] = problems
  if (!(error instanceof ConnectError) || error.reason !== 'auth' || !first) return error
  const { problem, hint } = first
  return new ConnectError(host.name, 'auth', `${error.message}; ${problem}`, { hint, cause: error })
}

type Prompt = { readonly prompt?: string; readonly echo?: boolean }

/** Questions that a password is no answer to: for a code, or for a new password. */
export const OTHER_QUESTION = /code|otp|token|passcode|verif|\bpin\b|new .*password|retype/i

export type Method<Key, Agent> =
  | { type: 'publickey'; username: string; key: Key }
  | { type: 'agent'; username: string; agent: Agent }
  | { type: 'password'; username: string; password: string }
  | {
      type: 'keyboard-interactive'
      username: string
      prompt: (
        name: string,
        instructions: string,
        lang: string,
        prompts: Prompt[],
        finish: (answers: string[]) => void,
      ) => void
    }

/** Hears of a question that a password is no answer to; `answered`: after one that it was the answer to. */
type OnOther = (question: string, answered: boolean) => void

/** Everything to try, best first. There is no 'none' probe: it costs a round trip and gives nothing. */
export function methodsOf<Key, Agent>(
  username: string,
  { keys, password }: Pick<Credentials<Key>, 'keys' | 'password'>,
  agent: Agent | null,
  {
    order = ALL_METHODS,
    onOther = () => {},
  }: { readonly order?: readonly WireMethod[]; readonly onOther?: OnOther } = {},
): Method<Key, Agent>[] {
  const methods: Method<Key, Agent>[] = keys.map(key => ({ type: 'publickey', username, key }))
  if (agent !== null) methods.push({ type: 'agent', username, agent })
  if (password !== null) {
    methods.push({ type: 'password', username, password })
    methods.push({ type: 'keyboard-interactive', username, prompt: answerOnce(password, onOther) })
  }
  return order.flatMap(name => methods.filter(method => wireName(method) === name))
}

/** The password goes to one hidden prompt, once. Any other question we have no answer to. */
function answerOnce(
  password: string,
  onOther: OnOther,
): Extract<Method<unknown, unknown>, { type: 'keyboard-interactive' }>['prompt'] {
  let answered = false
  return (_name, _instructions, _lang, prompts, finish) => {
    const other = prompts.find(({ prompt = '' }) => OTHER_QUESTION.test(prompt))
    if (other) return onOther(other.prompt ?? '', answered)
    const isPassword = prompts.length === 1 && prompts[0]?.echo !== true && !answered
    answered ||= isPassword
    finish(prompts.map(() => (isPassword ? password : '')))
  }
}

/**
 * Gives the next method the server would take; false = nothing is left. `onTry` hears of each. `passed`: what was tried
 * last was right, and the server wants something more.
 */
export function inTurn<Key, Agent>(
  methods: readonly Method<Key, Agent>[],
  onTry: (type: Method<Key, Agent>['type']) => void,
): (accepted: readonly string[] | null, passed?: boolean) => Method<Key, Agent> | false {
  const queue = [...methods]
  const tried: Method<Key, Agent>[] = []
  let passwordBy: WireMethod | null = null
  let factors = 0
  return (accepted, passed = false) => {
    const last = tried.at(-1)
    if (passed) {
      factors += 1
      // Keys refused while the server wanted a password first.
      queue.unshift(...tried.splice(0).filter(method => method !== last && wireName(method) === 'publickey'))
    }
    const at = queue.findIndex(method => {
      if (accepted && !accepted.includes(wireName(method))) return false
      const name = wireName(method)
      if (name === 'publickey' || passwordBy === null || name === passwordBy) return true
      // The same wrong password by another way would count twice towards a lock; the right one answers no second question.
      return !accepted?.includes(passwordBy) && factors === 0
    })
    const [method] = at === -1 ? [] : queue.splice(at, 1)
    if (!method) return false
    tried.push(method)
    if (wireName(method) !== 'publickey') passwordBy ??= wireName(method)
    onTry(method.type)
    return method
  }
}

function wireName({ type }: Method<unknown, unknown>): WireMethod {
  return type === 'agent' ? 'publickey' : type
}
