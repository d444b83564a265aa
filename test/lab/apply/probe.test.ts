/** --probe: a service of a made-up host, seen from here while the host is changed. */
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Probed } from '../../../src/run/outside/probed.ts'
import { eventSchema, runSchema } from '../../../src/view/schema.ts'
import { closedPort } from '../../support/closed-port.ts'
import type { Document } from '../product.ts'
import { MAX, withoutRuns } from '../simulated/debian.ts'
import { APPLY, asRoot, contentsOf, only, onStage } from './stage.ts'

/** A service on this machine that a test opens and closes, always on the same port. */
class Service implements AsyncDisposable {
  #server: Server | null = null
  #port = 0
  get port(): number {
    return this.#port
  }
  async open(): Promise<this> {
    const server = createServer(socket => socket.on('error', () => {}).resume())
    server.listen(this.#port, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    this.#port = address.port
    this.#server = server
    return this
  }
  async close(): Promise<void> {
    const server = this.#server
    this.#server = null
    if (server) await server[Symbol.asyncDispose]()
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/** What was measured of the only host, as the schema has it. */
function probesOf(document: Document): readonly Probed[] {
  return runSchema.parse(document).hosts.flatMap(({ probes }) => probes ?? [])
}

const checkOf = (document: Document): Document['hosts'][number]['checks'][number] | undefined =>
  only(document).checks.find(({ name }) => name.startsWith('probe-'))

asRoot.concurrent('apply --probe', () => {
  test('a service that answers all the time: three parts, in the document, the record and the recap', async () => {
    await onStage(async ({ product, before }) => {
      await using service = await new Service().open()
      // A change can be done in less time than lies between two tries; then there is nothing to say of it.
      before(n => (n === 2 ? delay(1000) : undefined))
      const { exitCode, stdout, stderr } = await product.run([
        ...[...APPLY, '--probe', `tcp:${service.port}`, '--output', 'ndjson'],
      ])
      expect(exitCode, stderr).toBe(0)
      const lines = stdout
        .trim()
        .split('\n')
        .map(line => JSON.parse(line))
      const [probed, ...others] = probesOf(lines.at(-1))
      expect(others).toEqual([])
      expect(probed).toMatchObject({ target: `tcp:${service.port}`, address: '127.0.0.1', why: null })
      for (const part of [probed?.before, probed?.during, probed?.after]) {
        expect(part).toMatchObject({ lost: 0, refused: 0 })
        expect(part?.p50).not.toBeNull()
      }
      expect(probed?.before?.sent).toBeGreaterThanOrEqual(3)
      expect(probed?.after?.sent).toBeGreaterThanOrEqual(3)
      expect(checkOf(lines.at(-1))).toMatchObject({ name: `probe-tcp-${service.port}`, status: 'pass' })

      const told = lines.filter(({ type }) => type === 'probe').map(line => eventSchema.parse(line))
      expect(told).toEqual([{ schema: 1, type: 'probe', host: 'sim-1', probes: [probed] }])
      const record = contentsOf(join(product.directory, 'state')).get('events.ndjson') ?? ''
      expect(record.match(/"type":"probe"/g)).toHaveLength(1)
    })
  })

  test('a change after which nobody gets in any more is taken back: exit 4, the host as before', async () => {
    await onStage(async ({ host, product, before }) => {
      await using service = await new Service().open()
      const then = host.tree()
      before(async n => {
        if (n === 2) await service.close()
        // While it goes back all is well again, and for so long that tries would see it.
        if (n !== 4) return
        await service.open()
        await delay(1500)
      })
      const { result, document } = await product.json([...APPLY, '--probe', `tcp:${service.port}`])
      expect(only(document).status, result.stdout).toBe('rolled-back')
      expect(only(document).error?.message).toMatch(
        /^not cured: probe-tcp-\d+: none of (\d+) lost, \1 refused, .*; before none of \d+ lost, p95 /,
      )
      expect(result.exitCode).toBe(4)
      expect(withoutRuns(host.tree())).toEqual(withoutRuns(then))
      const [probed] = probesOf(document)
      expect(probed).toMatchObject({ before: { refused: 0 } })
      // What came when it was taken back is not what the change brought.
      expect(probed?.after?.refused).toBe(probed?.after?.sent)
    })
  })

  test('a service that the change brings back: the check says what it was before', async () => {
    await onStage(async ({ host, product, before }) => {
      await using service = await new Service().open()
      await service.close()
      before(n => (n === 2 ? service.open() : undefined))
      const { result, document } = await product.json([...APPLY, '--probe', `tcp:${service.port}`])
      expect(only(document).status, result.stdout).toBe('changed')
      expect(checkOf(document)?.status).toBe('pass')
      expect(checkOf(document)?.detail).toMatch(/^none of \d+ lost, p95 .*; before none of (\d+) lost, \1 refused/)
      expect(host.read(MAX)).not.toBe('')
    })
  })

  test.for([
    ['nothing listens there, before or after', null, /^nothing listens there: /],
    ['the SSH port, where whoever does not log in is shut out', 'ssh', /^not probed: its SSH port/],
    [
      'a name that nobody knows',
      'tcp:443@no-such-host.invalid',
      /^the name no-such-host.invalid could not be looked up/,
    ],
  ] as const)('%s: unknown, which takes nothing back and is no pass', async ([, what, detail]) => {
    await onStage(async ({ lab, product }) => {
      using closed = await closedPort()
      const port = lab.hosts()[0]?.vars.ansible_port
      const target = what === 'ssh' ? `tcp:${port}` : (what ?? `tcp:${closed.port}`)
      const { result, document } = await product.json([...APPLY, '--probe', target])
      expect(only(document).status, result.stdout).toBe('changed')
      expect(checkOf(document)).toMatchObject({ status: 'unknown', detail: expect.stringMatching(detail) })

      const verified = await product.json(['verify', '--strategy', 'raise', '--window', '1s', '--probe', target])
      expect(verified.result.exitCode).toBe(1)
      expect(checkOf(verified.document)?.status).toBe(what === null ? 'fail' : 'unknown')
    })
  })

  test('verify: over the window, and no other part', async () => {
    await onStage(async ({ product }) => {
      await using service = await new Service().open()
      expect((await product.run(APPLY)).exitCode).toBe(0)
      const words = ['verify', '--strategy', 'raise', '--window', '1s', '--probe', `tcp:${service.port}`]
      const { result, document } = await product.json(words)
      expect(result.exitCode, result.stdout).toBe(0)
      expect(probesOf(document)).toMatchObject([{ before: null, during: null, after: { lost: 0 } }])
      const { stdout } = await product.run(words)
      expect(stdout).toMatch(new RegExp(`^ +pass probe-tcp-${service.port}: none of \\d+ lost, p95 [\\d.]+ ms$`, 'm'))
    })
  })

  test('ping by what this machine has; none: said before any host is touched', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'ctfix-path-'))
    using _directory = { [Symbol.dispose]: () => rmSync(directory, { recursive: true }) }
    await onStage(async ({ lab, product }) => {
      const words = [...APPLY, '--probe', 'ping']
      writeFileSync(join(directory, 'ping'), '#!/bin/sh\necho ping: socket: Operation not permitted >&2\nexit 2\n')
      chmodSync(join(directory, 'ping'), 0o755)
      const none = await product.run(words, { env: { PATH: directory } })
      expect(none.exitCode, none.stderr).toBe(64)
      expect(none.stderr).toContain(
        '--probe ping: no ping that works on this machine (ping: socket: Operation not permitted)',
      )
      expect(lab.totals().connections).toBe(0)

      rmSync(join(directory, 'ping'))
      symlinkSync('/bin/busybox', join(directory, 'ping'))
      const pinged = await product.run([...words, '--output', 'json'], { env: { PATH: directory } })
      expect(pinged.exitCode, pinged.stderr).toBe(0)
      const [probed] = probesOf(JSON.parse(pinged.stdout))
      expect(probed).toMatchObject({ target: 'ping', before: { lost: 0, slow: 0 }, after: { lost: 0 } })
      expect(probed?.after?.p50).toBeLessThan(1000)
    })
  })
})
