/**
 * The firewall of RHEL 6, whose stop takes rules out and leaves its modules in, or takes them out as well: what counts
 * after the way back is what filters, not what the script says of itself.
 */
import { readFileSync, rmSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { ModuleChange, ServiceChange } from '../../src/change/change.ts'
import { lookScript } from '../../src/change/kinds.ts'
import { compile } from '../../src/plan/compile.ts'
import { SHELLS, Stage } from '../facts/stage.ts'
import { planOf } from '../support/changes.ts'
import { parseLook } from '../support/looks.ts'
import { hastyLibrary } from '../support/shells.ts'

const RULES = ':INPUT DROP\n-A INPUT -m state --state ESTABLISHED -j ACCEPT\n-A INPUT -p tcp --dport 22 -j ACCEPT\n'
/** Its status asks for the mark, or else for tables: as it is there, word for word. */
const SCRIPT = `#!/bin/sh
IPTABLES_MODULES_UNLOAD=yes
[ ! -f /etc/sysconfig/iptables-config ] || . /etc/sysconfig/iptables-config
VAR_SUBSYS_IPTABLES=/var/lock/subsys/iptables
NF_TABLES=$(cat /run/fake/names 2>/dev/null)
status() {
    if [ ! -f "$VAR_SUBSYS_IPTABLES" -a -z "$NF_TABLES" ]; then
        echo "iptables: Firewall is not running."
        return 3
    fi
    if [ -z "$NF_TABLES" ]; then
        echo "iptables: Firewall modules are not loaded."
        return 3
    fi
    return 0
}
stop() {
    printf '' >/run/fake/rules
    if [ "$IPTABLES_MODULES_UNLOAD" = yes ]; then printf '' >/run/fake/names; rm -rf /sys/module/xt_state; fi
    rm -f $VAR_SUBSYS_IPTABLES
}
start() {
    cat /etc/sysconfig/iptables >/run/fake/rules
    printf filter >/run/fake/names
    mkdir -p /sys/module/xt_state
    printf '' >$VAR_SUBSYS_IPTABLES
}
case $1 in
  start) [ ! -f "$VAR_SUBSYS_IPTABLES" ] || stop; start ;;
  stop) stop ;;
  status) status ;;
esac
`
const PLATFORM = {
  files: {
    '/etc/rc.d/init.d/iptables': [SCRIPT, 0o755],
    '/etc/sysconfig/iptables': RULES,
    '/var/lock/subsys/iptables': '',
    '/run/fake/names': 'filter\n',
    '/run/fake/rules': RULES,
    '/run/ctfix/armed': '',
    '/proc/modules': '',
  },
  links: { '/etc/init.d': 'rc.d/init.d' },
  directories: ['/sys/module/xt_state'],
  tools: {
    service: 'exec "/etc/init.d/$1" "$2"',
    modprobe: 'mkdir -p "/sys/module/$1"',
    rmmod: 'rm -rf "/sys/module/$1"',
  },
  programs: ['rm'],
} as const

const stop: ServiceChange = {
  ...{ kind: 'service', layer: 'runtime', target: 'iptables', before: 'running', after: null, why: 'w' },
}
const unload: ModuleChange = {
  ...{ kind: 'module', layer: 'runtime', target: 'xt_state', before: 'loaded', after: null, why: 'w' },
}

describe.each(SHELLS)('services.sh under %s', shell => {
  const { apply, undo } = compile(planOf([stop, unload]), hastyLibrary())

  it.each(['no', 'yes'])('has rules live again after the way back, with IPTABLES_MODULES_UNLOAD=%s', unloads => {
    using stage = new Stage(PLATFORM, shell)
    stage.write('/etc/sysconfig/iptables-config', `IPTABLES_MODULES_UNLOAD=${unloads}\n`)
    const live = (): string => readFileSync(stage.path('/run/fake/rules'), 'utf8')
    const look = (change: ServiceChange | ModuleChange): unknown =>
      parseLook(change, stage.run(`${hastyLibrary()}\n${lookScript(change).text}\n`).stdout)

    expect(stage.run(apply, ['/run/ctfix', 'check'])).toMatchObject({ status: 0, stderr: '' })
    expect(stage.run(apply, ['/run/ctfix', 'change'])).toMatchObject({ status: 0, stderr: '' })
    expect(live()).toBe('')
    expect([look(stop), look(unload)]).toEqual([{ state: null }, { state: null }])
    for (let times = 0; times < 2; times++) {
      expect(stage.run(undo, ['/run/ctfix', 'undo'])).toMatchObject({ status: 0, stderr: '' })
      expect(live()).toBe(RULES)
      expect([look(stop), look(unload)]).toEqual([{ state: 'running' }, { state: 'loaded' }])
    }
  })

  it('starts it whatever it says of itself where its stop came half its way', () => {
    using stage = new Stage(PLATFORM, shell)
    const live = (): string => readFileSync(stage.path('/run/fake/rules'), 'utf8')
    // Rules are out, and a module does not go.
    const script = SCRIPT.replace(
      "printf '' >/run/fake/rules\n",
      flush => `${flush}    [ ! -e /run/fake/busy ] || exit 1\n`,
    )
    expect(script).not.toBe(SCRIPT)
    stage.write('/etc/rc.d/init.d/iptables', script, 0o755)
    stage.write('/run/fake/busy', '')
    expect(stage.run(apply, ['/run/ctfix', 'change']).status).not.toBe(0)
    expect(live()).toBe('')
    // As long as it does not start it may not be taken to run.
    expect(stage.run(undo, ['/run/ctfix', 'undo'])).toMatchObject({
      ...{ status: 1, stderr: 'ctfix: cannot start service iptables\n' },
    })
    rmSync(stage.path('/run/fake/busy'))
    expect(stage.run(undo, ['/run/ctfix', 'undo'])).toMatchObject({ status: 0, stderr: '' })
    expect(live()).toBe(RULES)
    // From then on what somebody does to it is theirs.
    stage.write('/run/fake/rules', 'theirs')
    expect(stage.run(undo, ['/run/ctfix', 'undo'])).toMatchObject({ status: 0, stderr: '' })
    expect(live()).toBe('theirs')
  })
})
