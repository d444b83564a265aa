/** What ssh itself makes of its configuration: `ssh -G`, for the files this program does not work out by itself. */
import { execFile } from 'node:child_process'
import pLimit from 'p-limit'
import { ConfigError, codeOf, type Place } from '../errors.ts'
import { lastLine } from '../lang/text.ts'

export interface Question {
  readonly name: string
  /** Said by variables or flags; they may decide which Match applies. */
  readonly port: number | null
  readonly user: string | null
  readonly options: readonly (readonly [keyword: string, value: string])[]
  readonly configFile: string | null
}

/** It answers in milliseconds, and a program of Match exec in as long as it takes. */
const MAX_MS = 20_000
/** Processes at once: each keeps a core busy for some milliseconds. */
const limit = pLimit(4)

/** Lists; the others are one value, blanks and all. */
const LISTS = new Set(['userknownhostsfile', 'globalknownhostsfile'])

/** Rejects with ConfigError; `place` is the line that made ssh necessary. */
export function askSsh(question: Question, place: Place, maxMs = MAX_MS): Promise<Map<string, readonly string[]>> {
  const { name, port, user, options, configFile } = question
  const args = [
    '-G',
    ...(configFile === null ? [] : ['-F', configFile]),
    ...(port === null ? [] : ['-p', String(port)]),
    ...(user === null ? [] : ['-l', user]),
    ...options.flatMap(([keyword, value]) => ['-o', `${keyword}=${value}`]),
    '--',
    name,
  ]
  return limit(async () => {
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    execFile('ssh', args, { timeout: maxMs }, (error, stdout, stderr) => {
      if (!error) return resolve(stdout)
      const why = error.killed
        ? `no answer within ${maxMs / 1000}s`
        : codeOf(error) === 'ENOENT'
          ? 'there is no ssh here to ask'
          : whatIsBad(stderr)
      const hint = error.killed ? 'a Match exec may hang: ssh -G shows it' : undefined
      reject(new ConfigError(`ssh cannot say what its configuration means for ${name}: ${why}`, { place, hint }))
    })
    return parseAnswer(await promise)
  })
}

/** Its last word only says how many lines are bad. */
export function whatIsBad(stderr: string): string {
  return lastLine(stderr.replace(/^.*: terminating, \d+ bad configuration options\s*$/m, ''))
}

/** The lines `ssh -G` prints; what it prints only because it is ssh's default key file is left out. */
export function parseAnswer(text: string): Map<string, readonly string[]> {
  const settings = new Map<string, readonly string[]>()
  for (const line of text.split('\n')) {
    const [, keyword, value] = /^(\w+) (.*)$/.exec(line) ?? []
    if (keyword === undefined || value === undefined) continue
    const key = keyword.toLowerCase()
    settings.set(key, [...(settings.get(key) ?? []), ...(LISTS.has(key) ? value.split(' ') : [value])])
  }
  const keys = settings.get('identityfile') ?? []
  if (keys.every(file => /^~\/\.ssh\/id_(rsa|dsa|xmss|ed25519(_sk)?|ecdsa(_sk)?)$/.test(file))) {
    settings.delete('identityfile')
  }
  return settings
}
