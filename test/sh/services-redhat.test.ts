/**
 * The firewall of RHEL 5 and 6: its script calls it running for as long as its tables are in the kernel, and its start
 * begins with a stop, which takes modules out.
 */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { applyScript, expectScript, lookScript, undoScript } from '../../src/change/kinds.ts'
import type { Script } from '../../src/lang/sh.ts'
import { SHELLS, Stage } from '../facts/stage.ts'
import { stopService, unloadModule } from '../support/changes.ts'
import { parseLook } from '../support/looks.ts'
import { hastyLibrary } from '../support/shells.ts'

// Without IPTABLES_MODULES_UNLOAD a stop leaves the tables, and only its own mark tells.
const SCRIPT = `#!/bin/sh
case $1 in
  start)
    [ ! -e /run/fake/broken ] || exit 1
    printf '' >/proc/modules
    printf '' >/var/lock/subsys/iptables ;;
  stop) rm -f /var/lock/subsys/iptables ;;
  status) printf 'Table: filter\\n' ;;
esac
`
const PLATFORM = {
  files: {
    '/etc/rc.d/init.d/iptables': [SCRIPT, 0o755],
    '/var/lock/subsys/iptables': '',
    '/proc/net/ip_tables_names': 'filter\n',
  },
  links: { '/etc/init.d': 'rc.d/init.d' },
  directories: ['/run/fake'],
  tools: {
    service: 'exec "/etc/init.d/$1" "$2"',
    modprobe: `grep -qs "^$1 " /proc/modules || printf '%s 1 0 - Live 0x0\\n' "$1" >>/proc/modules`,
  },
  programs: ['rm'],
} as const

const stop = stopService('iptables')

describe.each(SHELLS)('services.sh under %s', shell => {
  const run = (stage: Stage, ...scripts: readonly Script[]) => {
    const body = scripts.map(({ text }) => `  { ${text}; } || return 1`).join('\n')
    return stage.run(`${hastyLibrary()}\nmain() {\n${body}\n}\nmain </dev/null\n`)
  }
  const look = (stage: Stage): unknown => parseLook(stop, run(stage, lookScript(stop)).stdout)

  it('believes the mark of such a service, not its status', () => {
    using stage = new Stage(PLATFORM, shell)
    expect(look(stage)).toEqual({ state: 'running' })
    expect(run(stage, expectScript(stop), applyScript(stop), applyScript(stop))).toMatchObject({
      status: 0,
      stderr: '',
    })
    expect(look(stage)).toEqual({ state: null })
    stage.write('/run/fake/broken', '')
    expect(run(stage, undoScript(stop))).toMatchObject({ status: 1, stderr: 'ctfix: cannot start service iptables\n' })
  })

  it('brings back what the start of the service has taken out again', () => {
    using stage = new Stage({ ...PLATFORM, files: { ...PLATFORM.files, '/proc/modules': '' } }, shell)
    stage.run('rm /var/lock/subsys/iptables\n')
    const back = [unloadModule('ip_conntrack'), unloadModule('ip_conntrack_ftp'), stop].map(undoScript)
    expect(run(stage, ...back)).toMatchObject({ status: 0, stderr: '' })
    expect(readFileSync(stage.path('/proc/modules'), 'utf8')).toMatch(/^ip_conntrack 1 .*\nip_conntrack_ftp 1 .*\n$/)
  })
})
