/** A program of ours that runs at boot, by the init system that is there. No link is needed, so undo is whole files only. */
import type { Facts } from '../../facts/facts.ts'
import { fileChanges, type Kept, type WantedFile } from '../edits.ts'
import { HEADER } from '../lines.ts'

const WHY = 'nobody else brings these rules back at boot'

/**
 * Runs `command` before the network is up; `late`: after all that may load rules of its own, which nobody here knows:
 * they would throw ours out again, and half of ours is worse than none.
 */
export function atBoot(facts: Facts, command: string, late: boolean): Kept {
  if (facts.init === 'systemd') return fileChanges(facts, bySystemd(command, late))
  const script = `#!/bin/sh\n${HEADER}\ncase \${1:-start} in start | "") ${command} ;; esac\n`
  const file = (path: string): WantedFile => ({ path, content: script, mode: '0755', why: WHY })
  const has = (path: string): boolean => facts.directories.includes(path)
  if (late) return none('what loads the rules of this host at boot is not known, and ours have to come after it')
  // The network is S10 there, and iptables S08.
  if (has('/etc/rc.d/rc3.d'))
    return fileChanges(
      facts,
      [2, 3, 4, 5].map(level => ({ ...file(`/etc/rc.d/rc${level}.d/S09ctfix`), beside: '/etc/rc.d/rc3.d' })),
    )
  if (has('/etc/network/if-pre-up.d')) {
    return fileChanges(facts, [
      { ...file('/etc/network/if-pre-up.d/ctfix'), content: `#!/bin/sh\n${HEADER}\n${command}\n` },
    ])
  }
  if (has('/etc/local.d') && has('/etc/runlevels/default/local')) {
    return fileChanges(facts, [file('/etc/local.d/ctfix.start')])
  }
  return none('there is no place for a program of ours that this init system would run at boot')
}

function bySystemd(command: string, late: boolean): WantedFile[] {
  const [target, order] = late
    ? ['multi-user', 'After=multi-user.target\n']
    : ['sysinit', 'After=local-fs.target\nBefore=network-pre.target\nWants=network-pre.target\n']
  const other = late ? 'sysinit' : 'multi-user'
  const unit = `${HEADER}\n[Unit]
Description=Flows that are not tracked (ctfix)
DefaultDependencies=no
${order}
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=${command}
`
  const dropIn = (name: string): string => `/etc/systemd/system/${name}.target.d/ctfix.conf`
  return [
    { path: '/etc/systemd/system/ctfix-notrack.service', content: unit, why: WHY },
    { path: dropIn(target), content: `${HEADER}\n[Unit]\nWants=ctfix-notrack.service\n`, ownDirectory: true, why: WHY },
    { path: dropIn(other), content: null, ownDirectory: true, why: 'its time is another now' },
  ]
}

function none(why: string): Kept {
  return { changes: [], blockers: [{ code: 'would-not-last', message: why, forceable: true }] }
}
