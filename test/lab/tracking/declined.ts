/** Hosts on which nothing may be taken out, each for a reason of its own, and nothing of them is touched. */
import { expect } from 'vitest'
import { digestOf } from '../digest.ts'
import { loadConntrack, makeStateless } from './stateless.ts'
import type { Part } from './suite.ts'

interface Scene {
  readonly what: string
  readonly set: string
  readonly unset: string
  readonly code: string
}

const STATE = '-A INPUT -p udp -m conntrack --ctstate ESTABLISHED -j ACCEPT'

const SCENES: readonly Scene[] = [
  {
    what: 'a live rule about states',
    set: `iptables ${STATE}`,
    unset: `iptables ${STATE.replace('-A', '-D')}`,
    code: 'rules-need-tracking',
  },
  {
    what: 'a saved rule about states, and no live one',
    set: `sed -i 's/^COMMIT/${STATE}\\nCOMMIT/' /etc/iptables/rules.v4`,
    unset: `sed -i '/ctstate/d' /etc/iptables/rules.v4`,
    code: 'saved-rules-need-tracking',
  },
  {
    what: 'NAT',
    set: 'iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE',
    unset: 'iptables -t nat -D POSTROUTING -o eth0 -j MASQUERADE; nft delete table ip nat',
    code: 'nat-in-use',
  },
  {
    what: 'a router that translates for others',
    set: 'sysctl -qw net.ipv4.ip_forward=1; iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE',
    unset:
      'sysctl -qw net.ipv4.ip_forward=0; iptables -t nat -D POSTROUTING -o eth0 -j MASQUERADE; nft delete table ip nat',
    code: 'forwards',
  },
  {
    what: 'a host of containers',
    // A service: what a script leaves behind may end with it.
    set: 'cp /bin/sleep /run/dockerd && systemd-run -q --unit lab-dockerd /run/dockerd 600',
    unset: 'systemctl stop lab-dockerd && rm /run/dockerd',
    code: 'module-in-use',
  },
  {
    what: 'a balancer',
    set: 'modprobe ip_vs',
    unset: 'modprobe -r ip_vs; modprobe nf_conntrack',
    code: 'module-in-use',
  },
]

export const declined: Part = ({ it }) => {
  it('where something needs it blacklist declines, says what, and touches nothing', async ({ product, vm }) => {
    await makeStateless(vm)
    await loadConntrack(vm)
    for (const { what, set, unset, code } of SCENES) {
      await vm.script(set)
      const before = await digestOf(vm, vm.host.name)
      const { result, document } = await product.json(['apply', '--strategy', 'blacklist', '--yes'])
      const [host] = document.hosts
      expect(host?.status, `${what}: ${JSON.stringify(host)}\n${result.stderr}`).toBe('blocked')
      expect(result.exitCode).toBe(9)
      expect(
        host?.blockers.map(blocker => blocker.code),
        what,
      ).toContain(code)
      expect(await digestOf(vm, vm.host.name), what).toEqual(before)
      process.stdout.write(`declined, ${what}: ${host?.blockers[0]?.message}\n`)
      await vm.script(unset)
    }
  })
}
