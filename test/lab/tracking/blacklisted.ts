/** A host that needs no state, with conntrack loaded all the same: it goes, stays gone over a boot, and comes back. */
import { expect } from 'vitest'
import { filesOf, liveRules } from '../notrack/host.ts'
import { loadConntrack, makeStateless } from './stateless.ts'
import type { Part } from './suite.ts'

const WISH = ['--strategy', 'blacklist']
const LOADED = `grep -cE '^(nf_conntrack|xt_conntrack|nft_ct) ' /proc/modules || :`
const REFUSED = 'if modprobe xt_conntrack 2>/dev/null; then echo loaded; else echo refused; fi'
const FIREWALL = 'systemctl is-active netfilter-persistent; iptables -S INPUT | head -n 1'

/** Other than what the kernel chooses, in this machine or with what is in its files. */
const SET = `echo 12288 >/sys/module/nf_conntrack/parameters/hashsize
sysctl -qw net.netfilter.nf_conntrack_max=54321 net.netfilter.nf_conntrack_tcp_timeout_established=7440
sysctl -qw net.netfilter.nf_conntrack_tcp_loose=0 net.netfilter.nf_conntrack_expect_max=77`
const VALUES = `cat /sys/module/nf_conntrack/parameters/hashsize
sysctl -a --pattern '^net.netfilter.nf_conntrack' 2>/dev/null | grep -v '_count = '`

export const blacklisted: Part = ({ it }) => {
  let run = ''
  let before = { rules: '', files: '', values: '' }

  it('blacklist: the modules are gone, and modprobe refuses to load what needs them', async ({ product, vm }) => {
    await makeStateless(vm)
    await loadConntrack(vm)
    await vm.script(SET)
    before = { rules: await liveRules(vm), files: await filesOf(vm), values: await vm.script(VALUES) }
    expect(before.values).toContain('nf_conntrack_max = 54321')
    const { result, document } = await product.json(['apply', ...WISH, '--yes', '--window', '1s'])
    const [host] = document.hosts
    expect(host?.status, `${JSON.stringify(host)}\n${result.stderr}`).toBe('changed')
    expect(result.exitCode).toBe(0)
    run = document.run
    expect((await vm.script(LOADED)).trim()).toBe('0')
    expect((await vm.script(REFUSED)).trim()).toBe('refused')
    expect(await liveRules(vm)).toBe(before.rules)
    const again = await product.json(['apply', ...WISH, '--yes', '--window', '1s'])
    expect(again.document.hosts[0], again.result.stderr).toMatchObject({ status: 'ok', changes: [] })
  })

  it('after a reboot they are still gone, the firewall is up, and verify passes', async ({ product, vm }) => {
    await vm.reboot(vm.host.name)
    expect((await vm.script(LOADED)).trim()).toBe('0')
    expect((await vm.script(FIREWALL)).trim().split('\n')).toEqual(['active', '-P INPUT DROP'])
    const { result, document } = await product.json(['verify', ...WISH, '--window', '1s'])
    expect(document.hosts[0]?.status, `${JSON.stringify(document.hosts[0])}\n${result.stderr}`).toBe('ok')
    expect((await vm.script(REFUSED)).trim()).toBe('refused')
  })

  it('rollback: they load again with the table as it was set, and every file is byte for byte what it was', async ({
    product,
    vm,
  }) => {
    const { result, document } = await product.json(['rollback', run, '--yes'])
    expect(result.exitCode, `${JSON.stringify(document.hosts[0])}\n${result.stderr}`).toBe(0)
    expect(await filesOf(vm)).toBe(before.files)
    expect(await vm.script(VALUES)).toBe(before.values)
    expect((await vm.script(REFUSED)).trim()).toBe('loaded')
  })
}
