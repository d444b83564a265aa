/** The front door of a simulated host: one listening port, an SSH server made when the first guest comes. */
import { createServer, type Server as NetServer, type Socket } from 'node:net'
import ssh2, { type AuthContext, type AuthenticationType, type Server } from 'ssh2'
import type { ConnectFault, SimHost } from './host.ts'
import { labKeys, type Pair } from './keys.ts'
import { serveSession } from './session.ts'

export interface Door {
  readonly address: string
  readonly port: number
  readonly hostKey: Pair
  /** Connections open now. */
  open(): number
  sever(): void
  /** Every open connection goes mute: nothing is read or answered any more. */
  freeze(): void
  close(): Promise<void>
}

/** Faults that never reach the SSH server. */
const SPEECHLESS: ReadonlySet<ConnectFault> = new Set(['hang', 'close', 'greet-and-close', 'babble', 'stall'])

export async function openDoor(host: SimHost, hostKey: Pair, address = '127.0.0.1'): Promise<Door> {
  const sockets = new Set<Socket>()
  const servers = new Map<Pair, Server>()
  /** By the port of the guest: the library names a connection by it, and keeps the socket to itself. */
  const guests = new Map<number, Guest>()
  const greet = (socket: Socket): void => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket)).on('error', () => {})
    socket.setNoDelay(true)
    host.counts.connections += 1
    const fault = host.takeConnectFault()
    host.onGuest(host.counts.connections)
    // Who does not read does not see the other side leave.
    if (fault !== null && SPEECHLESS.has(fault)) socket.resume().on('end', () => socket.destroy())
    switch (fault) {
      case 'refuse':
      case 'reset':
        socket.resetAndDestroy()
        return
      case 'hang':
        return
      case 'close':
        socket.end()
        return
      case 'greet-and-close':
        socket.end('Exceeded MaxStartups \u001b[31mred\u001b[0m\r\n')
        return
      case 'babble':
        socket.write(`HTTP/1.1 400 Bad Request\r\n${'x'.repeat(20_000)}`)
        return
      case 'stall':
        socket.write('SSH-2.0-OpenSSH_9.2\r\n')
        return
      default: {
        const key = fault === 'wrong-key' ? labKeys().wrong : hostKey
        const server = servers.get(key) ?? makeServer(host, key, guests)
        servers.set(key, server)
        const from = socket.remotePort ?? 0
        guests.set(from, { socket, fault })
        socket.once('close', () => guests.delete(from))
        server.injectSocket(socket)
      }
    }
  }
  let listener = await listen(greet, address, 0)
  const bound = listener.address()
  if (bound === null || typeof bound === 'string') throw new TypeError('a TCP listener has a port')
  const { port } = bound
  host.onRefuse = async refuse => {
    if (refuse && listener.listening) listener.close()
    if (!refuse && !listener.listening) listener = await listen(greet, address, port)
  }
  const sever = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    address,
    port,
    hostKey,
    open: () => sockets.size,
    sever,
    freeze() {
      for (const socket of sockets) socket.pause()
    },
    async close() {
      sever()
      if (!listener.listening) return
      await new Promise<void>(resolve => listener.close(() => resolve()))
    },
  }
}

function listen(greet: (socket: Socket) => void, address: string, port: number): Promise<NetServer> {
  return new Promise((resolve, reject) => {
    const server = createServer(greet)
    server.once('error', reject)
    server.listen(port, address, 512, () => resolve(server))
  })
}

/** What OpenSSH 5.3 has in common with the SSH library, but for group exchange. */
const OLD_KEX = ['diffie-hellman-group14-sha1'] as const

interface Guest {
  readonly socket: Socket
  readonly fault: ConnectFault | null
}

function makeServer(host: SimHost, key: Pair, guests: ReadonlyMap<number, Guest>): Server {
  const config = { hostKeys: [key.privateText], ...(host.oldSsh ? { algorithms: { kex: [...OLD_KEX] } } : {}) }
  return new ssh2.Server(config, (client, info) => {
    const guest = guests.get(info.port)
    const fault = guest?.fault
    // Without a goodbye.
    const hangUp = (): void => {
      guest?.socket.destroy()
    }
    client.on('error', () => {})
    client.on('handshake', () => {
      host.counts.handshakes += 1
    })
    client.on('authentication', context => {
      host.counts.logins += 1
      if (fault === 'hang-up-in-login') hangUp()
      else if (fault === 'deny') context.reject(['publickey', 'password', 'keyboard-interactive'])
      else if (context.username !== host.user) context.reject(['publickey'])
      else if (host.password !== null) checkPassword(host, host.password, context)
      else if (context.method === 'publickey' && isUserKey(context.key.data)) {
        const { signature, blob, hashAlgo } = context
        // Without a signature it only asks whether the key would do.
        const proved = !signature || (blob && labKeys().user.parsed.verify(blob, signature, hashAlgo))
        if (proved) context.accept()
        else context.reject()
      } else context.reject(['publickey'])
    })
    client.on('ready', () => {
      client.on('session', (accept, reject) => {
        serveSession({ host, accept, reject, hangUp, guest: `${info.ip} ${info.port}` })
      })
    })
  })
}

function checkPassword(host: SimHost, password: string, context: AuthContext): void {
  const method = host.asksByKeyboard ? 'keyboard-interactive' : 'password'
  const methods: AuthenticationType[] = ['publickey', method]
  if (context.method === 'password' && method === 'password' && context.password === password) context.accept()
  else if (context.method === 'keyboard-interactive' && method === 'keyboard-interactive') {
    const prompt = typeof host.asksByKeyboard === 'string' ? host.asksByKeyboard : 'Password: '
    context.prompt([{ prompt, echo: false }], answers =>
      answers[0] === password ? context.accept() : context.reject(methods),
    )
  } else context.reject(methods)
}

function isUserKey(blob: Buffer): boolean {
  return labKeys().user.parsed.getPublicSSH().equals(blob)
}
