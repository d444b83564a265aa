/** What a server says before the line by which it names itself (RFC 4253, 4.2). */
import type { Duplex } from 'node:stream'
import { ConnectError } from '../errors.ts'
import type { Host } from '../inventory/host.ts'
import { lastLine } from '../lang/text.ts'
import { cannotConnect } from './failure.ts'

/** ssh reads 1024 lines of 8 KiB; nobody who means to be understood says more than this. */
const MOST_BYTES = 256 * 1024
const MOST_OF_LINE = 8 * 1024
const SHOWN = 60

/**
 * Holds a connection's first bytes back until that line is whole, and the lines before it for good: of a greeting that
 * comes in three pieces the library (ssh2 1.17) loses the second, and then waits for ever.
 */
export class Greeting {
  #held = Buffer.alloc(0)
  #isOver = false

  /** `onSpeaking` hears of the first byte. To be called before anybody reads from the stream. */
  constructor(stream: Duplex, onSpeaking: () => void) {
    const push = stream.push
    stream.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
      // The end, and whatever is no piece of it.
      if (!Buffer.isBuffer(chunk)) return push.call(stream, chunk, encoding)
      if (this.#held.length === 0) onSpeaking()
      this.#held = Buffer.concat([this.#held, chunk])
      const at = nameAt(this.#held)
      if (at === null && !isTooMuch(this.#held)) return true
      this.#isOver = at !== null && /^SSH-(?:2\.0|1\.99)-/.test(this.#held.toString('latin1', at, at + 9))
      Reflect.deleteProperty(stream, 'push')
      return push.call(stream, this.#held.subarray(at ?? 0), encoding)
    }
    const early: unknown = stream.read()
    if (Buffer.isBuffer(early)) stream.push(early)
  }

  /** Of a connection that came to nothing: what was said instead of SSH, if that is why. */
  explain(host: Host, error: unknown): unknown {
    const said = this.#isOver ? '' : firstLine(this.#held)
    if (!(error instanceof ConnectError) || said === '' || error.reason === 'aborted') return error
    const hint = `ssh -v -p ${host.port} ${host.address} shows who answers there`
    const text = `the server does not speak SSH 2: it said "${said}"`
    return cannotConnect(host, error.reason, text, { hint, cause: error })
  }
}

function isTooMuch(bytes: Buffer): boolean {
  return bytes.length > MOST_BYTES || bytes.length - bytes.lastIndexOf('\n') > MOST_OF_LINE
}

/** Where the line begins, once its end is there. */
function nameAt(bytes: Buffer): number | null {
  for (let at = 0; ; ) {
    const end = bytes.indexOf('\n', at)
    if (end === -1) return null
    if (bytes.toString('latin1', at, at + 4) === 'SSH-') return at
    at = end + 1
  }
}

function firstLine(bytes: Buffer): string {
  const [line = ''] = bytes
    .toString('utf8', 0, 4 * SHOWN)
    .trimStart()
    .split('\n')
  const text = lastLine(line)
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text
}
