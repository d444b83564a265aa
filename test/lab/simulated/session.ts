/** One command on a simulated host: read it, ask the script, answer, or fail as the test wants. */
import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { ServerChannel, Session } from 'ssh2'
import type { ExecFault, Live, SimAnswer, SimHost, SimRequest } from './host.ts'

interface Serving {
  readonly host: SimHost
  readonly accept: () => Session
  readonly reject: () => void
  readonly hangUp: () => void
  /** Address and port of the other side. */
  readonly guest: string
}

export function serveSession(serving: Serving): void {
  const { host, accept, reject } = serving
  const fault = host.takeExecFault()
  if (fault?.kind === 'no-session') {
    reject()
    return
  }
  const session = accept()
  session.on('exec', (acceptExec, _reject, { command }) => {
    host.counts.execs += 1
    const channel = acceptExec()
    channel.on('error', () => {})
    if (fault?.kind === 'hang') {
      channel.resume()
      return
    }
    if (host.live !== null && fault === null && GOES_ON.test(command)) {
      goOn(serving, host.live, channel, command)
      return
    }
    read(channel)
      .then(stdin => answer(serving, fault, channel, { command, stdin }))
      // A broken script of a test must be seen, not hang.
      .catch((error: unknown) => finish(channel, { exitCode: 255, stderr: `simulated host: ${String(error)}\n` }))
  })
}

function read(channel: ServerChannel): Promise<string> {
  return new Promise(resolve => {
    const chunks: Buffer[] = []
    channel.on('data', (chunk: Buffer) => chunks.push(chunk))
    channel.once('end', () => resolve(Buffer.concat(chunks).toString('utf8')))
  })
}

/** What become.ts puts in front of a command: tool, user, marker, the command itself. */
const WRAPPED =
  /^env 'LC_ALL=C' (\S+) -n -H -u (\S+) -- \/bin\/sh -c 'echo >&2; echo (ctfix-[0-9a-f]+) >&2; exec "\$0" "\$@"' ([\s\S]*)$/

/** `ctfix watch` keeps its command, and its input open. */
const GOES_ON = /\/bin\/sh -s -- [0-9a-f]{16} \d+\.\d{6}$/

function goOn({ host, guest }: Serving, live: Live, channel: ServerChannel, command: string): void {
  const [, tool, user = host.user, marker, inner = command] = WRAPPED.exec(command) ?? []
  if (tool !== undefined) channel.stderr.write(`${marker}\n`)
  const end = (exitCode: number): void => {
    if (!channel.writable) return
    channel.exit(exitCode)
    channel.end()
  }
  const request = { host: host.name, command: inner, user, sshConnection: `${guest} 127.0.0.1 22` }
  live(request, { input: channel, output: channel, end })
}

async function answer(
  { host, hangUp, guest }: Serving,
  fault: ExecFault | null,
  channel: ServerChannel,
  { command, stdin }: { readonly command: string; readonly stdin: string },
): Promise<void> {
  const [, tool, user = host.user, marker, inner = command] = WRAPPED.exec(command) ?? []
  if (tool !== undefined && fault?.kind === 'no-sudo') {
    return finish(channel, { exitCode: 127, stderr: `sh: ${tool}: not found\n` })
  }
  if (tool !== undefined && fault?.kind === 'sudo-refused') {
    return finish(channel, { exitCode: 1, stderr: 'sudo: Ein Passwort ist notwendig\n' })
  }
  const first = marker === undefined ? '' : `sudo: unable to resolve host ${host.name}\n${marker}\n`
  if (fault?.kind === 'no-sh') return finish(channel, { exitCode: 127, stderr: `${first}sh: /bin/sh: not found\n` })
  const request: SimRequest = { host: host.name, command: inner, stdin, user, sshConnection: `${guest} 127.0.0.1 22` }
  const said = await host.respond(request)
  const stdout = Buffer.from(said.stdout ?? '')
  const stderr = Buffer.concat([Buffer.from(first), Buffer.from(said.stderr ?? '')])
  await deliver(channel, fault, { stdout, stderr, exitCode: said.exitCode }, hangUp)
}

interface Delivery {
  readonly stdout: Buffer
  readonly stderr: Buffer
  readonly exitCode: number
}

async function deliver(
  channel: ServerChannel,
  fault: ExecFault | null,
  { stdout, stderr, exitCode }: Delivery,
  hangUp: () => void,
): Promise<void> {
  switch (fault?.kind) {
    case 'drop':
      channel.write(stdout.subarray(0, fault.afterBytes))
      await delay(20)
      return hangUp()
    case 'slow':
      for (let at = 0; at < stdout.length && channel.writable; at += 16) {
        channel.write(stdout.subarray(at, at + 16))
        await delay(fault.chunkMs)
      }
      return finish(channel, { stderr, exitCode })
    case 'garbage':
      return finish(channel, { stdout: randomBytes(Math.max(64, stdout.length)), stderr, exitCode })
    case 'flood':
      return finish(channel, { stdout: Buffer.concat([Buffer.alloc(fault.bytes, 'x'), stdout]), stderr, exitCode })
    case 'escapes': {
      const escapes = Buffer.from('\u001b]0;title\u0007\u001b[2J\u202eevil\n')
      return finish(channel, {
        stdout: Buffer.concat([escapes, stdout]),
        stderr: Buffer.concat([stderr, escapes]),
        exitCode,
      })
    }
    case 'signal':
      channel.exit(fault.name, false, '')
      channel.end()
      return
    case 'held-open':
      channel.write(stdout)
      channel.stderr.write(stderr)
      channel.exit(exitCode)
      return
    default:
      return finish(channel, { stdout, stderr, exitCode })
  }
}

function finish(channel: ServerChannel, { stdout = '', stderr = '', exitCode }: SimAnswer): void {
  if (!channel.writable) return
  if (stderr.length > 0) channel.stderr.write(stderr)
  channel.write(stdout, () => {
    channel.exit(exitCode)
    channel.end()
  })
}
