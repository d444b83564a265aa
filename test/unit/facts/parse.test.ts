import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ProbeError } from '../../../src/errors.ts'
import type { Facts } from '../../../src/facts/facts.ts'
import { OWNER_FILES, WRITABLE_FILES } from '../../../src/facts/files.ts'
import { parseProbe } from '../../../src/facts/parse.ts'
import { probeProgram } from '../../../src/facts/probe.ts'
import { sinceMs } from '../../support/work.ts'

const NONCE = 'n0nce'

const BASE: Readonly<Record<string, string>> = {
  values: [
    '/proc/uptime:100.5 200.0',
    '/proc/sys/net/netfilter/nf_conntrack_max:1000',
    '/proc/sys/net/netfilter/nf_conntrack_count:500',
    '/proc/modules:nf_conntrack 1 0 - Live 0x0',
    '/proc/net/ip_tables_names:filter',
  ].join('\n'),
  host: 'uname 6.1.0 x86_64\nuid 0\n',
  log: '',
  places: 'erw /proc/sys/net/nf_conntrack_max\nerw /etc\n',
  listing: '',
  lines: [
    '/proc/meminfo:1:MemTotal: 1024 kB',
    '/proc/modules:1:nf_conntrack 1 7 - Live 0x0',
    '/proc/net/ip_tables_names:1:filter',
  ].join('\n'),
  names: '',
  connection: '',
  rules: '',
}

function output(sections: Readonly<Record<string, string>> = {}): string {
  const all = Object.entries({ ...BASE, ...sections })
  return `${all.map(([name, body]) => `\n@@${NONCE} ${name}\n${body}`).join('')}\n@@${NONCE} end\n`
}

const parse = (sections: Readonly<Record<string, string>> = {}): Facts => parseProbe('web-1', output(sections), NONCE)
const more = (section: string, ...lines: readonly string[]): Record<string, string> => ({
  [section]: [BASE[section] ?? '', ...lines].join('\n'),
})

function refusal(text: string): ProbeError {
  try {
    parseProbe('web-1', text, NONCE)
  } catch (error) {
    if (error instanceof ProbeError) return error
    throw error
  }
  throw new Error('it was accepted')
}

describe('an answer that is none', () => {
  it.each([
    ['nothing', ''],
    ['a megabyte of noise', 'x'.repeat(1024 * 1024)],
    ['a megabyte of lines', 'rule nft\n'.repeat(120_000)],
    ['HTML', '<!doctype html><h1>502 Bad Gateway</h1>'],
    ['escapes', '\u001b[2J\u001b]0;owned\u0007'],
    ['another run', output().replaceAll(NONCE, 'other')],
    ['the end alone', `\n@@${NONCE} end\n`],
    ['a missing section', output().replace(`@@${NONCE} rules`, 'x')],
    ['a section twice', output().replace(`@@${NONCE} end`, `@@${NONCE} rules\n\n@@${NONCE} end`)],
    ['no kernel', output({ host: '' })],
    ['no memory', output({ lines: '' })],
    ['no uptime', output({ values: '' })],
    ['words for a limit', output({ values: '/proc/uptime:1.0 1.0\n/proc/sys/net/netfilter/nf_conntrack_max:many' })],
    ['a number beyond all', output(more('values', '/sys/module/nf_conntrack/parameters/hashsize:99999999999999999'))],
    ['counters that are none', output(more('values', ...['drop', 'zz'].map(l => `/proc/net/stat/nf_conntrack:${l}`)))],
    ['a row cut short', output(more('values', ...['drop x', '1'].map(l => `/proc/net/stat/nf_conntrack:${l}`)))],
  ])('is refused in one harmless line: %s', (_, text) => {
    const { message, hint = '' } = refusal(text)
    expect(message).toMatch(/^web-1: /)
    expect(message.length + hint.length).toBeLessThan(400)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that there are none is what is tested
    expect(message + hint).not.toMatch(/[\u0000-\u001f]/)
  })

  it('does not keep us busy, however hostile', () => {
    const big = 500_000
    const started = process.cpuUsage()
    parse({
      lines: `${BASE.lines}\n/etc/sysctl.conf:1:${'conntrack'.repeat(big / 9)}\n${'/etc/sysctl.d/a:1:conntrack\n'.repeat(big / 28)}`,
      rules: `rule nft ${'a'.repeat(big)}\n${'rule nft \n'.repeat(big / 10)}rule nft x\t${'#'.repeat(big)}`,
      labels: `${':'.repeat(big)} ${'a:'.repeat(big / 2)}`,
      listing: '-rw-r--r-- 1 0 0 1 '.repeat(big / 19),
      log: `source dmesg\n${'line [[[[ 1.\n'.repeat(big / 13)}`,
      connection: `SSH_CONNECTION=${'1 '.repeat(big / 2)}`,
    })
    expect(sinceMs(started)).toBeLessThan(2000)
  })

  it('drops what a login shell prints before the first frame', () => {
    expect(parseProbe('web-1', `Welcome!\n@@fake end\n${output()}`, NONCE).max).toBe(1000)
  })

  it('lets a section of somebody else pass', () => {
    expect(parse({ prelude: 'armed' }).max).toBe(1000)
  })
})

