/** Questions to a person, on stderr; never when there is nobody to answer. */
import { createInterface } from 'node:readline'
import { StringDecoder } from 'node:string_decoder'
import { UsageError } from '../errors.ts'

/** True when a person can be asked. */
export function canAsk(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true
}

/** Asks once; anything but yes is no. Ctrl-C is told to this process as well, which does what it does at any other time. */
export function askYes(question: string): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  return new Promise(resolve => {
    let answered = false
    lines.once('SIGINT', () => {
      lines.close()
      process.emit('SIGINT', 'SIGINT')
    })
    // End of input answers nothing, and nothing is no.
    lines.once('close', () => {
      if (!answered) process.stderr.write('\n')
      resolve(false)
    })
    lines.question(`${question} [y/N] `, answer => {
      answered = true
      resolve(/^y(es)?$/i.test(answer.trim()))
      lines.close()
    })
  })
}

/** Asks for a secret without showing what is typed. */
export function askSecret(question: string): Promise<string> {
  if (!canAsk()) throw new UsageError('cannot ask for a password without a terminal')
  const { stdin } = process
  // First: who answers at once, or pastes, must not see it echoed.
  stdin.setRawMode(true)
  process.stderr.write(question)
  return new Promise((resolve, reject) => {
    let typed = ''
    // A letter of several bytes may come in two pieces.
    const decoder = new StringDecoder('utf8')
    const onData = (chunk: Buffer): void => {
      for (const char of decoder.write(chunk)) {
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
