/** argv → command → exit code. The only place that turns an exception into words on stderr. */
import { readFileSync } from 'node:fs'
import { type Command, CommanderError } from 'commander'
import { createProgram } from './cli/index.ts'
import {
  CtfixError,
  codeOf,
  EXIT,
  type ExitCode,
  InterruptedError,
  LockedError,
  NoMatchError,
  StaleError,
  UsageError,
} from './errors.ts'
import { plain } from './lang/text.ts'

function exitCodeOfError(error: CtfixError): ExitCode {
  if (error instanceof UsageError) return EXIT.usage
  if (error instanceof NoMatchError) return EXIT.noMatch
  if (error instanceof LockedError) return EXIT.locked
  if (error instanceof InterruptedError) return EXIT.interrupted
  if (error instanceof StaleError) return EXIT.stale
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

// A reader or a terminal that went away (| head, a lost session), or a disk that is full, must not end a run in the middle
// of a host: what is written from then on is lost, the record on disk is not. Only who wanted a file and has none is told.
process.stderr.on('error', () => {})
let isLost = false
process.stdout.on('error', error => {
  if (isLost || ['EPIPE', 'EIO'].includes(String(codeOf(error)))) return
  isLost = true
  process.stderr.write(
    `ctfix: cannot write to stdout: ${plain(error.message)}; a run is in its record: ctfix runs list\n`,
  )
})
process.on('exit', () => {
  if (isLost && (process.exitCode ?? 0) === 0) process.exitCode = EXIT.badInput
})

await main()