describe('numbers', () => {
  it('has no usage where 0 means unlimited', () => {
    const values = (BASE.values ?? '').replace('max:1000', 'max:0')
    expect(parse({ values })).toMatchObject({ max: 0, count: 500, usage: null })
  })

  it('reads timeouts by the names strategies use', () => {
    const timeout = (name: string, value: number): string => `/proc/sys/net/netfilter/nf_conntrack_${name}:${value}`
    const facts = parse(
      more(
        'values',
        timeout('tcp_timeout_close_wait', 60),
        timeout('udp_timeout_stream', -1),
        timeout('frag6_timeout', 60),
      ),
    )
    expect(facts.timeouts).toEqual({ tcp_close_wait: 60, udp_stream: -1 })
  })

  it('adds up counters over CPUs in hexadecimal, but not entries', () => {
    const facts = parse(
      more('values', ...['entries  drop', '0a 10 ', '0a 01'].map(l => `/proc/net/stat/nf_conntrack:${l}`)),
    )
    expect(facts.stats).toEqual({ counters: { entries: 10, drop: 17 }, cpus: 2 })
  })

  it('takes the parameter before the sysctl for the hash size', () => {
    const sysctl = '/proc/sys/net/netfilter/nf_conntrack_buckets:7'
    expect(parse(more('values', sysctl)).buckets).toBe(7)
    expect(parse(more('values', sysctl, '/sys/module/nf_conntrack/parameters/hashsize:512')).buckets).toBe(512)
  })

  it('reads the earlier sample and how long ago it was', () => {
    const earlier = ['/proc/uptime:97.4 1.0', '/proc/net/stat/nf_conntrack:drop', '/proc/net/stat/nf_conntrack:05']
    const facts = parse({ 'earlier-stat': earlier.join('\n'), 'earlier-log': 'source dmesg\nseen 4\n' })
    expect(facts.earlier).toEqual({
      stats: { counters: { drop: 5 }, cpus: 1 },
      log: { lines: 0, otherNamespaceLines: 0, lastAtSeconds: null, source: 'dmesg' },
      secondsBefore: 3.1,
    })
  })

  it('sorts live entries by the timeout they run on', () => {
    const states =
      '3 tcp ESTABLISHED\n2 tcp SYN_SENT2\n1 tcp SYN_SENT\n4 udp assured\n5 udp -\n6 unknown -\n7 tcp -\n1 sctp COOKIE_WAIT\n'
    expect(parse({ states }).states).toEqual({
      tcp_established: 10,
      tcp_syn_sent: 3,
      udp_stream: 4,
      udp: 5,
      generic: 6,
      sctp_cookie_wait: 1,
    })
  })
})

