import { describe, expect, it } from 'vitest'
import { quote } from '../../../src/lang/sh.ts'
import { compile } from '../../../src/plan/compile.ts'
import { makePlan, type Plan } from '../../../src/plan/plan.ts'
import { keepPrelude, lookPrelude, revertProgram, runQuestion, stageProgram } from '../../../src/plan/programs.ts'
import { raise } from '../../../src/strategy/raise.ts'
import { entriesChange, fileChange, planOf, valueChange } from '../../support/changes.ts'
import { CENTOS5, makeFacts } from '../../support/facts.ts'

/** The text of the functions, which have tests of their own, left out. */
const LIBRARY = '# library'
const raised = makePlan('h', { steps: [{ strategy: raise, options: { max: 131_072 } }], force: false }, makeFacts())
const RUN_DIR = '/var/lib/ctfix/RUN'

/** The body of one verb of a script. */
const verb = (script: string, name: string): string => {
  const from = script.indexOf(`do_${name}() {`)
  expect(from).toBeGreaterThan(-1)
  return script.slice(from, script.indexOf('\n}\n', from) + 3)
}

describe('the scripts of a plan', () => {
  const scripts = compile(raised, LIBRARY)

  it('apply: are functions first, then one line that calls, so that half a text does nothing', () => {
    expect(scripts.apply.slice(0, scripts.apply.indexOf('do_check'))).toMatchInlineSnapshot(`
      "#!/bin/sh
      [ "$#" -lt 3 ] || { printf '' >"$1/worker.$$"; } 2>/dev/null
      # library
      "
    `)
    expect(scripts.apply.split('\n').at(-2)).toMatchInlineSnapshot(
      `"case $2 in check | change | files) "do_$2" "$1" </dev/null ;; *) exit 64 ;; esac"`,
    )
    expect(scripts.undo.split('\n').at(-2)).toMatchInlineSnapshot(
      `"case $2 in undo | look) "do_$2" "$1" </dev/null ;; *) exit 64 ;; esac"`,
    )
  })

  it('check: everything that will be changed, files too; and then a copy of the files', () => {
    expect(verb(scripts.apply, 'check')).toMatchInlineSnapshot(`
      "do_check() {
        :
        { expect_values /sys/module/nf_conntrack/parameters/hashsize 65536 /proc/sys/net/netfilter/nf_conntrack_max 65536 || { expect_value /sys/module/nf_conntrack/parameters/hashsize 65536 && expect_value /proc/sys/net/netfilter/nf_conntrack_max 65536; }; } || exit 75
        expect_absent /etc/sysctl.d/99-zz-ctfix.conf || exit 75
        expect_absent /etc/modules-load.d/ctfix.conf || exit 75
        expect_absent /etc/modprobe.d/zz-ctfix.conf || exit 75
        keep_copy /etc/sysctl.d/99-zz-ctfix.conf >/dev/null 2>&1 || exit 74
        keep_copy /etc/modules-load.d/ctfix.conf >/dev/null 2>&1 || exit 74
        keep_copy /etc/modprobe.d/zz-ctfix.conf >/dev/null 2>&1 || exit 74
      }
      "
    `)
  })

  it('change: live values, each as long as the guard is armed, and all read back at once', () => {
    expect(verb(scripts.apply, 'change')).toMatchInlineSnapshot(`
      "do_change() {
        :
        still "$1" armed && write_value /sys/module/nf_conntrack/parameters/hashsize 131072 || exit 1
        still "$1" armed && write_value /proc/sys/net/netfilter/nf_conntrack_max 131072 || exit 1
        still "$1" armed && read_back /sys/module/nf_conntrack/parameters/hashsize /proc/sys/net/netfilter/nf_conntrack_max || exit 1
        still "$1" armed && took /sys/module/nf_conntrack/parameters/hashsize ge 131072 || exit 1
        still "$1" armed && took /proc/sys/net/netfilter/nf_conntrack_max eq 131072 || exit 1
      }
      "
    `)
  })

  it('files: first all that can fail, then the renames close together; each as long as nobody takes it back', () => {
    expect(verb(scripts.apply, 'files')).toMatchInlineSnapshot(`
      "do_files() {
        :
        still "$1" confirmed && { content_is /etc/sysctl.d/99-zz-ctfix.conf '# Written by ctfix. Remove the file, or run the undo of the run that wrote it, to go back.
      net.netfilter.nf_conntrack_max = 131072
      ' || expect_absent /etc/sysctl.d/99-zz-ctfix.conf; } || exit 1
        still "$1" confirmed && { content_is /etc/modules-load.d/ctfix.conf '# Written by ctfix. Remove the file, or run the undo of the run that wrote it, to go back.
      nf_conntrack
      ' || expect_absent /etc/modules-load.d/ctfix.conf; } || exit 1
        still "$1" confirmed && { content_is /etc/modprobe.d/zz-ctfix.conf '# Written by ctfix. Remove the file, or run the undo of the run that wrote it, to go back.
      options nf_conntrack hashsize=131072
      ' || expect_absent /etc/modprobe.d/zz-ctfix.conf; } || exit 1
        still "$1" confirmed && { stage_file /etc/sysctl.d/99-zz-ctfix.conf 0644 0:0 '# Written by ctfix. Remove the file, or run the undo of the run that wrote it, to go back.
      net.netfilter.nf_conntrack_max = 131072
      '; } || exit 1
        still "$1" confirmed && { stage_file /etc/modules-load.d/ctfix.conf 0644 0:0 '# Written by ctfix. Remove the file, or run the undo of the run that wrote it, to go back.
      nf_conntrack
      '; } || exit 1
        still "$1" confirmed && { stage_file /etc/modprobe.d/zz-ctfix.conf 0644 0:0 '# Written by ctfix. Remove the file, or run the undo of the run that wrote it, to go back.
      options nf_conntrack hashsize=131072
      '; } || exit 1
        still "$1" confirmed && { place_file /etc/sysctl.d/99-zz-ctfix.conf; } || exit 1
        still "$1" confirmed && { place_file /etc/modules-load.d/ctfix.conf; } || exit 1
        still "$1" confirmed && { place_file /etc/modprobe.d/zz-ctfix.conf; } || exit 1
        still "$1" confirmed && { settle_file /etc/sysctl.d/99-zz-ctfix.conf; } || exit 1
        still "$1" confirmed && { settle_file /etc/modules-load.d/ctfix.conf; } || exit 1
        still "$1" confirmed && { settle_file /etc/modprobe.d/zz-ctfix.conf; } || exit 1
      }
      "
    `)
  })

  it('undo: everything backwards, to its end whatever fails', () => {
    expect(verb(scripts.undo, 'undo')).toMatchInlineSnapshot(`
      "do_undo() {
        :
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
      "
    `)
  })

  it('look: every target, in the order of the plan', () => {
    expect(verb(scripts.undo, 'look')).toMatchInlineSnapshot(`
      "do_look() {
        :
        show_values /sys/module/nf_conntrack/parameters/hashsize /proc/sys/net/netfilter/nf_conntrack_max
        show_file /etc/sysctl.d/99-zz-ctfix.conf
        show_file /etc/modules-load.d/ctfix.conf
        show_file /etc/modprobe.d/zz-ctfix.conf
      }
      "
    `)
  })

  it('undo of an old kernel: takes back files that were there before', () => {
    const old = makePlan('h', { steps: [{ strategy: raise, options: {} }], force: false }, makeFacts(CENTOS5))
    expect(verb(compile(old, LIBRARY).undo, 'undo')).toMatchInlineSnapshot(`
      "do_undo() {
        :
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
      "
    `)
  })

  it('of a file that goes: it is removed, and put back', () => {
    const { apply, undo } = compile(planOf([fileChange('/etc/a', 'old\n', null)]), LIBRARY)
    expect(verb(apply, 'files')).toMatchInlineSnapshot(`
      "do_files() {
        :
        still "$1" confirmed && { [ ! -e /etc/a ] || expect_file /etc/a 'old
      '; } || exit 1
        still "$1" confirmed && { :; } || exit 1
        still "$1" confirmed && { rm -f /etc/a; } || exit 1
        still "$1" confirmed && { settle_file /etc/a; } || exit 1
      }
      "
    `)
    expect(verb(undo, 'undo')).toMatch(/^ {2}restore_gone \/etc\/a 0644 \S+ 'old$/m)
  })

  it('of entries: they go last, and what becomes of them is no reason to fail', () => {
    const selectors = [
      ['-p', 'tcp', '--dport', '80'],
      ['-p', 'udp'],
    ]
    const entries = entriesChange(7, selectors)
    const { apply, undo } = compile(planOf([entries, fileChange('/etc/a', 'old\n', null)]), LIBRARY)
    expect(verb(apply, 'files').slice(verb(apply, 'files').indexOf('settle_file'))).toMatchInlineSnapshot(`
      "settle_file /etc/a; } || exit 1
        still "$1" confirmed && { forget_entries -p tcp --dport 80 || :; } || exit 1
        still "$1" confirmed && { forget_entries -p udp || :; } || exit 1
      }
      "
    `)
    for (const name of ['change', 'check']) expect(verb(apply, name)).not.toContain('forget')
    expect(verb(compile(planOf([entries]), LIBRARY).undo, 'look')).toBe('do_look() {\n  :\n  :\n}\n')
    expect(verb(undo, 'undo')).not.toContain('forget')
  })

  it('of an empty plan are programs all the same', () => {
    const { apply, undo } = compile(planOf([]), LIBRARY)
    expect(verb(apply, 'change')).toBe('do_change() {\n  :\n}\n')
    expect(verb(undo, 'look')).toBe('do_look() {\n  :\n}\n')
  })

  it('hold what a host said as one quoted word', () => {
    const evil = `x'; rm -rf / #\n$(reboot)\`id\``
    const plan: Plan = planOf([
      { ...valueChange('/sys/a', evil, '1'), why: evil },
      fileChange('/etc/a', evil, 'b'),
      fileChange(`/etc/${evil}`, null, evil),
    ])
    for (const script of Object.values(compile(plan, LIBRARY))) {
      const rest = script.replaceAll(quote(evil), 'WORD').replaceAll(quote(`/etc/${evil}`), 'WORD')
      expect(rest).toContain('WORD')
      expect(rest).not.toMatch(/reboot|rm -rf|id`/)
    }
  })
})

describe('the programs that run them', () => {
  it('stage: fill a directory, then name it as the run, then start; all of it is on disk before anything changes', () => {
    const files = new Map([['undo.sh', "echo 'undo'\n"]])
    expect(stageProgram({ runDir: RUN_DIR, files, revertInSeconds: 60 })).toMatchInlineSnapshot(`
      "give_up() { rm -rf "$new"; printf 'ctfix: cannot fill %s: read-only, or no space left\\n' "$dir" >&2; exit 73; }
      fill() { { printf %s "$2" >"$1"; } 2>/dev/null || give_up; filled=$filled$2; }
      main() {
        umask 077
        dir=/var/lib/ctfix/RUN new=/var/lib/ctfix/RUN.new.$$ filled=
        [ ! -e "$dir" ] || { /bin/sh "$dir/guard.sh" over "$dir" && mv "$dir" "$dir.old.$$"; } 2>/dev/null
        [ ! -e "$dir" ] || { printf 'ctfix: locked: this run is under way here, see %s\\n' "$dir" >&2; exit 77; }
        mkdir -p "$new/snapshot" 2>/dev/null || { rm -rf "$new" 2>/dev/null; [ -d /var/lib/ctfix ] || dir=/var/lib/ctfix; printf 'ctfix: cannot make %s\\n' "$dir" >&2; exit 73; }
        fill "$new/"undo.sh 'echo '\\''undo'\\''
      '
        fill "$new/"begun ''
        [ "$(cd "$new" && cat undo.sh begun; printf x)" = "$filled"x ] 2>/dev/null || give_up
        sync "$new"/* "$new" 2>/dev/null || sync
        mv "$new" "$dir" || give_up
        [ ! -e "$dir/"RUN.new.$$ ] || { rm -rf "$dir/"RUN.new.$$; printf 'ctfix: locked: this run is under way here, see %s\\n' "$dir" >&2; exit 77; }
        exec /bin/sh "$dir/guard.sh" start "$dir" 60
      }
      main "$@" </dev/null
      "
    `)
  })

  it('keep: its code, what is there then and the end of the log as a frame', () => {
    expect(keepPrelude(RUN_DIR, 'nonce')).toMatchInlineSnapshot(`
      "/bin/sh /var/lib/ctfix/RUN/guard.sh keep /var/lib/ctfix/RUN >/dev/null 2>&1 </dev/null
      printf '@@%s keep\\n%s\\n' nonce "$?"
      { read -r digest </var/lib/ctfix/RUN/digest.after && printf '%s\\n' "$digest"; } 2>/dev/null
      [ ! -s /var/lib/ctfix/RUN/log ] || tail -n 5 /var/lib/ctfix/RUN/log
      "
    `)
  })

  it('revert: its code, and what is there then', () => {
    expect(revertProgram(RUN_DIR)).toMatchInlineSnapshot(`
      "for new in /var/lib/ctfix/RUN.new.*; do mv "$new" "$new.off" 2>/dev/null && rm -rf "$new.off"; done
      [ -d /var/lib/ctfix/RUN ] || exit 70
      /bin/sh /var/lib/ctfix/RUN/guard.sh revert /var/lib/ctfix/RUN </dev/null
      code=$?
      [ -d /var/lib/ctfix/RUN ] || exit 70
      cat /var/lib/ctfix/RUN/digest.after 2>/dev/null
      [ "$code" -ne 72 ] || tail -n 5 /var/lib/ctfix/RUN/log >&2
      exit "$code"
      "
    `)
  })

  it('question: status and plan as frames', () => {
    expect(runQuestion(RUN_DIR, 'nonce')).toMatchInlineSnapshot(`
      "printf '\\n@@%s status\\n' nonce
      [ ! -d /var/lib/ctfix ] || [ -x /var/lib/ctfix ] || echo denied
      [ ! -d /var/lib/ctfix/RUN ] || /bin/sh /var/lib/ctfix/RUN/guard.sh status /var/lib/ctfix/RUN </dev/null
      printf '\\n@@%s plan\\n' nonce
      cat /var/lib/ctfix/RUN/plan.json 2>/dev/null
      printf '\\n@@%s end\\n' nonce
      "
    `)
  })

  it('look: a frame for each change', () => {
    expect(lookPrelude([valueChange('/sys/a', '1', '2')], LIBRARY, 'nonce')).toMatchInlineSnapshot(`
      "(
      # library
      main() {
      printf '\\n@@%s look %s\\n' nonce 0
      show_value /sys/a
      }
      main </dev/null
      )
      "
    `)
  })
})
