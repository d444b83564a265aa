/** What the table was set to goes with its module and comes back with it, under every shell. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Change, invert, type KernelValueChange, undo } from '../../src/change/change.ts'
import { compile } from '../../src/plan/compile.ts'
import { SHELLS, Stage } from '../facts/stage.ts'
import { planOf } from '../support/changes.ts'
import { guardedHost } from '../support/guarded-host.ts'
import { SHELLS as GUARD_SHELLS, hastyLibrary } from '../support/shells.ts'

const HASHSIZE = '/sys/module/nf_conntrack/parameters/hashsize'
const MAX = '/proc/sys/net/netfilter/nf_conntrack_max'
const ESTABLISHED = '/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_established'
const FILES = [HASHSIZE, MAX, ESTABLISHED]
/** The files of the table come and go with the module; it comes with what the kernel chooses. */
const TOOLS = {
  rmmod: `sed "/^$1 /d" /proc/modules >/tmp/left; cat /tmp/left >/proc/modules; rm -r /sys/module/$1 ${MAX} ${ESTABLISHED}`,
  modprobe: `[ ! -e /tmp/refused ] || exit 1
printf '%s 16384 0 - Live 0x0\\n' "$1" >>/proc/modules; mkdir -p /sys/module/$1/parameters
echo 65536 >${HASHSIZE}; echo 65536 >${MAX}; echo 432000 >${ESTABLISHED}`,
}

const gone = (target: string, before: string): KernelValueChange => ({
  ...{ kind: 'kernel-value', layer: 'runtime', target, before, after: null, why: 'w' },
})
const module: Change = {
  ...{ kind: 'module', layer: 'runtime', target: 'nf_conntrack', before: 'loaded', after: null, why: 'w' },
}
const CHANGES: readonly Change[] = [
  gone('net.netfilter.nf_conntrack_tcp_timeout_established', '7440'),
  gone('net.netfilter.nf_conntrack_max', '1048576'),
  gone(HASHSIZE, '262144'),
  module,
]

describe.each(SHELLS)('values of a module under %s', shell => {
  let stage: Stage

  beforeEach(() => {
    stage = new Stage(
      {
        files: {
          '/proc/modules': 'nf_conntrack 172032 0 - Live 0x0\n',
          [HASHSIZE]: '262144\n',
          [MAX]: '1048576\n',
          [ESTABLISHED]: '7440\n',
          '/run/it/armed': '',
        },
        directories: ['/tmp'],
        programs: ['mktemp', 'rm'],
        tools: TOOLS,
      },
      shell,
    )
  })
  afterEach(() => stage[Symbol.dispose]())

  /** A verb of the scripts that a plan of these comes to. */
  function ask(changes: readonly Change[], verb: 'check' | 'change' | 'undo' | 'look') {
    const { apply, undo } = compile(planOf(changes), hastyLibrary())
    const text = verb === 'check' || verb === 'change' ? apply : undo
    return stage.run(`set -- /run/it ${verb}\n${text}`)
  }
  const read = (path: string): string => readFileSync(stage.path(path), 'utf8').trim()

  it('the undo puts back what they were, and may run again', () => {
    const before = ask(CHANGES, 'look').stdout
    expect(ask(CHANGES, 'check')).toMatchObject({ status: 0, stderr: '' })
    expect(ask(CHANGES, 'change')).toMatchObject({ status: 0, stderr: '' })
    expect(ask(CHANGES, 'look').stdout).toBe('absent\nabsent\nabsent\nabsent\n')
    for (let turn = 0; turn < 2; turn++) {
      expect(ask(CHANGES, 'undo')).toMatchObject({ status: 0, stderr: '' })
      expect(FILES.map(read)).toEqual(['262144', '1048576', '7440'])
      expect(ask(CHANGES, 'look').stdout).toBe(before)
    }
  })

  it('a plan that was made on other values is stale', () => {
    stage.write(MAX, '65536\n')
    expect(ask(CHANGES, 'check')).toMatchObject({ status: 75, stderr: expect.stringContaining("is now '65536'") })
  })

  it('rollback sets them once the module is loaded, and its own undo has nothing to take back but the module', () => {
    expect(ask(CHANGES, 'change').status).toBe(0)
    const back = undo(CHANGES)
    expect(back[0]).toEqual(invert(module))
    expect(ask(back, 'check')).toMatchObject({ status: 0, stderr: '' })
    expect(ask(back, 'change')).toMatchObject({ status: 0, stderr: '' })
    expect(FILES.map(read)).toEqual(['262144', '1048576', '7440'])
    expect(ask(back, 'undo')).toMatchObject({ status: 0, stderr: '' })
    expect(ask(back, 'look').stdout).toBe('absent\nabsent\nabsent\nabsent\n')
  })

  it('a module that does not come back is what is said, once', () => {
    expect(ask(CHANGES, 'change').status).toBe(0)
    mkdirSync(stage.path('/tmp/refused'))
    const said = ask(CHANGES, 'undo')
    expect(said.status).toBe(1)
    expect(said.stderr.trim().split('\n')).toEqual([
      'ctfix: cannot load module nf_conntrack',
      `ctfix: there is no ${HASHSIZE}, so what it was cannot be put back`,
    ])
  })
})

describe.each(GUARD_SHELLS)('the guard under %s', (_name, shell) => {
  it('gives the table back as it was set, whoever takes it back, and knows it by the digest', () => {
    using host = guardedHost(shell)
    const [loaded, max, established] = ['modules', 'sys/ctfix_lab/max', 'sys/ctfix_lab/established'].map(host.at)
    if (!loaded || !max || !established) return expect.unreachable()
    const files = { [loaded]: 'ctfix_lab 9 0 - Live 0x0\n', [max]: '1048576\n', [established]: '7440\n' }
    mkdirSync(host.at('sys/ctfix_lab'), { recursive: true })
    for (const [path, text] of Object.entries(files)) writeFileSync(path, text)
    host.stub('take-out', `: >'${loaded}'; rm -r '${host.at('sys/ctfix_lab')}'`)
    host.stub(
      'load-anew',
      `mkdir '${host.at('sys/ctfix_lab')}'; echo 65536 >'${max}'; echo 432000 >'${established}'; echo 'ctfix_lab 9 0 - Live 0x0' >'${loaded}'`,
    )
    // Busybox would call its own, and they the kernel of this machine.
    const edit = (_file: string, text: string): string =>
      text
        .replaceAll('bounded 10 rmmod', `bounded 10 ${host.at('bin/take-out')}`)
        .replaceAll('bounded 30 modprobe', `bounded 30 ${host.at('bin/load-anew')}`)
        .replaceAll('/proc/modules', loaded)
        .replaceAll('/sys/module/', `${host.at('sys')}/`)
    const changes = [gone(established, '7440'), gone(max, '1048576'), { ...module, target: 'ctfix_lab' }]
    for (const [run, ends] of [
      ['RUN1', (): unknown => host.fire('RUN1')],
      ['RUN2', (): unknown => host.revert('RUN2')],
      ['RUN3', (): unknown => [host.keep('RUN3'), host.revert('RUN3')]],
    ] as const) {
      expect(host.stage(run, changes, { edit })).toMatchObject({ exitCode: 0 })
      expect(host.exists('sys/ctfix_lab')).toBe(false)
      ends()
      expect(host.state(run), host.log(run)).toBe('reverted')
      expect(Object.keys(files).map(path => readFileSync(path, 'utf8'))).toEqual(Object.values(files))
      const status = host.status(run)
      expect(status.get('after')).toBe(status.get('before'))
    }
  })
})