describe('the kernel log', () => {
  it('is null when nothing could be read, and empty when there were lines, but none of ours', () => {
    expect(parse()).toMatchObject({ log: null, unreadable: expect.arrayContaining(['dmesg']) })
    expect(parse({ log: 'source journal\nseen 900\n' }).log).toMatchObject({ lines: 0, source: 'journal' })
  })

  it('has no time on kernels that print none', () => {
    const log = 'source dmesg\nseen 9\ncount 2 -\nline ip_conntrack: table full, dropping packet.\n'
    expect(parse({ log }).log).toEqual({ lines: 2, otherNamespaceLines: 0, lastAtSeconds: null, source: 'dmesg' })
  })
})

describe('whose kernel it is', () => {
  const values = (...lines: readonly string[]): Record<string, string> => more('values', ...lines)
  /** Docker's mark, in the first process namespace, on this root. */
  const marked = (root: string): Record<string, string> => ({
    ...more('places', 'erw /.dockerenv'),
    ...more('listing', 'lrwxrwxrwx 1 0 0 0 Nov 21 06:25 /proc/self/ns/pid -> pid:[4026531836]'),
    ...more('lines', `/proc/mounts:1:${root}`),
  })
  it.each([
    ['owned', {}, null],
    ['systemd says', values('/run/systemd/container:lxc'), 'lxc'],
    ['environment says', { container: '/proc/1/environ:container=podman' }, 'podman'],
    ['a marker', more('places', 'erw /.dockerenv'), 'docker'],
    ['a marker left by a machine image', marked('/dev/vda / ext4 rw 0 0'), null],
    ['a marker in a container', marked('overlay / overlay rw 0 0'), 'docker'],
    ['openvz', more('places', 'er /proc/user_beancounters'), 'openvz'],
    ['the host of openvz', more('places', 'er /proc/user_beancounters', 'er /proc/bc'), null],
    ['fake modules', values('/proc/modules:ip_tables 4242 -2 - Live 0x0'), 'openvz'],
    ['a group', values('/proc/1/cgroup:12:cpu:/docker/abc'), 'docker'],
    ['no short spelling', { places: 'erw /etc\n' }, 'netns'],
    [
      'read-only limits',
      { listing: '-r--r--r-- 1 0 0 0 Nov 21 06:25 /proc/sys/net/netfilter/nf_conntrack_max' },
      'limits read-only',
    ],
  ])('%s', (_, sections, container) => {
    expect(parse(sections)).toMatchObject({ container, ownsKernel: container === null })
  })

  it('sees a read-only root under /etc, by the last mount there', () => {
    const mounts = (...lines: readonly string[]): Record<string, string> =>
      more('lines', ...lines.map((line, i) => `/proc/mounts:${i + 1}:${line}`))
    expect(parse(mounts('rootfs / rootfs rw 0 0', '/dev/a / ext4 ro 0 0')).writable.etc).toBe(false)
    expect(parse(mounts('/dev/a / ext4 ro 0 0', 'overlay /etc overlay rw 0 0')).writable.etc).toBe(true)
  })
})

