/** The flag of commands that measure hosts from here while they work. */
import { type Command, Option } from 'commander'
import { parseTarget, type Target } from '../run/outside/target.ts'
import { read } from './option-values.ts'

export interface ProbeOptions {
  readonly probe?: readonly Target[]
}

/** Adds --probe. */
export function withProbeOption(command: Command): Command {
  const target = read(parseTarget, 'tcp:PORT or ping, with @ADDRESS where it is not the host’s own')
  return command.addOption(
    new Option('--probe <what>', 'loss and latency as seen from here: tcp:443, or ping; repeatable').argParser(
      (text: string, earlier: readonly Target[] = []) => [...earlier, target(text)],
    ),
  )
}
