/** A process that takes the lock of one file after the other, each at its time, and writes down when it has it. */
import { appendFileSync } from 'node:fs'
import { whileLocked } from '../../../src/transport/locked-file.ts'

const [directory = '', rounds = '0', start = '0', stepMs = '0'] = process.argv.slice(2)
const until = (time: number): void => {
  while (Date.now() < time);
}
for (let round = 0; round < Number(rounds); round++) {
  until(Number(start) + round * Number(stepMs))
  const file = `${directory}/${round}`
  whileLocked(file, () => {
    appendFileSync(file, `in ${process.pid}\n`)
    until(Date.now() + 2)
    appendFileSync(file, `out ${process.pid}\n`)
  })
}