describe('files', () => {
  const entry = (mode: string, size: number, rest: string): string => `${mode} 1 0 7 ${size} Nov 21  2025 ${rest}`
  const file = (path: string, listing: string, content?: string): Facts['files'][number] | undefined =>
    parse({ listing, ...(content === undefined ? {} : { [`file ${path}`]: content }) }).files.find(f => f.path === path)

  it('are the ones the probe reads', () => {
    const { stdin } = probeProgram({ nonce: NONCE })
    const listed = (name: string) => new RegExp(`^${name}="([^"]*)"`, 'm').exec(stdin)?.[1]?.split(/[\s\\]+/)
    expect(listed('ours')).toEqual(WRITABLE_FILES)
    expect(listed('owners')).toEqual(OWNER_FILES)
    expect(parse().files.map(({ path }) => path)).toEqual(WRITABLE_FILES)
    expect(parse({ ruleset: '\n' }).files.map(({ path }) => path)).toEqual([...WRITABLE_FILES, ...OWNER_FILES])
  })

  it('of a firewall may be as large as all of them together', () => {
    const [path, other] = ['/etc/iptables/rules.v4', '/etc/iptables/rules.v6']
    const refused = (...listing: readonly string[]) =>
      parse({ ruleset: '\n', listing: listing.join('\n'), [`file ${path}`]: 'x'.repeat(1_048_576) })
        .files.filter(fact => fact.refused !== null)
        .map(fact => `${fact.path} ${fact.refused}`)
    expect(refused(entry('-rw-r--r--', 1_048_576, path))).toEqual([])
    expect(refused(entry('-rw-r--r--', 1_048_577, path))).toEqual([`${path} it is larger than 1024 KiB`])
    const both = [entry('-rw-r--r--', 1_048_576, path), entry('-rw-r--r--', 1, other)]
    expect(refused(...both)).toEqual([`${other} it and the files before it are larger than 1 MiB`])
  })

  it.each(['', 'a', 'a\n', 'a\n\n', '\n', 'ä\n'])('come back byte for byte: %j', content => {
    const listing = entry('-rwSr-xr-t+', Buffer.byteLength(content), '/etc/modules')
    expect(file('/etc/modules', listing, content)).toEqual({
      path: '/etc/modules',
      state: { content, mode: '5655', owner: '0:7', label: null },
      refused: null,
    })
  })

  it.each([
    ['a link', entry('lrwxrwxrwx', 3, '/etc/modules -> /x'), undefined, 'it is a link to /x'],
    ['a directory', entry('drwxr-xr-x', 3, '/etc/modules'), undefined, 'it is no regular file'],
    ['too large', entry('-rw-r--r--', 262_145, '/etc/modules'), undefined, 'it is larger than 256 KiB'],
    ['unreadable', entry('-rw-r--r--', 3, '/etc/modules'), undefined, 'it could not be read'],
    ['binary', entry('-rw-r--r--', 3, '/etc/modules'), 'a\0b', 'it is not text'],
    ['no UTF-8', entry('-rw-r--r--', 3, '/etc/modules'), 'a\ufffdb', 'it is not text'],
    ['changing', entry('-rw-r--r--', 3, '/etc/modules'), 'ab', 'it changed while it was read'],
  ])('are refused when %s', (_, listing, content, refused) => {
    expect(file('/etc/modules', listing, content)).toEqual({ path: '/etc/modules', state: null, refused })
  })

  it.each([
    ['system_u:object_r:etc_t:s0 /etc/modules'],
    ['-rw-r--r--  root root system_u:object_r:etc_t:s0       /etc/modules'],
  ])('have the label of newer and of older tools: %s', labels => {
    const facts = parse({ listing: entry('-rw-r--r--', 0, '/etc/modules'), 'file /etc/modules': '', labels })
    expect(facts.files.find(({ path }) => path === '/etc/modules')?.state?.label).toBe('system_u:object_r:etc_t:s0')
  })
})

