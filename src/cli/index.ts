/**
 * The table of commands: their flags. What a command does is in the file of its name, loaded when it runs, so that help
 * and a mistyped flag cost neither SSH nor schemas. Adding one is one file and one entry here.
 */
import { Argument, Command, Option } from 'commander'
import { withHelp } from './help.ts'
import { stayLean } from './memory.ts'
import { withOfflineOptions } from './offline-options.ts'
import { name } from './option-values.ts'
import {
  WITHOUT_REPORTS,
  withGuardOptions,
  withLookOptions,
  withOutOptions,
  withSharedOptions,
  withWhatOptions,
} from './options.ts'
import { withProbeOption } from './probe-option.ts'
import { withRolloutOptions } from './rollout-options.ts'
import { STRATEGIES } from './strategies-help.ts'
import { withWatchOptions } from './watch-options.ts'

const facts = withSharedOptions(new Command('facts'))
  .description('what each host is and how full its table; read-only')
  .action(async options => (await import('./facts.ts')).facts(options))

const diagnose = withLookOptions(withSharedOptions(new Command('diagnose'), WITHOUT_REPORTS))
  .description('what is wrong with each host, by severity, and the strategy that would cure it; read-only')
  .action(async options => (await import('./diagnose.ts')).diagnose(options))

const watch = withProbeOption(withWatchOptions(withSharedOptions(new Command('watch'), WITHOUT_REPORTS)))
  .description('a live table of the fleet, the hosts under most pressure first; read-only')
  .action(async options => {
    stayLean()
    await (await import('./watch.ts')).watch(options)
  })

const plan = withOutOptions(withWhatOptions(withSharedOptions(new Command('plan'))))
  .description('the diff of what apply would do, with the reason of each change; changes nothing')
  .action(async options => (await import('./plan.ts')).plan(options))

const show = withOfflineOptions(new Command('show'))
  .description('a saved plan as it was shown, and whether it can still be applied; asks nobody')
  .argument('<file>', 'written by plan --out')
  .option('--detailed-exitcode', 'exit 2 when it has changes')
  .action(async (file, options) => (await import('./show.ts')).show(file, options))

const apply = withProbeOption(
  withRolloutOptions(withGuardOptions(withWhatOptions(withSharedOptions(new Command('apply'))))),
)
  .description('plan, show, ask, apply, verify; takes itself back where it did not work')
  .addOption(
    new Option('--plan <file>', 'what a saved plan showed, and nothing else; once, and until it expires').argParser(
      name,
    ),
  )
  .option('--resume <run>', 'go on with a run that was broken off: hosts done stay, hosts in doubt are looked at first')
  .action(async options => (await import('./apply.ts')).apply(options))

const verify = withProbeOption(withWhatOptions(withSharedOptions(new Command('verify'))))
  .description('is the wanted state there, over a reboot too, and is the symptom gone? read-only')
  .addOption(
    new Option('--plan <file>', 'what a saved plan wanted; also when it was used or has expired').argParser(name),
  )
  .option('--run <run>', 'what that run applied, in the numbers it came to')
  .action(async options => (await import('./verify.ts')).verify(options))

const rollback = withRolloutOptions(withGuardOptions(withSharedOptions(new Command('rollback'))))
  .description('what a run changed goes back, where nobody changed it since; shown first, guarded as an apply is')
  .argument('<run>', 'id of the run')
  .option('--force', 'also where somebody changed the same thing since; each is named in the record')
  .action(async (run, options) => (await import('./rollback.ts')).rollback(run, options))

const runs = new Command('runs')
  .description('what was done from here')
  .addCommand(
    withOfflineOptions(new Command('list'), WITHOUT_REPORTS)
      .description('the runs, the newest last')
      .action(async options => (await import('./runs.ts')).listRecords(options)),
  )
  .addCommand(
    withSharedOptions(new Command('show'), WITHOUT_REPORTS)
      .description('one run, host by host, and what is left in doubt; with -i the hosts are asked too')
      .argument('<run>', 'id of the run')
      .action(async (run, options) => (await import('./runs.ts')).showRun(run, options)),
  )

const report = withOfflineOptions(new Command('report'))
  .description('what came of a run, before and after, from the record here; asks no host')
  .argument('<run>', 'id of the run')
  .option('--html', 'one self-contained page: no script, no network; prints, light and dark')
  .option('--out <file>', 'write it there instead of to stdout')
  .action(async (run, options) => (await import('./report.ts')).report(run, options))

const withInventoryOptions = (name: string): Command =>
  withSharedOptions(new Command(name), WITHOUT_REPORTS).option('--json', 'same as --output json')

const inventory = new Command('inventory')
  .description('what the inventory comes to; no host is touched')
  .addCommand(
    withInventoryOptions('list')
      .description('the hosts, one row each')
      .action(async options => (await import('./inventory.ts')).listInventory(options)),
  )
  .addCommand(
    withInventoryOptions('graph')
      .description('the tree of groups and hosts')
      .action(async options => (await import('./inventory.ts')).graphInventory(options)),
  )
  .addCommand(
    withInventoryOptions('host')
      .description('one host: each variable, and where it comes from')
      .argument('<host>', 'as the inventory names it')
      .action(async (name, options) => (await import('./inventory.ts')).showHost(name, options)),
  )

const hostkeys = new Command('hostkeys').description('the host keys of the fleet').addCommand(
  withSharedOptions(new Command('scan'), WITHOUT_REPORTS)
    .description('writes the keys of new hosts to known_hosts (--known-hosts FILE) and prints one table to compare')
    .action(async options => (await import('./hostkeys.ts')).scanHostKeys(options)),
)

const strategies = new Command('strategies')
  .description('the cures, and the options of each')
  .addArgument(
    new Argument('[strategy]', 'one of them; all where none is named').choices(STRATEGIES.map(({ name }) => name)),
  )
  .action(async name => (await import('./strategies.ts')).showStrategies(name))

const completion = new Command('completion')
  .description('prints what makes a shell complete commands, flags, hosts, runs and strategies')
  .addArgument(new Argument('<shell>', 'the shell').choices(['bash', 'zsh', 'fish']))
  .action(async (shell, _, command) => (await import('./completion.ts')).printCompletion(shell, command.parent))

/** Asked by completion scripts. */
const completeNames = new Command('complete-names')
  .option('-i, --inventory <source...>')
  .option('--hosts')
  .action(async options =>
    (await import('./complete-names.ts')).printNames(options.inventory ?? [], options.hosts === true),
  )

/** The program: help, version, and the commands. */
export function createProgram(version: string): Command {
  const program = new Command('ctfix')
    .description('Cures "nf_conntrack: table full, dropping packet" across a fleet, over SSH.')
    .version(version)
    .showSuggestionAfterError()
  for (const command of [
    facts,
    diagnose,
    watch,
    plan,
    show,
    apply,
    verify,
    rollback,
    runs,
    report,
    inventory,
    hostkeys,
    strategies,
    completion,
  ]) {
    program.addCommand(command)
  }
  program.addCommand(completeNames, { hidden: true })
  return withHelp(program)
}
