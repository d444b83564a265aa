/** Flags that commands share, and what they come to. Ansible's letters where Ansible has them. */
import { type Command, Option } from 'commander'
import { nearest } from '../lang/text.ts'
import { OUTPUTS, type Output } from '../view/view.ts'
import { collect, jumps, list, name, number, once, seconds } from './option-values.ts'
import type { ProbeOptions } from './probe-option.ts'
import type { RolloutOptions } from './rollout-options.ts'

/** As commander hands them over: every command has these. */
export interface SharedOptions {
  readonly inventory: readonly string[]
  readonly limit?: string
  readonly user?: string
  readonly askPass?: boolean
  readonly become?: boolean
  readonly becomeMethod: 'sudo' | 'doas' | 'su'
  readonly askBecomePass?: boolean
  readonly becomePasswordFile?: string
  readonly transport?: 'ssh2' | 'openssh' | 'local'
  readonly privateKey?: string
  readonly playbookDir?: string
  readonly extraVars?: readonly string[]
  readonly vaultId?: readonly string[]
  readonly vaultPasswordFile?: readonly string[]
  readonly askVaultPass?: boolean
  readonly knownHosts: readonly string[]
  readonly hostKey?: 'strict' | 'accept-new'
  readonly jump?: string
  readonly sshConfig?: string
  readonly forks: number
  /** Seconds. */
  readonly connectTimeout: number
  /** Somebody named it: then it goes before what the inventory and ssh_config say. */
  readonly connectTimeoutSaid?: boolean
  /** Seconds that looking at a host may take once it is reached. */
  readonly hostTimeout?: number
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

/** Seconds for getting into a host, where neither a flag nor ssh_config says. */
export const CONNECT_TIMEOUT = 60

/** Tickets and CI reports are made of runs: what a command has to offer that has none to make them of. */
export const WITHOUT_REPORTS: readonly Output[] = ['human', 'json', 'ndjson']

/** Adds the flags every command has. */
export function withSharedOptions(command: Command, outputs: readonly Output[] = OUTPUTS): Command {
  return command
    .on('option:connect-timeout', () => command.setOptionValue('connectTimeoutSaid', true))
    .optionsGroup('Which hosts:')
    .addOption(
      new Option('-i, --inventory <source>', 'inventory file, directory, program, or "host1,host2,"; repeatable')
        .argParser(collect)
        .default([]),
    )
    .addOption(
      new Option(
        '-l, --limit <pattern>',
        'only these hosts: names, groups, globs, ~regex, @file; a:b, a:!b, a:&b',
      ).argParser(once),
    )
    .optionsGroup('Getting into them:')
    .addOption(new Option('-u, --user <name>', 'log in as (the inventory goes before it)').argParser(name))
    .option('-k, --ask-pass', 'ask for the login password')
    .option('-b, --become', 'become root on the host')
    .addOption(new Option('--become-method <method>', 'how').choices(['sudo', 'doas', 'su']).default('sudo'))
    .option('-K, --ask-become-pass', 'ask for the password of sudo, doas or su')
    .option('--become-password-file <file>', 'file whose only line is that password')
    .option('--private-key <file>', 'key to log in with')
    .optionsGroup('Which hosts:')
    .option('--playbook-dir <dir>', 'its group_vars and host_vars count, too (default: where --playbook is)')
    .addOption(
      new Option(
        '-e, --extra-vars <vars>',
        'variables over those of the inventory: name=value, {"name": value} or @FILE; repeatable',
      ).argParser(collect),
    )
    .addOption(
      new Option('--vault-id <label@source>', 'vault password: a file, or prompt; repeatable').argParser(collect),
    )
    .addOption(
      new Option(
        '--vault-password-file <file>',
        'file with a vault password, or program that prints it; repeatable',
      ).argParser(collect),
    )
    .option('--ask-vault-pass', 'ask for the vault password')
    .optionsGroup('Getting into them:')
    .addOption(new Option('--known-hosts <file>', 'known host keys; repeatable').argParser(collect).default([]))
    .addOption(
      new Option('--host-key <policy>', 'unknown host keys (default: strict, or what ssh_config says)').choices([
        'strict',
        'accept-new',
      ]),
    )
    .addOption(
      new Option('-J, --jump <hosts>', 'through these jump hosts: user@host:port, several with commas').argParser(
        jumps,
      ),
    )
    .option('-F, --ssh-config <file>', 'instead of ~/.ssh/config and /etc/ssh/ssh_config')
    .addOption(
      new Option(
        '--transport <name>',
        'who speaks SSH: ctfix itself, or the ssh of this machine (default: ssh2)',
      ).choices(['ssh2', 'openssh', 'local']),
    )
    .addOption(new Option('-f, --forks <n>', 'hosts at once').argParser(number(1, MOST_FORKS)).default(50))
    .addOption(
      new Option('--connect-timeout <time>', 'for getting into a host, retries included')
        .argParser(seconds(1))
        .default(CONNECT_TIMEOUT, `${CONNECT_TIMEOUT}s`),
    )
    .addOption(
      new Option(
        '--host-timeout <time>',
        'for looking at a host once it is reached; a change that is begun has --revert-in',
      ).argParser(seconds(1)),
    )
    .optionsGroup('Output:')
    .addOption(new Option('--output <format>', 'what stdout carries').choices(outputs).default('human'))
    .option('--no-color', 'plain text')
    .option('-v, --verbose', 'say on stderr when a host is tried, reached, given a command, and silent')
    .option('--state-dir <dir>', 'where run records are kept (default: $XDG_STATE_HOME/ctfix)')
    .optionsGroup('')
}

/** Of commands that only watch hosts for a while. */
export function withLookOptions(command: Command): Command {
  return command
    .option('--detailed-exitcode', 'exit 2 when there is a finding that is more than a notice')
    .addOption(new Option('--window <time>', 'how long counters are watched').argParser(seconds(1)).default(10, '10s'))
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
    .addOption(new Option('--playbook <file>', 'a playbook instead of --strategy').argParser(name))
    .option('--force', 'go past warning-level blockers; each is named in the record')
    .option('--detailed-exitcode', 'exit 2 when changes are pending')
    .addOption(
      new Option('--window <time>', 'how long counters must stand still').argParser(seconds(1)).default(10, '10s'),
    )
}

/** Of plan. */
export interface PlanOptions extends SharedOptions, WhatOptions {
  readonly out?: string
  /** Seconds. */
  readonly expires?: number
}

/** Adds the flags that save a plan. */
export function withOutOptions(command: Command): Command {
  return command
    .option('--out <file>', 'save the plan, for show and apply --plan')
    .addOption(new Option('--expires <time>', 'it may be applied for so long (default: 24h)').argParser(seconds(1)))
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
export interface ApplyOptions extends SharedOptions, WhatOptions, GuardOptions, RolloutOptions, ProbeOptions {
  readonly resume?: string
  readonly plan?: string
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