describe('settings', () => {
  const lines = (...found: readonly string[]): string => [BASE.lines, ...found].join('\n')
  const places = (...paths: readonly string[]): string => `${BASE.places}${paths.map(path => `er ${path}\n`).join('')}`
  const max = 'net.netfilter.nf_conntrack_max'
  const sysctls = (sections: Readonly<Record<string, string>>): string[] =>
    parse(sections).sysctlSettings.map(({ file, value, appliedBy }) => `${file} ${value} ${appliedBy}`)

  it('of systemd are sorted by base name, masked by namesakes, without /etc/sysctl.conf', () => {
    const found = sysctls({
      places: places('/run/systemd/system'),
      names: '/etc/sysctl.d/50-quiet.conf\n/run/sysctl.d/*.conf',
      lines: lines(
        `/etc/sysctl.conf:1:${max}=1`,
        `/etc/sysctl.d/99-a.conf:1:${max}=2`,
        `/etc/sysctl.d/99-a.conf:2:; ${max}=3`,
        `/run/sysctl.d/70-b.conf:1:-${max} = 4`,
        `/usr/lib/sysctl.d/50-quiet.conf:1:${max}=5`,
        `/usr/lib/sysctl.d/99-a.conf:1:${max}=6`,
      ),
    })
    expect(found).toEqual(['/run/sysctl.d/70-b.conf 4 sysctl', '/etc/sysctl.d/99-a.conf 2 sysctl'])
  })

  it('of other inits end with /etc/sysctl.conf, but of Red Hat begin with it', () => {
    const both = lines(`/etc/sysctl.conf:1:${max}=1`, `/etc/sysctl.d/a.conf:1:net/netfilter/nf_conntrack_max=2`)
    expect(sysctls({ lines: both })).toEqual(['/etc/sysctl.d/a.conf 2 sysctl', '/etc/sysctl.conf 1 sysctl'])
    expect(sysctls({ lines: both, places: places('/etc/rc.d/init.d') })).toEqual([
      '/etc/sysctl.conf 1 sysctl',
      '/etc/sysctl.d/a.conf 2 sysctl',
    ])
  })

  it('of ufw count only while it is enabled', () => {
    const found = lines(`/etc/ufw/sysctl.conf:9:net/netfilter/nf_conntrack_max=3`)
    const ufw = { places: `${places('/etc/ufw')}ufw /etc/ufw/sysctl.conf\n`, lines: found }
    expect(sysctls(ufw)).toEqual([])
    expect(sysctls({ ...ufw, lines: `${found}\n/etc/ufw/ufw.conf:3:ENABLED=yes` })).toEqual([
      '/etc/ufw/sysctl.conf 3 ufw',
    ])
  })

  it('of tuned win only where it does not apply sysctl.d again', () => {
    const found = lines(
      `/etc/sysctl.conf:1:${max}=1`,
      `/etc/tuned/mine/tuned.conf:4:${max}=2`,
      '/etc/tuned/other/tuned.conf:1:x',
    )
    const tuned = { ...more('values', '/etc/tuned/active_profile:mine'), lines: found }
    expect(sysctls(tuned)).toEqual(['/etc/tuned/mine/tuned.conf 2 tuned-first', '/etc/sysctl.conf 1 sysctl'])
    const off = { ...tuned, lines: `${found}\n/etc/tuned/tuned-main.conf:8:reapply_sysctl = 0` }
    expect(sysctls(off).at(-1)).toBe('/etc/tuned/mine/tuned.conf 2 tuned')
  })

  it('of modules leave out comments and what this init does not read', () => {
    const facts = parse({
      places: places('/run/systemd/system'),
      lines: lines(
        '/etc/modprobe.d/a.conf:1:options nf_conntrack hashsize=1',
        '/etc/modprobe.d/a.conf:2:# blacklist nf_conntrack',
        '/etc/modprobe.d/a.conf.rpmsave:1:blacklist nf_conntrack',
        '/etc/modprobe.d/b.conf:1:blacklist iptable_nat',
        '/etc/modules:1:nf_conntrack',
        '/etc/modules-load.d/c.conf:1:nf_conntrack',
      ),
    })
    expect(facts.modprobeSettings.map(({ text }) => text)).toEqual([
      'options nf_conntrack hashsize=1',
      'blacklist iptable_nat',
    ])
    expect(facts.moduleLoadSettings.map(({ file }) => file)).toEqual(['/etc/modules-load.d/c.conf'])
  })

  it('reads options of the module from what the kernel was started with, as modprobe does', () => {
    const started = 'BOOT_IMAGE=/vmlinuz root=/dev/vda1 nf_conntrack.hashsize=131072 xnf_conntrack.hashsize=1 quiet'
    const { modprobeSettings } = parse(more('lines', `/proc/cmdline:1:${started}`))
    expect(modprobeSettings).toEqual([{ file: '/proc/cmdline', line: 1, text: 'options nf_conntrack hashsize=131072' }])
  })
})

