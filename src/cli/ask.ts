/** Questions to a person, on stderr; never when there is nobody to answer. */
import { createInterface } from 'node:readline'
import { UsageError } from '../errors.ts'

/** True when a person can be asked. */
export function canAsk(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true
}

/** Asks once; anything but yes is no. */
export function askYes(question: string): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  return new Promise(resolve => {
    // End of input answers nothing, and nothing is no.
    lines.once('close', () => resolve(false))
    lines.question(`${question} [y/N] `, answer => {
      resolve(/^y(es)?$/i.test(answer.trim()))
      lines.close()
    })
  })
}

/** Asks for a secret without showing what is typed. */
export function askSecret(question: string): Promise<string> {
  if (!canAsk()) throw new UsageError('cannot ask for a password without a terminal')
  process.stderr.write(question)
  const { stdin } = process
  stdin.setRawMode(true)
  return new Promise((resolve, reject) => {
    let typed = ''
    const onData = (chunk: Buffer): void => {
      for (const char of chunk.toString('utf8')) {
        if (char === '\r' || char === '\n' || char === '\u0004') finish(() => resolve(typed))
        else if (char === '\u0003') finish(() => reject(new UsageError('no password was given')))
        else typed = char === '\u007f' || char === '\b' ? typed.slice(0, -1) : typed + char
      }
    }
    const finish = (settle: () => void): void => {
      stdin.off('data', onData)
      stdin.setRawMode(false)
      stdin.pause()
      process.stderr.write('\n')
      settle()
    }
    stdin.on('data', onData)
  })
}
