/** Flags of commands that ask no host. */
import type { Command } from 'commander'
import { UsageError } from '../errors.ts'
import { OUTPUTS, type Output } from '../view/view.ts'
import { withSharedOptions } from './options.ts'

const OF_HOSTS = ['Which hosts:', 'Getting into them:']

/**
 * Adds the flags every command has, to one that only reads what is on this machine. Those that say which hosts and how to
 * get in are taken, since aliases and scripts give them to every command, and not shown; a limit is refused, which would
 * look as if it had done something.
 */
export function withOfflineOptions(command: Command, outputs: readonly Output[] = OUTPUTS): Command {
  for (const option of withSharedOptions(command, outputs).options) {
    if (OF_HOSTS.includes(option.helpGroupHeading ?? '')) option.hideHelp()
  }
  return command.hook('preAction', () => {
    if (command.getOptionValue('limit') === undefined) return
    throw new UsageError(`--limit: ctfix ${pathOf(command)} asks no host, and shows all there are`)
  })
}

/** `runs list`: the name, and those above it but for the program's. */
function pathOf(command: Command): string {
  const { parent } = command
  return parent?.parent ? `${pathOf(parent)} ${command.name()}` : command.name()
}
