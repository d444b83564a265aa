/** A port of this machine where nobody listens, and nobody else can begin to. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface ClosedPort extends Disposable {
  readonly port: number
}

/** It is our own end of a connection: taken as long as that lives, and who knocks there is refused. */
export async function closedPort(address = '127.0.0.1'): Promise<ClosedPort> {
  const server = createServer().listen(0, address)
  await once(server, 'listening')
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const { port: door } = server.address() as AddressInfo
  const ours = connect({ host: address, port: door })
  const [[theirs]] = await Promise.all([accepted, once(ours, 'connect')])
  server.close()
  const { localPort } = ours
  if (localPort === undefined) throw new Error('a connection without a port of its own')
  return {
    port: localPort,
    [Symbol.dispose]() {
      ours.destroy()
      theirs.destroy()
    },
  }
}
