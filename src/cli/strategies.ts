/** `ctfix strategies [NAME]`: what each strategy does, and its options with their defaults; read off their schemas. */
import { z } from 'zod'
import { strategies } from '../strategy/index.ts'
import { row } from './help.ts'
import { STRATEGIES } from './strategies-help.ts'

interface StrategyPage {
  readonly name: string
  readonly summary: string
  readonly options: readonly StrategyOption[]
}

interface StrategyOption {
  readonly name: string
  /** What it means, and what holds where nothing is said. */
  readonly meaning: string
}

/** Prints one, or all. */
export function showStrategies(name: string | undefined): void {
  const pages = strategyPages().filter(page => name === undefined || page.name === name)
  process.stdout.write(pages.map(text).join('\n'))
}

/** Every strategy that may be named, with its options. */
export function strategyPages(): StrategyPage[] {
  return STRATEGIES.map(({ name, summary }) => ({ name, summary, options: optionsOf(name) }))
}

/** As the schema has them. */
function optionsOf(strategy: string): StrategyOption[] {
  const schema = strategies.find(({ name }) => name === strategy)?.options
  const shape = schema instanceof z.ZodObject ? schema.shape : {}
  return Object.entries(shape).map(([name, option]) => ({
    name,
    meaning: option instanceof z.ZodType ? meaning(option) : '',
  }))
}

function meaning(schema: z.ZodType): string {
  const without = schema.safeParse(undefined)
  const value = without.success ? JSON.stringify(without.data) : undefined
  const usual = value === undefined || value === 'null' || value === '[]' ? '' : `default: ${value.replaceAll('"', '')}`
  return [schema.description ?? '', usual && `(${usual})`].filter(part => part !== '').join(' ')
}

function text({ name, summary, options }: StrategyPage): string {
  const rows = options.map(option => row(`  ${option.name}`, option.meaning, 24))
  const heading = options.length > 0 ? ['    options, each by --set NAME=VALUE:'] : []
  return `${[row(name, summary, 13), ...heading, ...rows].join('\n')}\n`
}
