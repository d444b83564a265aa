#!/usr/bin/env node
// Written for any Node, so that an old one gets a sentence and not a syntax error.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import * as module from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = path => fileURLToPath(new URL(path, import.meta.url))
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

if (major > 22 || (major === 22 && minor >= 22)) {
  // Compiled modules are kept for the next start; in the user's own place, since what lies there is run.
  const caches = process.env.XDG_CACHE_HOME || (process.env.HOME && join(process.env.HOME, '.cache'))
  if (caches) module.enableCompileCache(join(caches, 'ctfix'))
  // A checkout runs from src/ (Node strips the types), a package from dist/.
  const source = here('../src/main.ts')
  await import(existsSync(source) ? '../src/main.ts' : '../dist/main.js')
} else {
  const own = here('../node_modules/.bin/node')
  if (existsSync(own)) {
    const child = spawn(own, [here('./ctfix.js'), ...process.argv.slice(2)], { stdio: 'inherit' })
    // Ctrl-C reaches both; what it means is the run's to decide, and this process must not leave before it.
    process.on('SIGINT', () => {})
    for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
    child.once('exit', (code, signal) => {
      process.exitCode = signal ? 130 : (code ?? 70)
    })
  } else {
    process.stderr.write(`ctfix needs Node 22.22 or newer, this is ${process.versions.node}\n`)
    process.exitCode = 64
  }
}
