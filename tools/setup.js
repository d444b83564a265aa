/** Sets up what a command needs on a fresh machine. Plain JavaScript: it runs on whatever Node is there, old ones too. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PACKAGES } from './packages.js'

export const ROOT = fileURLToPath(new URL('..', import.meta.url))
const STAMP = join(ROOT, 'node_modules', '.ctfix-lock')
/** Where the packages' own commands lie. */
export const BIN = join(ROOT, 'node_modules', '.bin')

/** Ends with one sentence, no stack. */
export function giveUp(message) {
  process.stderr.write(`ctfix: ${message}\n`)
  process.exit(1)
}

/** Runs a command with the project's own tools first on PATH; ends this process when it fails, unless told not to. */
export function run(command, args, { env = {}, mayFail = false, quiet = false } = {}) {
  const PATH = [BIN, '/usr/sbin', '/sbin', process.env.PATH].join(delimiter)
  const stdio = quiet ? ['ignore', 'ignore', 'pipe'] : ['ignore', 'inherit', 'inherit']
  const result = spawnSync(command, args, { cwd: ROOT, stdio, env: { ...process.env, PATH, ...env } })
  if (result.error) giveUp(`cannot run ${command}: ${result.error.message}`)
  if (result.status !== 0 && quiet) process.stderr.write(result.stderr)
  if (result.status !== 0 && !mayFail) process.exit(result.status ?? 1)
  return result.status === 0
}

/** Installs the npm packages of the lock file, once for each lock file. */
export function ensureModules() {
  const lock = createHash('sha256')
    .update(readFileSync(join(ROOT, 'package-lock.json')))
    .digest('hex')
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === lock) return
  process.stderr.write('ctfix: installing npm packages (npm ci)\n')
  run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'])
  writeFileSync(STAMP, lock)
}

/** The Node this project runs on: its own, else the machine's where that is new enough. */
export function nodeBinary() {
  const own = join(BIN, 'node')
  if (existsSync(own)) return own
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major > 22 || (major === 22 && minor >= 22)) return process.execPath
  giveUp(`Node ${process.versions.node} is too old and no other came with the packages: needs Node 22.22 or newer`)
}

function has(command) {
  const places = ['/usr/sbin', '/sbin', ...(process.env.PATH ?? '').split(delimiter)]
  return places.some(place => existsSync(join(place, command)))
}

/** Names of Debian packages that are wanted and whose command is missing. */
function missing(groups) {
  const wanted = Object.assign({}, ...groups.map(group => PACKAGES[group]))
  return Object.entries(wanted).filter(([, command]) => !has(command))
}

/**
 * Installs what the groups need: on Debian and Ubuntu as root through apt, elsewhere it only says what is missing.
 * Resolves to true when everything is there.
 */
export function ensurePackages(groups) {
  const absent = missing(groups)
  if (absent.length === 0) return true
  const names = absent.map(([name]) => name)
  const commands = absent.map(([name, command]) => `${command} (Debian package ${name})`).join(', ')
  if (!has('apt-get') || process.getuid?.() !== 0) {
    process.stderr.write(`ctfix: missing on this machine: ${commands}\n`)
    return false
  }
  process.stderr.write(`ctfix: installing ${names.join(' ')}\n`)
  const env = { DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
  const apt = args =>
    run('apt-get', ['-qq', '-o', 'DPkg::Lock::Timeout=600', ...args], { env, mayFail: true, quiet: true })
  // A fresh machine has no lists yet, and old lists name packages that are gone.
  apt(['update'])
  // A package may bring a daemon; nothing of ours wants it started by the package.
  const policy = '/usr/sbin/policy-rc.d'
  const guarded = !existsSync(policy)
  if (guarded) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  const done = apt(['install', '-y', '--no-install-recommends', ...names])
  if (guarded) run('rm', ['-f', policy])
  return done && missing(groups).length === 0
}
