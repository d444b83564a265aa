/** `--set key=value`: what a word on the command line comes to. */
import * as YAML from 'yaml'
import { UsageError } from '../errors.ts'

interface Setting {
  /** null: for every strategy that has such an option. */
  readonly strategy: string | null
  readonly key: string
  readonly value: unknown
}

/** Splits `--set strategy.key=1` into its parts; numbers, booleans and lists (`[80, 443]`) become such. */
export function parseSet(text: string): Setting {
  const [, strategy, key, value] = /^(?:([^.=]+)\.)?([^.=]+)=(.*)$/s.exec(text) ?? []
  if (key === undefined || value === undefined) {
    throw new UsageError(`--set ${text}: expected key=value or strategy.key=value`)
  }
  const second = /^[^\s,]*,\s*([a-z_]+=.*)$/s.exec(value)?.[1]
  if (second !== undefined) {
    throw new UsageError(`--set ${text}: expected one --set for each option, as in --set ${second}`)
  }
  return { strategy: strategy ?? null, key, value: scalar(value) }
}

function scalar(text: string): unknown {
  if (/^-?\d+(\.\d+)?$/.test(text)) return Number(text)
  if (text === 'true' || text === 'false') return text === 'true'
  return /^\[.*\]$/s.test(text) ? (listIn(text) ?? text) : text
}

/** As JSON or YAML has it; null where it is no list of words, and so a text that begins like one. */
function listIn(text: string): unknown[] | null {
  const document = YAML.parseDocument(text)
  const list: unknown = document.errors.length > 0 ? null : document.toJS()
  return Array.isArray(list) && list.every(item => item !== null && typeof item !== 'object') ? list : null
}
