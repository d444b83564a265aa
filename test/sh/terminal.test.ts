/** A command behind a real terminal, under every shell: input to the byte, outputs apart, the exit code. */
import { spawn } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { quote } from '../../src/lang/sh.ts'
import { lengthOf, ON_TERMINAL, parseTerminal } from '../../src/transport/terminal.ts'
import { SHELLS } from '../facts/stage.ts'

const MARKER = 'ctfix-0123456789abcdef'

/** script(1) makes the terminal; what comes before the marker is what a tool that asks would have said. */
function onTerminal(shell: string, command: string, input: string, before = ''): Promise<string> {
  const program = `ctfix_marker=${MARKER}; ${ON_TERMINAL(command)}`
  const line = `stty raw -echo; exec ${shell} -c ${quote(program)}`
  const child = spawn('script', ['-qfec', line, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    const begun = text.includes(`\n${MARKER}\n`)
    text += chunk
    if (!begun && text.includes(`\n${MARKER}\n`)) child.stdin.write(before + lengthOf(MARKER, input) + input)
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', () => resolve(text))
  })
}

describe.each(SHELLS)('behind a terminal under %s', shell => {
  it('a large program arrives whole; outputs stay apart', async () => {
    const lines = Array.from({ length: 3_000 }, (_, i) => `# ${i} äöü $x "q" 'q' \\\n`).join('')
    const script = `${lines}\nprintf 'out\\n\\nno end'; printf 'err\\n' >&2; printf 'more' >&2; exit 42\n`
    const text = await onTerminal(shell, `/bin/sh -s -- 'a  b'`, script)
    expect(parseTerminal(text, MARKER)).toEqual({ exitCode: 42, stdout: 'out\n\nno end', stderr: 'err\nmore' })
  })

  it('bytes that terminals act on are bytes', async () => {
    const bytes = 'a\u0001\u0003\u0004\u0011\u0013\u001a\u001c\u007f\r\n\t\u0000z'
    expect(parseTerminal(await onTerminal(shell, 'cat', bytes), MARKER)).toEqual({
      exitCode: 0,
      stdout: bytes,
      stderr: '',
    })
  })

  it('no input, no output; a password that nobody asked for is no part of the input', async () => {
    expect(parseTerminal(await onTerminal(shell, 'false', ''), MARKER)).toEqual({ exitCode: 1, stdout: '', stderr: '' })
    const text = await onTerminal(shell, 'cat', 'program', 'a password ctfix-0 1\n')
    expect(parseTerminal(text, MARKER)).toEqual({ exitCode: 0, stdout: 'program', stderr: '' })
  })
})

it('what is cut off is no result', () => {
  const whole = `motd\r\n\n${MARKER}\nout\n${MARKER} stderr\nerr\n${MARKER} exit 3\n`
  expect(parseTerminal(whole, MARKER)).toEqual({ exitCode: 3, stdout: 'out', stderr: 'err' })
  for (const length of [10, 40, 60, whole.length - 3]) expect(parseTerminal(whole.slice(0, length), MARKER)).toBeNull()
})
