/** What holds conntrack and what brings it back at boot, asked for under every shell; and that asking changes nothing. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { TrackingFacts } from '../../src/facts/asked.ts'
import { parseProbe } from '../../src/facts/parse.ts'
import { PLATFORMS } from '../facts/platforms.ts'
import { SHELLS, Stage } from '../facts/stage.ts'

const base = PLATFORMS['debian12-full'] ?? expect.unreachable()
const RELEASE = /echo (\S+)/.exec(base.tools?.uname ?? '')?.[1] ?? expect.unreachable()

const DEP = `kernel/net/netfilter/nf_conntrack.ko.xz: kernel/net/ipv4/netfilter/nf_defrag_ipv4.ko.xz
kernel/net/netfilter/xt_conntrack.ko.xz: kernel/net/netfilter/nf_conntrack.ko.xz
kernel/net/netfilter/nf-nat.ko.xz: kernel/net/netfilter/nf_conntrack.ko.xz
kernel/net/netfilter/nft_ct.ko.xz: kernel/net/netfilter/nf_conntrack.ko.xz
kernel/fs/ext4/ext4.ko.xz:
`

/** Says what kmod says, and writes down how it was asked: only a question may come. */
const MODPROBE = `echo "$*" >>/tmp/asked
case $* in
  '--show-depends nf_conntrack') echo 'insmod /lib/modules/x/kernel/net/netfilter/nf_conntrack.ko.xz ' ;;
  '--show-depends xt_conntrack') echo 'install /bin/false '; echo 'insmod /lib/x/xt_conntrack.ko.xz ' ;;
  '--show-depends nft_ct') exit 1 ;;
  *) echo loaded >/tmp/loaded ;;
esac`

const TIMEOUT = '[ "$2" != true ] || exit 0; shift; exec "$@"'
const IMAGE = `/boot/initrd.img-${RELEASE}`
const df = (kib: number): string => `printf 'Filesystem\\ntmpfs 9999 9 ${kib} 1%% /run\\n'`
const names = (...lines: readonly string[]): string => `printf '%s\\n' etc usr/lib ${lines.join(' ')}`

const SAVED = {
  '/etc/iptables/rules.v4': `*filter
:INPUT DROP [0:0]
# -A INPUT -m state --state NEW -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
COMMIT
*raw
-A PREROUTING -p tcp --dport 80 -j CT --notrack
-A PREROUTING -p tcp --dport 81 -j NOTRACK
COMMIT
`,
  '/etc/nftables.conf': `#!/usr/sbin/nft -f
flush ruleset
include "/etc/nftables.d/*.nft"
include "more/second.nft"
table inet own {
	chain input {
		type filter hook input priority 0; policy drop;
		ct state established,related accept
		tcp dport 80 notrack
	}
}
`,
  '/etc/nftables.d/one.nft':
    'table ip nat { chain p { type nat hook postrouting priority 100; oif eth0 masquerade } }\n',
  '/etc/more/second.nft': 'include "/etc/more/third.nft"\n',
  '/etc/more/third.nft': 'include "/etc/more/fourth.nft"\n',
  '/etc/more/fourth.nft': 'include "/etc/more/fifth.nft"\ntcp dport 1 accept\n',
  '/etc/more/fifth.nft': 'ct state new accept\n',
  '/etc/ufw/ufw.conf': 'ENABLED=no\n',
  '/etc/ufw/before.rules': '-A ufw-before-input -m conntrack --ctstate INVALID -j DROP\n',
  '/etc/rc.local': `#!/bin/sh
echo "state of the host" # -m state
iptables -A INPUT -p tcp \\
  --match state --state ESTABLISHED -j ACCEPT
iptables-restore < /etc/own.rules
/usr/local/sbin/firewall.sh start
`,
  '/etc/own.rules': '*nat\n-A POSTROUTING -o eth0 -j MASQUERADE\nCOMMIT\n',
  '/usr/local/sbin/firewall.sh': '#!/bin/sh\n$IPT -t nat -F\n$IPT -P INPUT ACCEPT\n',
  '/etc/network/interfaces':
    'iface eth0 inet dhcp\n  post-up iptables -A INPUT -m connlimit --connlimit-above 9 -j DROP\n',
} as const

const ADDRESSES = {
  '/etc/resolv.conf': 'search lan\nnameserver 10.0.0.53\nnameserver fe80::1%eth0\n',
  '/etc/ntp.conf': 'server 10.0.0.123 iburst\nserver 0.pool.example\npeer 2001:db8::7 # a peer\n#server 10.0.0.9\n',
  '/etc/systemd/timesyncd.conf': '[Time]\nNTP=10.1.0.1 time.example 10.1.0.2\n',
}