describe('flows', () => {
  it('have entries only where they were asked for and the table could be read', () => {
    expect(parse().flows).toBeNull()
    expect(parse({ flows: '' }).flows).toBeNull()
    expect(parse({ flows: 'rows 0\nentries 0\n' }).flows).toEqual({
      entries: 0,
      complete: true,
      sample: [],
      addresses: [],
      tracked: 0,
    })
  })

  it('show some of them, harmless, and whether there may be more', () => {
    const flows = `${'entry tcp 6 9 \u001b[2J\n'.repeat(4)}at 2001:0db8\nat 192.0.2.5\nat x\nmore\nrows 300000\nentries 7\n`
    expect(parse({ flows }).flows).toEqual({
      entries: 7,
      complete: false,
      sample: Array(3).fill('tcp 6 9 \\x1b[2J'),
      addresses: ['192.0.2.5', '2001:0db8'],
      tracked: 300_000,
    })
  })
})

describe('what of nft is ours', () => {
  const own = [
    'table nft inet filter',
    'own inet filter input\ttcp dport { 80, 443 } counter packets 12 bytes 345 accept comment "ctfix"',
    'own ip raw pre\ttcp dport 80 notrack comment "ctfix" # handle 7',
    'own inet ctfix pre\tnotrack comment "ctfix"',
  ].join('\n')

  it('is not known where nobody asked, there is no nft, or the list did not come to its end', () => {
    expect(parse({ rules: own }).ownNft).toBeNull()
    expect(parse({ rules: own, ruleset: '\n' }).ownNft).toBeNull()
    expect(parse({ rules: `${own}\n#from failed`, 'own-table': '' }).ownNft).toBeNull()
    expect(parse({ rules: `${own}\ntruncated`, 'own-table': '' }).ownNft).toBeNull()
  })

  it('is a table, and rules without counters and handles', () => {
    const table = 'table inet ctfix {\n\tchain pre {\n\t}\n}'
    expect(parse({ rules: own, 'own-table': `${table}\n` }).ownNft).toEqual({
      table,
      rules: [
        {
          family: 'inet',
          table: 'filter',
          chain: 'input',
          text: 'tcp dport { 80, 443 } counter accept comment "ctfix"',
        },
        { family: 'ip', table: 'raw', chain: 'pre', text: 'tcp dport 80 notrack comment "ctfix"' },
      ],
    })
    expect(parse({ 'own-table': '' }).ownNft).toEqual({ table: null, rules: [] })
  })
})

