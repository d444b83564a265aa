/** What boot starts and lives on conntrack, and what its table was set to, as the probe sees them under every shell. */
import { describe, expect, it } from 'vitest'
import { parseProbe } from '../../src/facts/parse.ts'
import { PLATFORMS } from '../facts/platforms.ts'
import { SHELLS, Stage } from '../facts/stage.ts'

const base = PLATFORMS['debian12-full'] ?? expect.unreachable()
const SYSTEM = '/etc/systemd/system'
const FILES = {
  ...{ '/lib/systemd/system/kubelet.service': '', '/lib/systemd/system/docker.service': '' },
  ...{ '/lib/systemd/system/docker.socket': '', '/lib/systemd/system/libvirtd.service': '' },
  '/proc/sys/net/netfilter/nf_conntrack_tcp_loose': '0\n',
  '/proc/sys/net/netfilter/nf_conntrack_frag6_timeout': '60\n',
}
const LINKS = {
  [`${SYSTEM}/multi-user.target.wants/kubelet.service`]: '/lib/systemd/system/kubelet.service',
  [`${SYSTEM}/sockets.target.wants/docker.socket`]: '/lib/systemd/system/docker.socket',
}

describe.each(SHELLS)('the probe under %s', shell => {
  it('finds them', () => {
    using stage = new Stage(
      {
        ...base,
        files: { ...base.files, ...FILES, '/proc/4711/comm': 'dockerd\n' },
        links: { ...base.links, ...LINKS },
        programs: ['mktemp', 'rm', ...(base.programs ?? [])],
      },
      shell,
    )
    const { stdout, nonce } = stage.probe({ tracking: true })
    const { tracking, max, buckets, managers } = parseProbe('web-1', stdout, nonce)
    expect(managers).toContain('docker')
    const named = tracking?.services.filter(({ name }) => ['kubelet', 'docker', 'libvirtd'].includes(name))
    expect(named?.map(({ name, enabled }) => [name, enabled])).toEqual([
      ['docker', true],
      ['kubelet', true],
      ['libvirtd', false],
    ])
    const { values = {} } = tracking ?? {}
    expect(values['net.netfilter.nf_conntrack_max']).toBe(String(max))
    expect(values['/sys/module/nf_conntrack/parameters/hashsize']).toBe(String(buckets))
    expect(values['net.netfilter.nf_conntrack_tcp_loose']).toBe('0')
    for (const name of ['count', 'buckets', 'frag6_timeout']) {
      expect(values).not.toHaveProperty([`net.netfilter.nf_conntrack_${name}`])
    }
  })
})