const ENTRY =
  'ipv4     2 tcp      6 431999 ESTABLISHED src=192.0.2.7 dst=198.51.100.4 sport=50022 dport=22 src=198.51.100.4 dst=192.0.2.7 sport=22 dport=50022 [ASSURED] use=1\n'
const ENTRY6 =
  'ipv6     10 tcp      6 300 ESTABLISHED src=2001:0db8:0000:0000:0000:0000:0000:0007 dst=2001:0db8:0000:0000:0000:0000:0000:0001 sport=50022 dport=22 src=2001:0db8:0000:0000:0000:0000:0000:0001 dst=2001:0db8:0000:0000:0000:0000:0000:0007 sport=22 dport=50022 use=1\n'

describe.each(SHELLS)('tracking.sh under %s', shell => {
  function lookAt(
    more: {
      files?: Readonly<Record<string, string | readonly [string, number]>>
      tools?: Readonly<Record<string, string>>
      links?: Readonly<Record<string, string>>
      directories?: readonly string[]
      sshConnection?: string
      piped?: boolean
    },
    check?: (stage: Stage) => void,
  ): TrackingFacts {
    const { files, tools, links, piped = false, ...rest } = more
    using stage = new Stage(
      {
        ...base,
        files: { ...base.files, ...files },
        tools: { ...base.tools, ...tools },
        programs: ['mktemp', 'rm'],
        links: { ...base.links, ...links },
        ...rest,
      },
      shell,
    )
    const { stdout, stderr, nonce } = stage.probe({ tracking: true, piped })
    expect(stderr).toBe('')
    const facts = parseProbe('web-1', stdout, nonce)
    expect(facts.passive).toEqual({ modules: 'same', tables: 'same' })
    expect(existsSync(stage.path('/tmp/loaded'))).toBe(false)
    check?.(stage)
    return facts.tracking ?? expect.unreachable()
  }

  it('says nothing of it, and asks nobody, where nobody asks for it', () => {
    using stage = new Stage({ ...base, tools: { ...base.tools, modprobe: MODPROBE } }, shell)
    const { stdout, nonce } = stage.probe()
    expect(stdout).not.toContain('tracking-')
    expect(parseProbe('web-1', stdout, nonce).tracking).toBeNull()
    expect(existsSync(stage.path('/tmp/asked'))).toBe(false)
  })

  it('asks modprobe what it would do, for modules that this kernel has, and loads nothing', () => {
    const files = { [`/lib/modules/${RELEASE}/modules.dep`]: DEP }
    const { available, dryRuns } = lookAt({ files, tools: { modprobe: MODPROBE }, piped: true }, stage => {
      const asked = readFileSync(stage.path('/tmp/asked'), 'utf8').trim().split('\n')
      expect(asked).toEqual(['nf_conntrack', 'xt_conntrack', 'nft_ct'].map(name => `--show-depends ${name}`))
    })
    expect(available).toEqual([
      { name: 'nf_conntrack', needs: ['nf_defrag_ipv4'] },
      { name: 'xt_conntrack', needs: ['nf_conntrack'] },
      { name: 'nf_nat', needs: ['nf_conntrack'] },
      { name: 'nft_ct', needs: ['nf_conntrack'] },
    ])
    expect(dryRuns).toEqual({ nf_conntrack: 'loads', xt_conntrack: 'refused', nft_ct: 'no-such-module' })
  })

  it('does not ask a modprobe that would load what it is asked about', () => {
    const files = { [`/lib/modules/${RELEASE}/modules.dep`]: DEP }
    const links = { '/usr/sbin/modprobe': '/usr/sbin/toybox' }
    const { dryRuns } = lookAt({ files, links, tools: { toybox: 'echo loaded >/tmp/loaded' } })
    expect(dryRuns).toEqual({ nf_conntrack: 'unreadable', xt_conntrack: 'unreadable', nft_ct: 'unreadable' })
    expect(lookAt({})).toMatchObject({ available: null, dryRuns: {} })
  })

  it.each([
    ['lsinitramfs', 'update-initramfs'],
    ['lsinitrd', 'dracut'],
  ] as const)('lists the image of boot by %s', (lister, tool) => {
    const listed = ['usr/lib/modules/x/nf-conntrack.ko.xz', 'etc/modprobe.d/zz-ctfix.conf', 'usr/lib/ext4.ko']
    const tools = { timeout: TIMEOUT, df: df(9000), [tool]: 'echo loaded >/tmp/loaded' }
    const files = { [IMAGE]: 'image' }
    const whole = lookAt({ files, tools: { ...tools, [lister]: names(...listed) } })
    expect(whole.initramfs).toEqual({ path: IMAGE, tool, holds: ['nf_conntrack', 'zz-ctfix.conf'] })
    const clean = lookAt({ files, tools: { ...tools, [lister]: names('usr/lib/ext4.ko') } })
    expect(clean.initramfs).toMatchObject({ holds: [] })
    // It did not end, or printed nothing: nobody knows. Copies that it made are in memory, and do not stay there.
    const unread = { path: IMAGE, tool, holds: [], unread: true }
    const copying = `echo x >"$TMPDIR/copy"; echo "$TMPDIR" >/tmp/copied; ${names(...listed)}; exit 124`
    const cut = lookAt({ files, tools: { ...tools, [lister]: copying } }, stage => {
      expect(readFileSync(stage.path('/tmp/copied'), 'utf8')).toMatch(/^\/run\/ctfix\./)
      expect(readdirSync(stage.path('/run')).filter(name => name.startsWith('ctfix'))).toEqual([])
    })
    expect(cut.initramfs).toEqual(unread)
    expect(lookAt({ files, tools: { ...tools, [lister]: ':' } }).initramfs).toEqual(unread)
    // No room in memory: nobody is asked.
    const full = { ...tools, df: df(1000), [lister]: `echo x >/tmp/loaded; ${names()}` }
    expect(lookAt({ files, tools: full }).initramfs).toEqual(unread)
    expect(lookAt({ tools: { ...tools, [lister]: names() } }).initramfs).toBeNull()
  })

  it('finds what needs tracking in all that boot loads rules from, and in what that names', () => {
    const { savedRules, savedUntracking, savedSeen, savedUnread } = lookAt({ files: SAVED })
    expect(savedUntracking?.map(({ file, line }) => `${file}:${line}`).toSorted()).toEqual([
      '/etc/iptables/rules.v4:8',
      '/etc/iptables/rules.v4:9',
      '/etc/nftables.conf:9',
    ])
    expect(savedSeen).toEqual(
      expect.arrayContaining(['/etc/iptables/rules.v4', '/etc/nftables.d/one.nft', '/etc/own.rules']),
    )
    const lines = savedRules.map(({ file, line, text }) => `${file}:${line}: ${text}`)
    expect(lines.toSorted()).toEqual([
      '/etc/iptables/rules.v4:5: -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
      '/etc/network/interfaces:2: post-up iptables -A INPUT -m connlimit --connlimit-above 9 -j DROP',
      '/etc/nftables.conf:8: ct state established,related accept',
      '/etc/nftables.d/one.nft:1: table ip nat { chain p { type nat hook postrouting priority 100; oif eth0 masquerade } }',
      '/etc/own.rules:1: *nat',
      '/etc/own.rules:2: -A POSTROUTING -o eth0 -j MASQUERADE',
      '/etc/rc.local:3: iptables -A INPUT -p tcp --match state --state ESTABLISHED -j ACCEPT',
      '/usr/local/sbin/firewall.sh:2: $IPT -t nat -F',
    ])
    // Named deeper than anybody looks.
    expect(savedUnread).toEqual(['/etc/more/fourth.nft'])
  })

  it('follows units, dispatchers and cron to the files that they load, and knows those of Arch', () => {
    const line = '-A INPUT -m state --state NEW -j ACCEPT\n'
    const files = {
      '/etc/iptables/ip6tables.rules': line,
      '/etc/systemd/system/own.service': '[Service]\nExecStart=-/usr/sbin/iptables-restore -w /etc/one\n',
      '/etc/systemd/system/two.service': "[Service]\nExecStart=/bin/sh -c 'ip6tables-restore </etc/two'\n",
      '/etc/systemd/system/fw.service': '[Service]\nExecStart=/opt/firewall.sh start\n',
      '/etc/NetworkManager/dispatcher.d/50-up': '#!/bin/sh\nnft -f /etc/three\n',
      '/etc/cron.d/boot': '@reboot root iptables-restore /etc/four\n',
      '/etc/one': line,
      '/etc/two': line,
      '/etc/three': 'ct state new accept\n',
      '/etc/four': line,
      '/opt/firewall.sh': `iptables ${line}`,
    }
    expect(
      lookAt({ files })
        .savedRules.map(({ file }) => file)
        .toSorted(),
    ).toEqual(['/etc/four', '/etc/iptables/ip6tables.rules', '/etc/one', '/etc/three', '/etc/two', '/opt/firewall.sh'])
  })

  it('reads the rules of ufw where it is on, and says so of firewalld, whatever its files hold', () => {
    const files = { ...SAVED, '/etc/ufw/ufw.conf': '# c\nENABLED="yes"\n', '/lib/systemd/system/firewalld.service': '' }
    const links = { '/etc/systemd/system/multi-user.target.wants/firewalld.service': '/nowhere' }
    const { savedRules, services } = lookAt({ files, links })
    expect(savedRules.map(({ file }) => file)).toEqual(
      expect.arrayContaining(['/etc/ufw/before.rules', '/etc/firewalld/firewalld.conf']),
    )
    expect(services).toContainEqual({ name: 'firewalld', running: false, enabled: true, startedBy: 'enabled' })
  })

  it('has an end to what it prints', () => {
    const many = '-A INPUT -m state --state NEW -j ACCEPT\n'.repeat(500)
    const { savedRules, savedUnread } = lookAt({ files: { '/etc/sysconfig/iptables': many } })
    expect(savedRules.length).toBe(400)
    expect(savedUnread).toEqual(['more'])
    const long = lookAt({ files: { '/etc/sysconfig/iptables': '-A INPUT -j DROP\n'.repeat(20_001) } })
    expect(long.savedUnread).toEqual(['/etc/sysconfig/iptables'])
  })

  it.each([
    [
      'systemd',
      { '/lib/systemd/system/ufw.service': '', '/lib/systemd/system/docker.service': '' },
      {
        '/run/systemd/units/invocation:ufw.service': 'id',
        '/etc/systemd/system/multi-user.target.wants/docker.service': '/nowhere',
      },
    ],
    [
      'OpenRC',
      { '/etc/init.d/ufw': '', '/etc/init.d/docker': '' },
      { '/run/openrc/started/ufw': '/x', '/etc/runlevels/boot/docker': '/x', '/etc/runlevels/default/docker': '/x' },
    ],
    [
      'sysvinit',
      { '/etc/init.d/ufw': '', '/etc/init.d/docker': '', '/var/lock/subsys/ufw': '' },
      Object.fromEntries([2, 3, 5].map(level => [`/etc/rc${level}.d/S20docker`, '../x'])),
    ],
  ])('knows services by the links that %s keeps', (manager, files, links) => {
    const startedBy = { systemd: 'enabled', OpenRC: 'boot default', sysvinit: '235' }[manager] ?? ''
    const { services } = lookAt({ files, links, ...(manager === 'systemd' ? {} : { directories: [] }) })
    expect(services.filter(({ name }) => name === 'ufw' || name === 'docker')).toEqual([
      { name: 'ufw', running: true, enabled: false },
      { name: 'docker', running: false, enabled: true, startedBy },
    ])
  })

  it('finds interfaces, namespaces, name servers and time servers', () => {
    const own = base.links?.['/proc/self/ns/net'] ?? expect.unreachable()
    const links = {
      '/proc/101/ns/net': own,
      '/proc/102/ns/net': 'net:[2]',
      '/proc/103/ns/net': 'net:[2]',
      '/proc/104/ns/net': 'net:[3]',
    }
    // The last one as old kernels print it; /sys is of another namespace.
    const files = {
      ...ADDRESSES,
      '/sys/class/net/eth9/mtu': '1500\n',
      '/proc/net/dev': `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:       0       0    0    0    0     0          0         0        0       0    0    0    0     0       0          0
br-a:b.7:    3042      37    0    0    0     0          0         0      841      10    0    0    0     0       0          0
  eth0:4294967295      37    0    0    0     0          0         0      841      10    0    0    0     0       0          0
`,
    }
    expect(lookAt({ files, links })).toMatchObject({
      interfaces: ['lo', 'br-a:b.7', 'eth0'],
      otherNamespaces: 2,
      resolvers: ['10.0.0.53', 'fe80::1%eth0'],
      timeServers: ['10.0.0.123', '2001:db8::7', '10.1.0.1', '10.1.0.2'],
    })
  })

  it.each([
    ['192.0.2.7 50022 198.51.100.4 22', 'tracked'],
    ['198.51.100.4 22 192.0.2.7 50022', 'tracked'],
    ['::ffff:192.0.2.7 50022 ::ffff:198.51.100.4 22', 'tracked'],
    ['2001:db8::7 50022 2001:db8::1 22', 'tracked'],
    ['2001:db8:0:0::7 50022 2001:db8::1 22', 'tracked'],
    ['2001:db8::7 50023 2001:db8::1 22', 'untracked'],
    ['192.0.2.7 5002 198.51.100.4 22', 'untracked'],
    ['', null],
  ])('looks for its own connection in the table: %s', (sshConnection, own) => {
    const files = { '/proc/net/nf_conntrack': ENTRY + ENTRY6 }
    expect(lookAt({ files, sshConnection }).ownConnection).toBe(own)
  })
})
