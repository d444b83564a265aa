/** What the scripts of all shells are made of. */
import type { Entry } from '../grammar.ts'
import { STRATEGIES } from '../strategies-help.ts'

/** In single quotes: nothing in it means anything to bash or zsh. */
export const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

/** The first sentence of a description, short enough for a line of a menu. */
export function brief(description: string): string {
  const [first = ''] = description.split(/; |: | \(/)
  return first
}

/** The names of every command below this one that a person may type next. */
export const namesBelow = ({ entries }: Entry): string[] => entries.map(({ path }) => path.at(-1) ?? '')

/** Every name of every flag. */
export const flagNames = ({ flags }: Entry): string[] => flags.flatMap(({ names }) => names)

/** The options of each strategy: what may follow --set. */
export const SETTINGS: readonly (readonly [strategy: string, options: readonly string[]])[] = STRATEGIES.flatMap(
  ({ name, options }) => (options.length > 0 ? [[name, options] as const] : []),
)

export const STRATEGY_NAMES: readonly string[] = STRATEGIES.map(({ name }) => name)
