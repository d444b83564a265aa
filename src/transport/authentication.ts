/** In which order we try to log in, and when we stop: every try counts against MaxAuthTries, and against an account. */
import { ConnectError } from '../errors.ts'
import type { Host } from '../inventory/host.ts'
import type { Keyring } from './keyring.ts'

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

/** A key file named for a host is the only key tried on it (as with IdentitiesOnly), from the file or from the agent. */
export async function credentialsFor<Key>(host: Host, sources: Sources<Key>): Promise<Credentials<Key>> {
  const password = host.password?.reveal() ?? null
  const file = host.privateKeyFile
  if (file === null) return { ...(await defaultKeys(sources)), password }
  const loaded = await sources.keyring(file)
  if ('key' in loaded) return { keys: [loaded.key], fromAgent: null, password, problems: [] }
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

async function defaultKeys<Key>({
  keyring,
  defaultKeyFiles,
  hasAgent,
}: Sources<Key>): Promise<Omit<Credentials<Key>, 'password'>> {
  const loaded = await Promise.all(defaultKeyFiles.map(keyring))
  const usable = loaded.flatMap(entry => ('key' in entry ? [entry] : []))
  return {
    keys: usable.map(({ key }) => key),
    fromAgent: hasAgent ? blob => !usable.some(({ publicBlob }) => publicBlob.equals(blob)) : null,
    problems: loaded.flatMap(entry => ('problem' in entry ? [entry] : [])),
  }
}

type Prompt = { readonly echo?: boolean }

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

/** Everything to try, best first. There is no 'none' probe: it costs a round trip and gives nothing. */
export function methodsOf<Key, Agent>(
  username: string,
  { keys, password }: Pick<Credentials<Key>, 'keys' | 'password'>,
  agent: Agent | null,
): Method<Key, Agent>[] {
  const methods: Method<Key, Agent>[] = keys.map(key => ({ type: 'publickey', username, key }))
  if (agent !== null) methods.push({ type: 'agent', username, agent })
  if (password !== null) {
    methods.push({ type: 'password', username, password })
    methods.push({ type: 'keyboard-interactive', username, prompt: answerOnce(password) })
  }
  return methods
}

/** The password goes to one hidden prompt, once. Any other question we have no answer to. */
function answerOnce(password: string): Extract<Method<unknown, unknown>, { type: 'keyboard-interactive' }>['prompt'] {
  let answered = false
  return (_name, _instructions, _lang, prompts, finish) => {
    const isPassword = prompts.length === 1 && prompts[0]?.echo !== true && !answered
    answered ||= isPassword
    finish(prompts.map(() => (isPassword ? password : '')))
  }
}

/** Gives the next method the server would take; false = nothing is left. `onTry` hears of each. */
export function inTurn<Key, Agent>(
  methods: readonly Method<Key, Agent>[],
  onTry: (type: Method<Key, Agent>['type']) => void,
): (accepted: readonly string[] | null) => Method<Key, Agent> | false {
  const queue = [...methods]
  let passwordTried = false
  return accepted => {
    for (let method = queue.shift(); method; method = queue.shift()) {
      const wire = method.type === 'agent' ? 'publickey' : method.type
      if (accepted && !accepted.includes(wire)) continue
      // The same wrong password by another way would count twice towards a lock.
      if (method.type === 'keyboard-interactive' && passwordTried && accepted?.includes('password')) continue
      passwordTried ||= method.type === 'password'
      onTry(method.type)
      return method
    }
    return false
  }
}
