/** The flags of `ctfix watch`. */
import { type Command, Option } from 'commander'
import { SORTS, type Sort } from '../watch/row.ts'
import { seconds } from './option-values.ts'
import type { SharedOptions } from './options.ts'
import type { ProbeOptions } from './probe-option.ts'

export interface WatchOptions extends SharedOptions, ProbeOptions {
  /** Seconds. */
  readonly interval: number
  readonly once?: boolean
  readonly metrics?: string
  readonly sort: Sort
}

/** Adds them. */
export function withWatchOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--interval <time>', 'time between two looks at a host').argParser(seconds(1)).default(2, '2s'),
    )
    .option('--once', 'look twice, print one table, and end')
    .option('--metrics <file>', 'keep a file of OpenMetrics text, for node_exporter a .prom in its textfile directory')
    .addOption(new Option('--sort <by>', 'which hosts come first').choices(SORTS).default('pressure'))
}
