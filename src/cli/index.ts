/**
 * The table of commands: their flags. What a command does is in the file of its name, loaded when it runs, so that help
 * and a mistyped flag cost neither SSH nor schemas. Adding one is one file and one entry here.
 */
import { Command } from 'commander'
import { withGuardOptions, withSharedOptions, withWhatOptions } from './options.ts'
import { strategiesHelp } from './strategies-help.ts'

const facts = withSharedOptions(new Command('facts'))
  .description('what each host is and how full its table; read-only')
  .action(async options => (await import('./facts.ts')).facts(options))

const plan = withWhatOptions(withSharedOptions(new Command('plan')))
  .description('the diff of what apply would do, with the reason of each change; changes nothing')
  .action(async options => (await import('./plan.ts')).plan(options))

const apply = withGuardOptions(withWhatOptions(withSharedOptions(new Command('apply'))))
  .description('plan, show, ask, apply, verify; takes itself back where it did not work')
  .option('--resume <run>', 'go on with a run that was broken off: hosts done stay, hosts in doubt are looked at first')
  .action(async options => (await import('./apply.ts')).apply(options))

const verify = withWhatOptions(withSharedOptions(new Command('verify')))
  .description('is the wanted state there, over a reboot too, and is the symptom gone? read-only')
  .option('--run <id>', 'what that run applied, in the numbers it came to')
  .action(async options => (await import('./verify.ts')).verify(options))

const rollback = withGuardOptions(withSharedOptions(new Command('rollback')))
  .description('what a run changed goes back, where nobody changed it since; shown first, guarded as an apply is')
  .argument('<run>', 'id of the run')
  .option('--force', 'also where somebody changed the same thing since; each is named in the record')
  .action(async (run, options) => (await import('./rollback.ts')).rollback(run, options))

const runs = new Command('runs')
  .description('what was done from here')
  .addCommand(
    withSharedOptions(new Command('list'))
      .description('the runs, the newest last')
      .action(async options => (await import('./runs.ts')).listRecords(options)),
  )
  .addCommand(
    withSharedOptions(new Command('show'))
      .description('one run, host by host, and what is left in doubt; with -i the hosts are asked too')
      .argument('<run>', 'id of the run')
      .action(async (run, options) => (await import('./runs.ts')).showRun(run, options)),
  )

/** The program: help, version, and the commands. */
export function createProgram(version: string): Command {
  const program = new Command('ctfix')
    .description('Cures "nf_conntrack: table full, dropping packet" across a fleet, over SSH.')
    .version(version)
    .showSuggestionAfterError()
    .addHelpText('after', strategiesHelp)
  for (const command of [facts, plan, apply, verify, rollback, runs]) program.addCommand(command)
  return program
}
