/** Hosts for the tests of the transport, and a simulated lab with everything to reach it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { ConnectError, type ConnectReason } from '../../../src/errors.ts'
import { type Host, Secret } from '../../../src/inventory/host.ts'
import { plain } from '../../../src/lang/text.ts'
import { KnownHosts } from '../../../src/transport/known-hosts.ts'
import type { Lab, LabHost } from '../../lab/lab.ts'

export function hostOf(overrides: Partial<Host> = {}): Host {
  return {
    name: 'web-1',
    groups: ['all'],
    connection: 'ssh',
    address: '127.0.0.1',
    port: 22,
    user: 'root',
    password: null,
    privateKeyFile: null,
    become: null,
    connectTimeoutMs: null,
    legacySsh: false,
    hostKeyPolicy: null,
    exclude: null,
    strategy: null,
    options: {},
    place: { file: 'inventory.yaml', line: 1 },
    ...overrides,
  }
}

/** A lab host as the inventory would give it. */
export function fromLab({ name, vars }: LabHost, overrides: Partial<Host> = {}): Host {
  return hostOf({
    name,
    address: vars.ansible_host,
    port: vars.ansible_port,
    user: vars.ansible_user,
    privateKeyFile: vars.ansible_ssh_private_key_file ?? null,
    password: vars.ansible_password === undefined ? null : new Secret(vars.ansible_password),
    become: vars.ansible_become ? { method: 'sudo', user: 'root', exe: null, password: null } : null,
    ...overrides,
  })
}

export async function knownHostsOf(hosts: readonly LabHost[]): Promise<KnownHosts> {
  using directory = temporary()
  return await KnownHosts.load([writeKnownHosts(directory.path, hosts)])
}

/** `known_hosts` in this directory, with the keys of these; returns its path. */
export function writeKnownHosts(directory: string, hosts: readonly LabHost[]): string {
  const file = join(directory, 'known_hosts')
  writeFileSync(file, hosts.map(({ knownHosts }) => `${knownHosts}\n`).join(''))
  return file
}

/** The first of a lab. */
export function firstOf(lab: Lab): Host {
  const [first] = lab.hosts()
  if (!first) throw new Error('no host')
  return fromLab(first)
}

export function temporary(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'ctfix-transport-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

export const never = new AbortController().signal

/** The ConnectError a promise rejects with; fails the test when it is another error or none. */
export async function connectError(promise: Promise<unknown>, reason: ConnectReason): Promise<ConnectError> {
  const error = await promise.then(
    () => new Error('it did not fail'),
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof ConnectError)) throw error
  expect(error.reason, error.message).toBe(reason)
  expect(error.message).toBe(plain(error.message))
  return error
}
