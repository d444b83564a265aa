/** Modules are taken out one by one under every shell, also where the kernel does not let them go. */
import { readdirSync, readFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { applyScript, expectScript, lookScript, undoScript } from '../../src/change/kinds.ts'
import type { Script } from '../../src/lang/sh.ts'
import { SHELLS, Stage } from '../facts/stage.ts'
import { unloadModule } from '../support/changes.ts'
import { parseLook } from '../support/looks.ts'
import { hastyLibrary } from '../support/shells.ts'

const LOADED = `xt_conntrack 16384 0 - Live 0x0
nf_nat 45056 1 iptable_nat, Live 0x0
iptable_nat 16384 0 - Live 0x0
nf_conntrack 172032 2 xt_conntrack,nf_nat, Live 0x0
xt_CT 16384 3 - Live 0x0
nf_defrag_ipv4 16384 1 nf_conntrack, Live 0x0
`
/** Takes out what nothing uses; nf_conntrack hangs on its way while /tmp/queued is there. */
const RMMOD = `echo "$*" >>/tmp/asked
while read -r line; do case $line in "$1 "*) found=$line ;; esac; done </proc/modules
case $found in *' 0 - Live '*) ;; *) echo "rmmod: ERROR: Module $1 is in use" >&2; exit 1 ;; esac
rest=$(sed "/^$1 /d; s/\\\\([ ,]\\\\)$1,/\\\\1/; s/ [0-9]*  Live/ 0 - Live/" /proc/modules)
if [ -e /tmp/queued ]; then
  sed "s/^$1 \\\\([0-9]*\\\\) .*/$1 \\\\1 -1 - Unloading 0x0/" /proc/modules >/tmp/modules
  cat /tmp/modules >/proc/modules
  left=1000
  while [ -e /tmp/queued ] && [ $left -gt 0 ]; do sleep 0.02; left=$((left - 1)); done
  rest=$(sed "/^$1 /d" /proc/modules)
fi
printf '%s\\n' "$rest" >/proc/modules`
const MODPROBE = `printf '%s 16384 0 - Live 0x0\\n' "$1" >>/proc/modules`

describe.each(SHELLS)('modules.sh under %s', shell => {
  let stage: Stage

  beforeEach(() => {
    stage = new Stage(
      {
        files: { '/proc/modules': LOADED },
        directories: ['/run', '/tmp'],
        programs: ['mktemp', 'rm'],
        tools: { rmmod: RMMOD, modprobe: MODPROBE },
      },
      shell,
    )
  })
  afterEach(() => stage[Symbol.dispose]())

  // The real limits are ten seconds: a hundred naps, and ten.
  const library = hastyLibrary()
    .replace('bounded 10 rmmod', 'bounded 4 rmmod')
    .replace('"$naps" -ge 10', '"$naps" -ge 2')
    .replace('sleep 1\n    module_state', 'sleep 0.1\n    module_state')
  function run(...scripts: readonly Script[]) {
    const body = scripts.map(({ text }) => `  ${text} || return 1`).join('\n')
    return stage.run(`${library}\nmain() {\n${body}\n}\nmain </dev/null\n`)
  }
  const read = (path: string): string => readFileSync(stage.path(path), 'utf8')
  const names = (): string[] => read('/proc/modules').match(/^\w+/gm) ?? []

  it('takes out exactly one, and loads it again', () => {
    const change = unloadModule('xt-conntrack')
    expect(run(expectScript(change), applyScript({ ...change, target: 'xt_conntrack' }))).toMatchObject({
      status: 0,
      stderr: '',
    })
    expect(names()).toEqual(['nf_nat', 'iptable_nat', 'nf_conntrack', 'xt_CT', 'nf_defrag_ipv4'])
    expect(read('/tmp/asked')).toBe('xt_conntrack\n')
    expect(run(applyScript(unloadModule('xt_conntrack'))).status).toBe(0)
    expect(read('/tmp/asked')).toBe('xt_conntrack\n')
    expect(run(undoScript(unloadModule('xt_conntrack'))).status).toBe(0)
    expect(names()).toContain('xt_conntrack')
  })

  it('loads past our own refusal and past no other, with the options of all other lines', () => {
    const ours = 'install xt_conntrack /bin/false\nblacklist xt_conntrack\n'
    const past = `case $1 in
  -C) cat "$2" >/tmp/lines; ! grep -q "^install $3 " "$2" || exit 1; printf '%s 16384 0 - Live 0x0\\n' "$3" >>/proc/modules ;;
  *) ! grep -qs "^install $1 " /etc/modprobe.d/* /etc/modprobe.conf || exit 1; printf '%s 16384 0 - Live 0x0\\n' "$1" >>/proc/modules ;;
esac`
    stage.write('/usr/sbin/modprobe', `#!/bin/sh\n${past}\n`, 0o755)
    stage.write('/etc/modprobe.d/00-ctfix-blacklist.conf', ours)
    stage.write('/etc/modprobe.d/own.conf', 'options nf_conntrack hashsize=9')
    stage.write('/lib/modprobe.d/own.conf', 'options nf_conntrack hashsize=1\n')
    stage.write('/lib/modprobe.d/usual.conf', 'alias a b\n')
    stage.write('/etc/modprobe.conf', `alias eth0 e1000\n${ours}install x /bin/false\n`)
    expect(run(applyScript(unloadModule('xt_conntrack'))).status).toBe(0)
    expect(run(undoScript(unloadModule('xt_conntrack')))).toMatchObject({ status: 0 })
    expect(names()).toContain('xt_conntrack')
    expect(read('/tmp/lines')).toBe(
      'alias eth0 e1000\ninstall x /bin/false\noptions nf_conntrack hashsize=9\nalias a b\n\n',
    )
    expect(readdirSync(stage.path('/run')).filter(name => name.startsWith('ctfix'))).toEqual([])
    // Somebody else's refusal holds.
    stage.write('/etc/modprobe.d/theirs.conf', 'install xt_conntrack /bin/false\n')
    expect(run(applyScript(unloadModule('xt_conntrack'))).status).toBe(0)
    expect(run(undoScript(unloadModule('xt_conntrack')))).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/cannot load module xt_conntrack/),
    })
  })

  it('says who holds one that is in use, and leaves it', () => {
    expect(run(applyScript(unloadModule('nf_conntrack')))).toMatchObject({
      status: 1,
      stderr: 'ctfix: cannot take out module nf_conntrack: it is in use by xt_conntrack,nf_nat\n',
    })
    expect(run(applyScript(unloadModule('xt_CT'))).stderr).toContain('it is in use by rules\n')
    expect(names()).toHaveLength(6)
  })

  it('counts one that the kernel does not let go as gone with the next boot', () => {
    stage.write('/tmp/queued', '')
    const change = unloadModule('xt_conntrack')
    const first = run(applyScript(change))
    expect(first.status).toBe(0)
    expect(first.stderr).toContain('module xt_conntrack is still being taken out')
    expect(read('/proc/modules')).toContain('xt_conntrack 16384 -1 - Unloading')
    // It is neither there nor gone, and nobody asks for it twice.
    expect(parseLook(change, run(lookScript(change)).stdout)).toMatchObject({
      refused: expect.stringMatching(/still being taken out/),
    })
    for (const before of ['loaded', null] as const) {
      expect(run(expectScript({ ...change, before }))).toMatchObject({
        status: 1,
        stderr: expect.stringMatching(/unloading now/),
      })
    }
    expect(run(applyScript(change)).status).toBe(0)
    // What it holds stays with it, and that is no failure either.
    const second = run(applyScript(unloadModule('nf_conntrack')))
    expect(second).toMatchObject({ status: 0, stderr: expect.stringMatching(/nf_conntrack is held by xt_conntrack/) })
    expect(read('/tmp/asked')).toBe('xt_conntrack\n')
    expect(run(undoScript(change))).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/it is still being taken out/),
    })
    // The kernel lets go at last.
    stage.run(`mv /tmp/queued /tmp/sent
left=1000
until [ "$(sed -n '1s/ .*//p' /proc/modules)" = nf_nat ] || [ $left -le 0 ]; do sleep 0.02; left=$((left - 1)); done
`)
    expect(names()).not.toContain('xt_conntrack')
    expect(run(undoScript(change)).status).toBe(0)
    expect(names()).toContain('xt_conntrack')
  })

  it('comes to an end where everything of it hangs and nothing is said of it', () => {
    const hanging = 'left=1000; while [ ! -e /tmp/sent ] && [ $left -gt 0 ]; do sleep 0.02; left=$((left - 1)); done'
    stage.write('/usr/sbin/rmmod', `#!/bin/sh\n${hanging}\n`, 0o755)
    const { status, stderr } = run(applyScript(unloadModule('xt_conntrack')))
    stage.write('/tmp/sent', '')
    expect({ status, stderr }).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/cannot take out module xt_conntrack/),
    })
  })
})
