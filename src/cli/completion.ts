/** `ctfix completion bash | zsh | fish`: prints a script; all of it is read off the program. */
import type { Command } from 'commander'
import { bashScript } from './completion/bash.ts'
import { fishScript } from './completion/fish.ts'
import { zshScript } from './completion/zsh.ts'
import { type Entry, grammarOf } from './grammar.ts'

export type Shell = 'bash' | 'zsh' | 'fish'

const SCRIPTS: Readonly<Record<Shell, (program: Entry) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
}

/** The script that makes this shell complete the command line of the program. */
export function completionScript(shell: Shell, program: Command): string {
  return SCRIPTS[shell](grammarOf(program))
}

/** Prints it. */
export function printCompletion(shell: Shell, program: Command): void {
  process.stdout.write(completionScript(shell, program))
}
