/**
 * The table of commands: their flags. What a command does is in the file of its name, loaded when it runs, so that help
 * and a mistyped flag cost neither SSH nor schemas. Adding one is one file and one entry here.
 */
import { Command } from 'commander'
import { withSharedOptions, withWhatOptions } from './options.ts'
import { strategiesHelp } from './strategies-help.ts'

const facts = withSharedOptions(new Command('facts'))
  .description('what each host is and how full its table; read-only')
  .action(async options => (await import('./facts.ts')).facts(options))

const plan = withWhatOptions(withSharedOptions(new Command('plan')))
  .description('the diff of what apply would do, with the reason of each change; changes nothing')
  .action(async options => (await import('./plan.ts')).plan(options))

const apply = withWhatOptions(withSharedOptions(new Command('apply')))
  .description('plan, show, ask, apply, verify; takes itself back where it did not work')
  .option('-y, --yes', 'do not ask')
  .option('-C, --check', 'stop after the plan (same as --dry-run)')
  .option('--dry-run', 'stop after the plan')
  .option('-D, --diff', 'accepted for Ansible habits: the diff is always shown')
  .action(async options => (await import('./apply.ts')).apply(options))

const verify = withWhatOptions(withSharedOptions(new Command('verify')))
  .description('is the wanted state there, over a reboot too, and is the symptom gone? read-only')
  .option('--run <id>', 'what that run applied, in the numbers it came to')
  .action(async options => (await import('./verify.ts')).verify(options))

/** The program: help, version, and the commands. */
export function createProgram(version: string): Command {
  const program = new Command('ctfix')
    .description('Cures "nf_conntrack: table full, dropping packet" across a fleet, over SSH.')
    .version(version)
    .showSuggestionAfterError()
    .addHelpText('after', strategiesHelp)
  for (const command of [facts, plan, apply, verify]) program.addCommand(command)
  return program
}
