/** The words of ssh_config that stand for something else: `%h`, `%r`, `${VARIABLE}`, `~`. */

import { homedir, hostname, userInfo } from 'node:os'
import { ConfigError } from '../errors.ts'
import { underHome } from '../inventory/home.ts'

/** What is known of a host: its name as given (n), address (h), port (p) and user (r). */
export type Tokens = Readonly<Record<'n' | 'h' | 'p' | 'r' | 'k', string>>

/** Throws ConfigError for one that means nothing here. */
export function expandTokens(text: string, tokens: Tokens): string {
  return text.replaceAll(/%(.?)/gs, (all, letter: string) => {
    switch (letter) {
      case '%':
        return '%'
      case 'd':
        return homedir()
      case 'u':
        return userInfo().username
      case 'i':
        return String(userInfo().uid)
      case 'l':
        return hostname()
      case 'L':
        return hostname().split('.')[0] ?? ''
      case 'n':
      case 'h':
      case 'p':
      case 'r':
      case 'k':
        return tokens[letter]
      default:
        throw new ConfigError(`${all} in ssh_config means nothing to ctfix: ${text}`, { hint: '--transport openssh' })
    }
  })
}

/** A file name: also `~` for the home directory, and `${VARIABLE}`, which must be set. */
export function expandPath(text: string, tokens: Tokens): string {
  const filled = text.replaceAll(/\$\{(\w+)\}/g, (_, name: string) => {
    const value = process.env[name]
    if (value === undefined) throw new ConfigError(`ssh_config names the variable ${name}, which is not set: ${text}`)
    return value
  })
  const path = expandTokens(filled, tokens)
  return path === '~' ? homedir() : underHome(path)
}