describe('rules', () => {
  it('need tracking, translate, or neither', () => {
    const rules = [
      'rule legacy4 raw\t-A PREROUTING -p udp -j CT --notrack',
      'rule legacy4 raw\t-A PREROUTING -p tcp -j CT --helper ftp',
      'rule legacy6 filter\t-A INPUT -m state --state NEW -j ACCEPT',
      'rule nft inet filter in\tudp dport 53 notrack',
      'rule nft inet filter in\tct state new \u001b[2Jaccept',
      'rule nft ip nat post\toifname "eth0" masquerade',
    ]
    const facts = parse({ rules: rules.join('\n') })
    expect(facts.statefulRules).toEqual([
      'raw: -A PREROUTING -p tcp -j CT --helper ftp',
      'ip6 filter: -A INPUT -m state --state NEW -j ACCEPT',
      'inet filter in: ct state new \\x1b[2Jaccept',
      'ip nat post: oifname "eth0" masquerade',
    ])
    expect(facts.nat).toEqual({ inUse: true, evidence: ['ip nat post: oifname "eth0" masquerade'] })
  })

  it('of iptables are known by the extensions that nft names, with quotes or as 1.0.6 does without', () => {
    for (const quote of ['"', '']) {
      const named = (kind: string, name: string): string => `xt ${kind} ${quote}${name}${quote}`
      const rules = [
        `rule nft ip6 nat PREROUTING\tcounter packets 0 bytes 0 ${named('target', 'NETMAP')}`,
        `rule nft ip raw PREROUTING\ttcp dport 21 ${named('target', 'CT')}`,
        `rule nft ip filter INPUT\t${named('match', 'connlimit')} drop`,
        `rule nft ip filter INPUT\t${named('match', 'statistic')} drop`,
        `rule nft ip mangle INPUT\t${named('target', 'CTX')}`,
      ]
      const facts = parse({ rules: rules.join('\n') })
      expect(facts.statefulRules.map(line => line.split(' ').slice(0, 3).join(' '))).toEqual([
        'ip6 nat PREROUTING:',
        'ip raw PREROUTING:',
        'ip filter INPUT:',
      ])
      expect(facts.nat.evidence).toHaveLength(1)
    }
  })

  it('whose target nft has left out translate, where they stand in a table nat', () => {
    const rules = ['ip6 nat POSTROUTING', 'ip6 filter INPUT'].map(where => `rule nft ${where}\toifname "eth9" counter `)
    const line = 'ip6 nat POSTROUTING: oifname "eth9" counter'
    const facts = parse({ rules: rules.join('\n') })
    expect(facts).toMatchObject({ statefulRules: [line], nat: { inUse: true, evidence: [line] } })
  })

  it('that ask for a translated connection translate none, and neither does what they say', () => {
    const rules = [
      'rule nft inet firewalld filter_INPUT\tct status dnat accept',
      'rule nft inet own in\tct status { snat, dnat } accept',
      'rule nft inet own in\tct state new accept comment "was dnat once"',
    ]
    expect(parse({ rules: rules.join('\n') }).nat).toEqual({ inUse: false, evidence: [] })
    expect(parse({ rules: 'rule nft ip nat pre\ttcp dport 80 dnat to 10.0.0.2' }).nat.inUse).toBe(true)
  })

  it('in both backends are mixed', () => {
    expect(parse({ rules: '#from legacy4\ncount legacy4 3\ncount nft 0' }).firewall).toMatchObject({
      backend: 'iptables-legacy',
      mixed: false,
    })
    expect(parse({ rules: 'count legacy6 3\ncount nft 2' }).firewall.mixed).toBe(true)
  })

  it('that could not be listed are said to be unreadable', () => {
    expect(parse({ rules: '#from legacy4\n#from failed' }).unreadable).toContain('rules')
  })
})

it('a module that is being taken out is said to be', () => {
  const { modules } = parse(more('values', '/proc/modules:xt_state 16384 -1 - Unloading 0x0'))
  expect(modules).toContainEqual({ name: 'xt_state', refs: 0, users: [], unloading: true })
})

describe('the proof that nothing changed', () => {
  it('compares names, not reference counts', () => {
    expect(parse().passive).toEqual({ modules: 'same', tables: 'same' })
  })

  it('sees a module, a table, an nft table come', () => {
    expect(parse(more('lines', '/proc/modules:2:nf_nat 1 0 - Live 0x0')).passive.modules).toBe('changed')
    expect(parse(more('lines', '/proc/net/ip6_tables_names:1:nat')).passive.tables).toBe('changed')
    const listed = 'table nft ip nat\ntable nft ip raw'
    expect(parse({ rules: `before table ip nat\n${listed}` }).passive.tables).toBe('changed')
    expect(parse({ rules: `before table ip nat\nbefore table ip raw\n${listed}` }).passive.tables).toBe('same')
  })

  it('starts before the window, where there was one', () => {
    const earlier = '/proc/modules:other 1 0 - Live 0x0\n/proc/net/ip_tables_names:filter\n/proc/uptime:90.00 9.00'
    expect(parse({ 'earlier-stat': earlier }).passive).toEqual({ modules: 'changed', tables: 'same' })
  })
})

