/** A forwarded channel, or a command's two pipes, as one stream that behaves like a socket: destroy() really frees it. */
import { Duplex, type Readable, type Writable } from 'node:stream'

export interface Ends {
  readonly readable: Readable
  readonly writable: Writable
  /** Takes away what lies behind. */
  readonly end: () => void
}

/** Reading waits for the reader, writing for the other side. */
export function joinStream({ readable, writable, end }: Ends): Duplex {
  const joined = new Duplex({
    read: () => void readable.resume(),
    write: (chunk, _encoding, done) => {
      if (writable.writable) writable.write(chunk, () => done())
      else done()
    },
    final: done => {
      writable.end()
      done()
    },
    destroy: (error, done) => {
      end()
      done(error)
    },
  })
  readable.on('data', (chunk: Buffer) => {
    if (!joined.push(chunk)) readable.pause()
  })
  readable.once('end', () => joined.push(null))
  readable.once('close', () => joined.destroy())
  // What broke is said by the connection that carries this one; a stream without a listener would end the process.
  readable.on('error', () => joined.destroy())
  writable.on('error', () => joined.destroy())
  return joined
}
