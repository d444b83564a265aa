/** Places where a run can be made to stand still, on the host between two of its tools or on the way to it. */

import { execFileSync } from 'node:child_process'
import { closeSync, constants, existsSync, mkdirSync, openSync, renameSync, watch, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Child } from '../simulated/child.ts'
import type { FakeHost } from '../simulated/debian.ts'
import type { SimHost } from '../simulated/host.ts'
import type { SimulatedLab } from '../simulated.ts'

/** One host, seen from all sides. */
export interface Scene {
  readonly host: FakeHost
  readonly sim: SimHost
  readonly lab: SimulatedLab
}

/** A run that stands still somewhere, or will. */
export interface Gate extends Disposable {
  readonly reached: Promise<void>
  open(): Promise<void>
}

export interface ToolPlace {
  readonly tool: string
  /** Its words, as a pattern of sh's `case`. */
  readonly words: string
  readonly side: 'before' | 'after'
  /** Only while a run on the host is in this state. */
  readonly state?: 'armed' | 'confirmed' | 'kept'
}

export interface ScriptPlace {
  /** Of the shell that runs it, as a pattern of sh's `case`; the script is the first. */
  readonly words: string
  /** What the line begins with that it stands still before, as sed has it. */
  readonly line: string
}

/** Where `sh` scripts of a sandbox find what a gate is made of; no scenario looks in /dev. */
const PLACE = '/dev/gate'
const STAND = `: >${PLACE}/reached && read -r _ <${PLACE}/go`

/** Makes a tool of the host stand still, once, before or after it does its work. */
export function gateInTool(scene: Scene, { tool, words, side, state }: ToolPlace): Gate {
  const here = state === undefined ? ':' : `ls /var/lib/ctfix/*/${state} >/dev/null 2>&1`
  return gateAt(scene, tool, `case "$*" in ${words}) ${here} ;; *) false ;; esac`, real =>
    side === 'before' ? `${STAND}; exec ${real} "$@"` : `${real} "$@"; code=$?; ${STAND}; exit "$code"`,
  )
}

/** Makes a script stand still, once, between two of its lines: where it starts no tool there is none to stand still. */
export function gateInScript(scene: Scene, { words, line }: ScriptPlace): Gate {
  const insert = `/bin/busybox sed -i 's|^ *${line}|${STAND.replaceAll('&', '\\&')}\\n&|' "$1"`
  return gateAt(scene, 'sh', `case "$*" in ${words}) : ;; *) false ;; esac`, real => `${insert}; exec ${real} "$@"`)
}

/** Puts something in the place of a tool that does `act` the first time that all is as `condition` says. */
function gateAt({ host }: Scene, tool: string, condition: string, act: (real: string) => string): Gate {
  const directory = join(host.root, PLACE)
  mkdirSync(directory)
  execFileSync('mkfifo', [join(directory, 'go')])
  // Kept open, so that a word said before anybody listens is not lost; and nothing waits for whoever was killed there.
  const go = openSync(join(directory, 'go'), constants.O_RDWR | constants.O_NONBLOCK)
  const real = setAside(host, tool)
  const text = `${condition} && mkdir ${PLACE}/taken 2>/dev/null && { ${act(real)}; }\nexec ${real} "$@"`
  const path = tool === 'sh' ? '/bin/sh' : `/usr/sbin/${tool}`
  host.put(path, { content: `#!${tool === 'sh' ? '/bin/dash' : '/bin/sh'}\n${text}\n`, mode: 0o755 })

  const { promise: reached, resolve } = Promise.withResolvers<void>()
  const watcher = watch(directory, (_, name) => {
    if (name === 'reached') resolve()
  })
  return {
    reached,
    open: async () => void writeSync(go, 'go\n'),
    [Symbol.dispose]() {
      watcher.close()
      closeSync(go)
    },
  }
}

/** Where the tool itself is from now on. */
function setAside(host: FakeHost, tool: string): string {
  if (tool === 'sh') {
    renameSync(join(host.root, 'bin/sh'), join(host.root, 'bin/dash'))
    return '/bin/dash'
  }
  const stub = join(host.root, 'usr/sbin', tool)
  if (!existsSync(stub)) return `/bin/busybox ${tool}`
  renameSync(stub, `${stub}.real`)
  return `/usr/sbin/${tool}.real`
}

/** Makes the n-th command wait: before the host begins it, or when it has ended and nobody has heard of it. */
export function gateInExec({ sim, host }: Scene, n: number, side: 'asked' | 'answered'): Gate {
  const reached = Promise.withResolvers<void>()
  const opened = Promise.withResolvers<void>()
  let count = 0
  const stand = (): Promise<void> => {
    reached.resolve()
    return opened.promise
  }
  sim.answer(async request => {
    count += 1
    const here = count === n
    if (here && side === 'asked') await stand()
    const answer = await host.answer(request)
    if (here && side === 'answered') await stand()
    return answer
  })
  return { reached: reached.promise, open: async () => opened.resolve(), [Symbol.dispose]: () => opened.resolve() }
}

/** Makes the n-th connection stand still after the server's first word; opened, it breaks, and the next goes through. */
export function gateInConnect({ sim, lab }: Scene, n: number): Gate {
  const { promise: reached, resolve } = Promise.withResolvers<void>()
  sim.onGuest = async count => {
    if (count === n - 1) await sim.failConnect('stall', 1)
    if (count === n) resolve()
  }
  if (n === 1) void sim.failConnect('stall', 1)
  return { reached, open: () => lab.sever(sim.name), [Symbol.dispose]() {} }
}

/** A run that waits for a person to say yes. */
export function gateAtQuestion(child: Child): Gate {
  const reached = child.says(/\[y\/N\] /)
  return { reached, open: async () => child.answer('y'), [Symbol.dispose]() {} }
}
