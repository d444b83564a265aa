/** argv → command → exit code. The only place that turns an exception into words on stderr. */
import { readFileSync } from 'node:fs'
import { type Command, CommanderError } from 'commander'
import { createProgram } from './cli/index.ts'
import { CtfixError, EXIT, type ExitCode, LockedError, NoMatchError, UsageError } from './errors.ts'
import { plain } from './lang/text.ts'

function exitCodeOfError(error: CtfixError): ExitCode {
  if (error instanceof UsageError) return EXIT.usage
  if (error instanceof NoMatchError) return EXIT.noMatch
  if (error instanceof LockedError) return EXIT.locked
  return EXIT.badInput
}

/** A command and all below it. */
function everyCommand(command: Command): Command[] {
  return [command, ...command.commands.flatMap(everyCommand)]
}

/** Runs a command line; resolves to nothing, the exit code is on the process. */
async function main(): Promise<void> {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  const program = createProgram(version)
  for (const command of everyCommand(program)) command.exitOverride()
  try {
    await program.parseAsync(process.argv)
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage
    } else if (error instanceof CtfixError) {
      process.stderr.write(`ctfix: ${plain(error.message)}\n${error.hint ? `  try: ${plain(error.hint)}\n` : ''}`)
      process.exitCode = exitCodeOfError(error)
    } else {
      const stack = error instanceof Error ? (error.stack ?? error.message) : String(error)
      process.stderr.write(`ctfix: a bug of ctfix, please report it:\n${plain(stack)}\n`)
      process.exitCode = EXIT.bug
    }
  }
}

// A reader or a terminal that went away (| head, a lost session) must neither end a run in the middle of a host nor change
// its exit code: what is written from then on is lost, the record on disk is not.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', error => {
    if (!('code' in error) || (error.code !== 'EPIPE' && error.code !== 'EIO')) throw error
  })
}

await main()