describe('a look that takes over log and states of the one before it', () => {
  it('neither counts the log as unreadable nor asks for its section', () => {
    const log = { lines: 3, otherNamespaceLines: 0, lastAtSeconds: 5, source: 'dmesg' } as const
    const states = { tcp_established: 4 }
    const facts = parseProbe('web-1', output().replace(/\n@@\S+ log\n[^@]*/, ''), NONCE, { log, states })
    expect(facts).toMatchObject({ log, states })
    expect(facts.unreadable).not.toContain('dmesg')
  })
})

describe('probeProgram', () => {
  it('gives words for a shell, the last one for the login shell to fill in', () => {
    expect(probeProgram({ nonce: 'abc' }).args).toEqual([
      ...['abc', '0', '0', '0', '0', '0', '1', "''"],
      '"$SSH_CONNECTION"',
    ])
    expect(probeProgram({ nonce: 'abc', log: false }).args.slice(5, 8)).toEqual(['0', '0', "''"])
    expect(probeProgram({ nonce: 'abc', windowSeconds: 2.2, states: true }).args.slice(1, 4)).toEqual(['3', '1', '0'])
  })

  it('sends flows as one word', () => {
    const { args } = probeProgram({ nonce: 'abc', ruleset: true, flows: 'tcp 80 - -;out * - -' })
    expect(args.slice(3, 8)).toEqual(['1', '0', '0', '1', "'tcp 80 - -;out * - -'"])
  })

  it('sends the probe as it lies there', () => {
    const file = readFileSync(new URL('../../../src/facts/remote/probe.sh', import.meta.url), 'utf8')
    expect(probeProgram({ nonce: 'abc' }).stdin).toBe(file)
    const tracking = readFileSync(new URL('../../../src/facts/remote/tracking.sh', import.meta.url), 'utf8')
    const asked = probeProgram({ nonce: 'abc', tracking: true })
    expect(asked.stdin).toBe(`${tracking}\n${file}`)
    expect(asked.args.slice(4, 8)).toEqual(['1', '0', '1', "''"])
    const census = readFileSync(new URL('../../../src/facts/remote/census.sh', import.meta.url), 'utf8')
    const counted = probeProgram({ nonce: 'abc', tracking: true, census: true })
    expect(counted.stdin).toBe(`${tracking}\n${census}\n${file}`)
    expect(counted.args.slice(4, 8)).toEqual(['1', '1', '1', "''"])
    expect(file.endsWith('\nmain "$@" </dev/null\n')).toBe(true)
  })
})

describe('owners of the firewall', () => {
  const places = (...paths: readonly string[]): Record<string, string> =>
    more('places', ...paths.map(path => `er ${path}`))
  const persistent = '/run/systemd/units/invocation:netfilter-persistent.service'
  const nftables = '/etc/systemd/system/sysinit.target.wants/nftables.service'

  it('are told all, the first of them as the one that owns it', () => {
    expect(parse(places(persistent)).firewall).not.toHaveProperty('also')
    expect(parse(places(persistent, nftables)).firewall).toMatchObject({
      owner: 'netfilter-persistent',
      also: ['nftables'],
    })
    const ufw = { ...places('/etc/ufw', persistent), ...more('lines', '/etc/ufw/ufw.conf:1:ENABLED=yes') }
    expect(parse(ufw).firewall).toMatchObject({ owner: 'ufw', also: ['netfilter-persistent'] })
  })
})
