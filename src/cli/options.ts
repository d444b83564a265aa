/** Flags that commands share, and what they come to. Ansible's letters where Ansible has them. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { parseDuration } from '../lang/duration.ts'
import { nearest } from '../lang/text.ts'
import { OUTPUTS, type Output } from '../view/view.ts'

/** As commander hands them over: every command has these. */
export interface SharedOptions {
  readonly inventory: readonly string[]
  readonly limit?: string
  readonly user?: string
  readonly askPass?: boolean
  readonly become?: boolean
  readonly becomeMethod: 'sudo'
  readonly privateKey?: string
  readonly knownHosts: readonly string[]
  readonly hostKey: 'strict' | 'accept-new'
  readonly forks: number
  /** Seconds. */
  readonly connectTimeout: number
  readonly output: Output
  readonly color: boolean
  readonly stateDir?: string
  readonly verbose?: boolean
}

/** What to do: by name, with options. */
export interface WhatOptions {
  readonly strategy?: readonly string[]
  readonly set: readonly string[]
  readonly playbook?: string
  readonly force?: boolean
  readonly detailedExitcode?: boolean
  /** Seconds. */
  readonly window: number
}

/** Connections at once; beyond about 200 a controller's own limits (file descriptors, NAT) come first. */
const MOST_FORKS = 1000

function number(least: number, most: number): (text: string) => number {
  return text => {
    const value = Number(text)
    if (/^\d+$/.test(text) && value >= least && value <= most) return value
    throw new InvalidArgumentError(`expected a whole number from ${least} to ${most}, got ${text}`)
  }
}

function seconds(least: number): (text: string) => number {
  return text => {
    const value = parseDuration(text)
    if (value !== null && value >= least) return value
    throw new InvalidArgumentError(`expected seconds or a duration such as 90s or 2m, at least ${least}, got ${text}`)
  }
}

const collect = (text: string, earlier: readonly string[] = []): string[] => [...earlier, text]
const list = (text: string, earlier: readonly string[] = []): string[] => [
  ...earlier,
  ...text.split(',').map(part => part.trim()),
]

/** Adds the flags every command has. */
export function withSharedOptions(command: Command): Command {
  return command
    .addOption(
      new Option('-i, --inventory <source>', 'inventory file or "host1,host2,"; repeatable')
        .argParser(collect)
        .default([]),
    )
    .option('-l, --limit <pattern>', 'only these hosts: names, groups, globs; a:b, a:!b, a:&b')
    .option('-u, --user <name>', 'log in as (the inventory goes before it)')
    .option('-k, --ask-pass', 'ask for the login password')
    .option('-b, --become', 'become root on the host')
    .addOption(new Option('--become-method <method>', 'how').choices(['sudo']).default('sudo'))
    .option('--private-key <file>', 'key to log in with')
    .addOption(new Option('--known-hosts <file>', 'known host keys; repeatable').argParser(collect).default([]))
    .addOption(
      new Option('--host-key <policy>', 'unknown host keys').choices(['strict', 'accept-new']).default('strict'),
    )
    .addOption(new Option('-f, --forks <n>', 'hosts at once').argParser(number(1, MOST_FORKS)).default(50))
    .addOption(
      new Option('--connect-timeout <time>', 'for getting into a host, retries included')
        .argParser(seconds(1))
        .default(60),
    )
    .addOption(new Option('--output <format>', 'what stdout carries').choices(OUTPUTS).default('human'))
    .option('--no-color', 'plain text')
    .option('-v, --verbose', 'say on stderr when a host is tried, reached, and given a command')
    .option('--state-dir <dir>', 'where run records are kept (default: $XDG_STATE_HOME/ctfix)')
}

/** Adds the flags that say what is wanted. */
export function withWhatOptions(command: Command): Command {
  return command
    .addOption(new Option('-s, --strategy <names>', 'strategies, comma-separated').argParser(list))
    .addOption(
      new Option('--set <key=value>', 'option of the strategy (strategy.key=value with several); repeatable')
        .argParser(collect)
        .default([]),
    )
    .option('--playbook <file>', 'a playbook instead of --strategy')
    .option('--force', 'go past warning-level blockers; each is named in the record')
    .option('--detailed-exitcode', 'exit 2 when changes are pending')
    .addOption(new Option('--window <time>', 'how long counters must stand still').argParser(seconds(1)).default(10))
}

/** Of commands that change hosts. */
export interface GuardOptions {
  readonly yes?: boolean
  readonly check?: boolean
  readonly dryRun?: boolean
  /** Seconds. */
  readonly revertIn?: number
}

/** Of apply. */
export interface ApplyOptions extends SharedOptions, WhatOptions, GuardOptions {
  readonly resume?: string
}

/** Adds the flags of commands that change hosts. */
export function withGuardOptions(command: Command): Command {
  return command
    .option('-y, --yes', 'do not ask')
    .option('-C, --check', 'stop after the plan (same as --dry-run)')
    .option('--dry-run', 'stop after the plan')
    .option('-D, --diff', 'accepted for Ansible habits: the diff is always shown')
    .addOption(
      new Option(
        '--revert-in <time>',
        'a host takes itself back unless confirmed in this time (default: 60s)',
      ).argParser(seconds(1)),
    )
}

/** `expected …, got …; did you mean …?` */
export function unknownWord(what: string, word: string, known: readonly string[]): string {
  const near = nearest(word, known)
  return near === undefined
    ? `expected ${what} (${known.join(', ')}), got "${word}"`
    : `expected ${what}, got "${word}"; did you mean "${near}"?`
}
