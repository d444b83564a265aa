import { describe, expect, it } from 'vitest'
import { quote } from '../../../src/lang/sh.ts'
import { compile, persistPrelude, stageProgram, undoProgram } from '../../../src/plan/compile.ts'
import { makePlan, type Plan } from '../../../src/plan/plan.ts'
import { raise } from '../../../src/strategy/raise.ts'
import { CENTOS5, makeFacts } from '../../support/facts.ts'

/** The text of change.sh, which has tests of its own, left out. */
const LIBRARY = '# library'
const raised = makePlan('h', { steps: [{ strategy: raise, options: { max: 131_072 } }], force: false }, makeFacts())
const empty: Plan = { ...raised, changes: [] }

describe('the scripts of a plan', () => {
  const scripts = compile(raised, LIBRARY)

  it('apply: first every check, of files too, then live values', () => {
    expect(scripts.apply).toMatchInlineSnapshot(`
      "#!/bin/sh
      # library
      main() {
        expect_value /sys/module/nf_conntrack/parameters/hashsize 65536 || exit 75
        expect_value /proc/sys/net/netfilter/nf_conntrack_max 65536 || exit 75
        expect_absent /etc/sysctl.d/99-zz-ctfix.conf || exit 75
        expect_absent /etc/modules-load.d/ctfix.conf || exit 75
        expect_absent /etc/modprobe.d/zz-ctfix.conf || exit 75
        put_value /sys/module/nf_conntrack/parameters/hashsize ge 131072 || undo_and_exit "$1"
        put_value /proc/sys/net/netfilter/nf_conntrack_max eq 131072 || undo_and_exit "$1"
      }
      main "$@" </dev/null
      "
    `)
  })

  it('persist: checks files once more, then writes them', () => {
    expect(scripts.persist).toMatchInlineSnapshot(`
      "#!/bin/sh
      # library
      main() {
        expect_absent /etc/sysctl.d/99-zz-ctfix.conf || undo_and_exit "$1"
        expect_absent /etc/modules-load.d/ctfix.conf || undo_and_exit "$1"
        expect_absent /etc/modprobe.d/zz-ctfix.conf || undo_and_exit "$1"
        put_file /etc/sysctl.d/99-zz-ctfix.conf 0644 0:0 '# Written by ctfix. Remove the file, or run the undo of the run that wrote it, to go back.
      net.netfilter.nf_conntrack_max = 131072
      ' || undo_and_exit "$1"
        put_file /etc/modules-load.d/ctfix.conf 0644 0:0 '# Written by ctfix. Remove the file, or run the undo of the run that wrote it, to go back.
      nf_conntrack
      ' || undo_and_exit "$1"
        put_file /etc/modprobe.d/zz-ctfix.conf 0644 0:0 '# Written by ctfix. Remove the file, or run the undo of the run that wrote it, to go back.
      options nf_conntrack hashsize=131072
      ' || undo_and_exit "$1"
      }
      main "$@" </dev/null
      "
    `)
  })

  it('undo: everything backwards, to its end whatever fails', () => {
    expect(scripts.undo).toMatchInlineSnapshot(`
      "#!/bin/sh
      # library
      main() {
        failed=0
        drop_ours /etc/modprobe.d/zz-ctfix.conf '# Written by ctfix. Remove the file, or run the undo of the run that wrote it, to go back.
      options nf_conntrack hashsize=131072
      ' || failed=1
        drop_ours /etc/modules-load.d/ctfix.conf '# Written by ctfix. Remove the file, or run the undo of the run that wrote it, to go back.
      nf_conntrack
      ' || failed=1
        drop_ours /etc/sysctl.d/99-zz-ctfix.conf '# Written by ctfix. Remove the file, or run the undo of the run that wrote it, to go back.
      net.netfilter.nf_conntrack_max = 131072
      ' || failed=1
        restore_value /proc/sys/net/netfilter/nf_conntrack_max eq 131072 65536 || failed=1
        restore_value /sys/module/nf_conntrack/parameters/hashsize ge 131072 65536 || failed=1
        return "$failed"
      }
      main "$@" </dev/null
      "
    `)
  })

  it('of an old kernel take back files that were there before', () => {
    const old = makePlan('h', { steps: [{ strategy: raise, options: {} }], force: false }, makeFacts(CENTOS5))
    expect(compile(old, LIBRARY).undo).toMatchInlineSnapshot(`
      "#!/bin/sh
      # library
      main() {
        failed=0
        restore_ours /etc/sysconfig/iptables-config 'IPTABLES_MODULES="ip_conntrack_netbios_ns"
      IPTABLES_MODULES_UNLOAD="no"
      ' 0644 0:0 'IPTABLES_MODULES="ip_conntrack_netbios_ns"
      IPTABLES_MODULES_UNLOAD="yes"
      ' || failed=1
        restore_ours /etc/modprobe.conf 'alias eth0 e1000
      options ip_conntrack hashsize=131072
      ' 0644 0:0 'alias eth0 e1000
      ' || failed=1
        drop_ours /etc/sysconfig/modules/ctfix.modules '#!/bin/sh
      # Written by ctfix: rc.sysinit runs this before it applies /etc/sysctl.conf.
      /sbin/modprobe ip_conntrack
      ' || failed=1
        restore_ours /etc/sysctl.conf '# Kernel sysctl configuration file
      net.ipv4.ip_forward = 0
      net.ipv4.netfilter.ip_conntrack_max = 262144
      ' 0644 0:0 '# Kernel sysctl configuration file
      net.ipv4.ip_forward = 0
      ' || failed=1
        restore_value /proc/sys/net/ipv4/netfilter/ip_conntrack_max eq 262144 65536 || failed=1
        restore_value /sys/module/ip_conntrack/parameters/hashsize ge 131072 8192 || failed=1
        return "$failed"
      }
      main "$@" </dev/null
      "
    `)
  })

  it('of an empty plan are programs all the same', () => {
    expect(compile(empty, LIBRARY).apply).toBe('#!/bin/sh\n# library\nmain() {\n}\nmain "$@" </dev/null\n')
  })

  it('hold what a host said as one quoted word', () => {
    const evil = `x'; rm -rf / #\n$(reboot)\`id\``
    const state = { content: evil, mode: '0644', owner: '0:0', label: null }
    const plan: Plan = {
      ...empty,
      changes: [
        { kind: 'kernel-value', layer: 'runtime', target: '/sys/a', before: evil, after: '1', why: evil },
        {
          kind: 'file',
          layer: 'persistent',
          target: '/etc/a',
          before: state,
          after: { ...state, content: 'b' },
          why: 'w',
        },
      ],
    }
    for (const script of Object.values(compile(plan, LIBRARY))) {
      const rest = script.replaceAll(quote(evil), 'WORD')
      expect(rest).not.toMatch(/reboot|rm -rf|id`/)
    }
  })
})

describe('the programs that run them', () => {
  it('stage: fill the directory, then apply from it; undo.sh is on disk before anything changes', () => {
    expect(stageProgram('/var/lib/ctfix/RUN', new Map([['undo.sh', "echo 'undo'\n"]]))).toMatchInlineSnapshot(`
      "give_up() { rm -rf "$dir"; printf 'ctfix: cannot fill %s: read-only, or no space left\\n' "$dir" >&2; exit 73; }
      main() {
        umask 077
        dir=/var/lib/ctfix/RUN
        { mkdir -p /var/lib/ctfix && mkdir "$dir"; } 2>/dev/null || { printf 'ctfix: cannot make %s\\n' "$dir" >&2; exit 73; }
        { printf %s 'echo '\\''undo'\\''
      ' >"$dir/"undo.sh && [ "$(cat "$dir/"undo.sh; printf x)" = 'echo '\\''undo'\\''
      'x ]; } 2>/dev/null || give_up
        sync "$dir/undo.sh" 2>/dev/null || sync
        /bin/sh "$dir/apply.sh" "$dir" >>"$dir/log" 2>&1
        code=$?
        cat "$dir/log" >&2
        return "$code"
      }
      main "$@" </dev/null
      "
    `)
  })

  it('persist: its code and the end of the log as a frame', () => {
    expect(persistPrelude('/var/lib/ctfix/RUN', 'nonce')).toMatchInlineSnapshot(`
      "/bin/sh /var/lib/ctfix/RUN/persist.sh /var/lib/ctfix/RUN >>/var/lib/ctfix/RUN/log 2>&1 </dev/null
      printf '@@%s persist\\n%s\\n' nonce "$?"
      tail -n 5 /var/lib/ctfix/RUN/log
      "
    `)
  })

  it('undo: the script that was staged', () => {
    expect(undoProgram('/var/lib/ctfix/RUN')).toBe('/bin/sh /var/lib/ctfix/RUN/undo.sh /var/lib/ctfix/RUN </dev/null\n')
  })
})
