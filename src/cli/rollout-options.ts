/** Flags that say how a run goes over its hosts. */
import { type Command, Option } from 'commander'
import { type Amount, parseAmount } from '../lang/amount.ts'
import { ORDERS, type Order } from '../run/rollout/rules.ts'
import { parseSerial } from '../run/rollout/serial.ts'
import { once, read, seconds } from './option-values.ts'

/** How a run goes over its hosts. */
export interface RolloutOptions {
  readonly serial?: readonly Amount[]
  /** A pattern. */
  readonly canary?: string
  readonly maxFailed?: Amount
  readonly maxUnreachable?: Amount
  /** Seconds. */
  readonly bake?: number
  readonly gate?: string
  readonly order?: Order
}

const command = read(text => (text.trim() === '' ? null : text), 'a command ("true" lets every batch begin)')
const gate = (text: string, earlier: string | undefined): string => once(command(text), earlier)

/** Adds the flags of commands that go over a fleet in batches. */
export function withRolloutOptions(command: Command): Command {
  const limit = read(parseAmount, 'a number of hosts, or a percentage such as 5%')
  return command
    .optionsGroup('Batches and budgets:')
    .addOption(
      new Option('--serial <sizes>', 'batches of so many: 1,10%,100%; the last one again and again').argParser(
        read(parseSerial, 'numbers of hosts from 1, or percentages, as in 1,10%,100%'),
      ),
    )
    .addOption(
      new Option('--canary <pattern>', 'these go first, and must pass before anybody else is touched').argParser(once),
    )
    .addOption(new Option('--max-failed <n>', 'stop when more failed or rolled back: 2, or 5% of all').argParser(limit))
    .addOption(
      new Option('--max-unreachable <n>', 'stop when more cannot be reached: 2, or 5% of all').argParser(limit),
    )
    .addOption(new Option('--bake <time>', 'wait between batches').argParser(seconds(0)))
    .addOption(
      new Option('--gate <command>', 'a command on this machine that must succeed between batches').argParser(gate),
    )
    .addOption(new Option('--order <how>', 'inside a batch: pressure takes the fullest table first').choices(ORDERS))
    .optionsGroup('')
}
