import { spawnSync } from 'node:child_process'
import { appendFileSync, existsSync, readFileSync, rmSync, truncateSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import type { Facts } from '../../src/facts/facts.ts'
import { parseProbe } from '../../src/facts/parse.ts'
import { probeProgram } from '../../src/facts/probe.ts'
import { PLATFORMS } from '../facts/platforms.ts'
import { which } from '../facts/scenery.ts'
import { type Platform, SHELLS, type Shell, Stage } from '../facts/stage.ts'

const PROBE = fileURLToPath(new URL('../../src/facts/remote/probe.sh', import.meta.url))
const NONCE = 'a1b2c3'

function platform(name: string): Platform {
  const found = PLATFORMS[name]
  if (found === undefined) throw new Error(`no platform ${name}`)
  return found
}

/** The real host this test runs on. */
function probeHere(shell: Shell, environment: Readonly<Record<string, string>> = {}): { stdout: string; facts: Facts } {
  const [name = '', ...flags] = shell.split(' ')
  const { stdin, args } = probeProgram({ nonce: NONCE })
  const { status, stdout, stderr } = spawnSync(which(name), [...flags, '-s', '--', ...args.slice(0, 3)], {
    input: stdin,
    encoding: 'utf8',
    env: { PATH: '/bin:/usr/bin', ...environment },
  })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  return { stdout, facts: parseProbe('here', stdout, NONCE) }
}

describe.each(SHELLS)('probe.sh under %s', shell => {
  it('looks at the machine it runs on', () => {
    const { stdout, facts } = probeHere(shell)
    expect(stdout.length).toBeLessThan(4 * 1024 * 1024)
    expect(facts.kernel).toBe(spawnSync('uname', ['-r'], { encoding: 'utf8' }).stdout.trim())
    expect(facts.root).toBe(process.getuid?.() === 0)
    expect(facts.memoryBytes).toBeGreaterThan(0)
    expect(facts.uptimeSeconds).toBeGreaterThan(0)
    expect(facts.passive).toEqual({ modules: 'same', tables: 'same' })
  })

  it('changes neither modules nor tables', () => {
    const names = (): string[] =>
      ['/proc/modules', '/proc/net/ip_tables_names', '/proc/net/ip6_tables_names'].map(path =>
        existsSync(path) && (process.getuid?.() === 0 || path === '/proc/modules')
          ? readFileSync(path, 'utf8').replaceAll(/ .*/g, '')
          : '',
      )
    const before = names()
    probeHere(shell)
    expect(names()).toEqual(before)
  })

  it.each(Object.keys(PLATFORMS))('finds on %s what was recorded', name => {
    using stage = new Stage(platform(name), shell)
    const { stdout, stderr, nonce } = stage.probe({ states: true, piped: true })
    expect(stderr).toBe('')
    const recorded: unknown = JSON.parse(readFileSync(new URL(`../facts/${name}/facts.json`, import.meta.url), 'utf8'))
    expect(JSON.parse(JSON.stringify(parseProbe(name, stdout, nonce)))).toEqual(recorded)
    // Stubs of tools that would load something leave this behind when they are asked.
    expect(existsSync(stage.path('/tmp/loaded'))).toBe(false)
  })

  it('samples counters and log before the window, the rest after it', () => {
    const base = platform('debian12-full')
    using stage = new Stage(
      {
        ...base,
        tools: {
          ...base.tools,
          // A window in which the table goes on dropping.
          sleep: `sed -i 's/86400/86402/' /proc/uptime; sed -i '$s/00000022/0000002a/' /proc/net/stat/nf_conntrack
echo 7 >/proc/sys/net/netfilter/nf_conntrack_count`,
        },
      },
      shell,
    )
    const { stdout, nonce } = stage.probe({ windowSeconds: 2 })
    const { earlier, stats, count } = parseProbe('web-1', stdout, nonce)
    expect(earlier).toMatchObject({
      secondsBefore: 2,
      count: 600,
      stats: { counters: { drop: 51 } },
      log: { lines: 2 },
    })
    expect({ count, drop: stats?.counters.drop }).toEqual({ count: 7, drop: 59 })
  })

  it('copies contents byte for byte, and refuses what is no text or too large', () => {
    const content = 'a = 1\n\n\\n %s $HOME `id` ä\n\n'
    using stage = new Stage(platform('debian12-full'), shell)
    stage.write('/etc/sysctl.conf', content)
    stage.write('/etc/modprobe.conf', 'no newline at the end')
    stage.write('/etc/modules', 'nul\0byte\n')
    stage.write('/etc/modprobe.d/ctfix.conf', '')
    stage.write('/etc/sysupgrade.conf', Buffer.from([0x61, 0xff, 0x0a]))
    stage.write('/etc/sysctl.d/99-zz-ctfix.conf', '#'.repeat(300_000))
    // Each is small enough, all of them are not.
    for (const path of [
      '/etc/modprobe.d/zz-ctfix.conf',
      '/etc/modules-load.d/ctfix.conf',
      '/etc/sysconfig/iptables-config',
    ])
      stage.write(path, '#'.repeat(262_144))
    stage.write('/etc/sysconfig/ip6tables-config', '#'.repeat(262_144))
    const { stdout, nonce } = stage.probe()
    const files = parseProbe('web-1', stdout, nonce).files
    const of = (path: string): unknown => {
      const file = files.find(fact => fact.path === path)
      return file?.state?.content ?? file?.refused
    }
    expect(stdout.length).toBeLessThan(4 * 1024 * 1024)
    expect(of('/etc/sysctl.conf')).toBe(content)
    expect(of('/etc/modprobe.conf')).toBe('no newline at the end')
    expect(of('/etc/modprobe.d/ctfix.conf')).toBe('')
    expect(of('/etc/modules')).toBe('it is not text')
    expect(of('/etc/sysupgrade.conf')).toBe('it is not text')
    expect(of('/etc/sysctl.d/99-zz-ctfix.conf')).toBe('it is larger than 256 KiB')
    expect(String(of('/etc/sysconfig/ip6tables-config')).length).toBe(262_144)
    expect(of('/etc/sysconfig/iptables-config')).toBe('it and the files before it are larger than 1 MiB')
  })

  it('counts a flooded log on the host and sends its end only', () => {
    using stage = new Stage(platform('debian12-full'), shell)
    const flood = `i=0; while [ $i -lt 5000 ]; do i=$((i + 1)); echo "[ $i.5] nf_conntrack: table full, dropping packet"; done`
    stage.write('/usr/sbin/dmesg', `#!/bin/sh\n${flood}\n`, 0o755)
    const { stdout, nonce } = stage.probe()
    expect(stdout.match(/^line /gm)).toHaveLength(20)
    expect(parseProbe('web-1', stdout, nonce).log).toMatchObject({ lines: 5000, lastAtSeconds: 5000.5 })
  })

  it('looks at a part of a large table, and of a large rule set', () => {
    using stage = new Stage(platform('centos5'), shell)
    const table = stage.path('/proc/net/ip_conntrack')
    truncateSync(table)
    appendFileSync(table, 'tcp      6 100 TIME_WAIT src=10.0.0.1 dst=10.0.0.2 sport=1 dport=2\n'.repeat(65_536))
    const rules = '-A INPUT -s 10.0.0.1/32 -m state --state NEW -j ACCEPT\n'.repeat(3000)
    stage.write('/usr/sbin/iptables-save', `#!/bin/sh\ncat <<'END'\n*filter\n${rules}COMMIT\nEND\n`, 0o755)
    const { stdout, nonce } = stage.probe({ states: true })
    const facts = parseProbe('old-1', stdout, nonce)
    expect(facts.states).toEqual({ tcp_time_wait: 20_000 })
    expect(facts.statefulRules).toHaveLength(400)
    expect(facts.unreadable).toContain('rules')
    expect(stdout.length).toBeLessThan(100_000)
  })

  it('reads every rule when it is asked for them, and only then', () => {
    const base = platform('debian12-ufw')
    const native = '{"nftables":[{"metainfo":{"version":"1.0.6"}},{"table":{"family":"inet","name":"own","handle":1}}]}'
    const saved = (table: string) => `echo '*${table}'; echo ':INPUT DROP [0:0]'; echo COMMIT`
    using stage = new Stage(
      {
        ...base,
        files: { ...base.files, '/proc/net/ip_tables_names': ['raw\n', 0o440] },
        tools: {
          ...base.tools,
          'iptables-legacy-save': saved('raw'),
          'iptables-nft-save': `echo asked >>/tmp/asked; ${saved('filter')}`,
          'ip6tables-nft-save': 'echo asked >/tmp/loaded',
          nft: `echo "$*" >>/tmp/asked
case $* in
  *tables) echo 'table ip filter' ;;
  -j\\ -t*) exit 1 ;;
  -j*) echo '${native}' ;;
  *) echo 'table ip filter {' ;;
esac`,
        },
      },
      shell,
    )
    const quiet = stage.probe()
    expect(parseProbe('web-1', quiet.stdout, quiet.nonce).ruleset).toBeNull()
    expect(readFileSync(stage.path('/tmp/asked'), 'utf8')).toBe('list tables\n-t list ruleset\n')
    const { stdout, stderr, nonce } = stage.probe({ ruleset: true })
    expect(stderr).toBe('')
    const { ruleset, passive } = parseProbe('web-1', stdout, nonce)
    expect(passive).toEqual({ modules: 'same', tables: 'same' })
    expect(ruleset).toEqual({
      complete: true,
      sources: [
        { backend: 'iptables-legacy', family: 4, format: 'save', text: '*raw\n:INPUT DROP [0:0]\nCOMMIT\n' },
        { backend: 'iptables-nft', family: 4, format: 'save', text: '*filter\n:INPUT DROP [0:0]\nCOMMIT\n' },
        { backend: 'nft', family: null, format: 'json', text: `${native}\n` },
      ],
    })
    expect(existsSync(stage.path('/tmp/loaded'))).toBe(false)
  })

  it('takes text from an nft without JSON, and says when rules are missing or too many', () => {
    const base = platform('el9-firewalld')
    const rulesetOf = (tools: Readonly<Record<string, string>>) => {
      using stage = new Stage({ ...base, tools: { ...base.tools, ...tools } }, shell)
      const { stdout, nonce } = stage.probe({ ruleset: true })
      expect(stdout.length).toBeLessThan(4 * 1024 * 1024)
      return parseProbe('web-1', stdout, nonce).ruleset
    }
    const nft = (rest: string) => `case $* in *tables) echo 'table inet x' ;; ${rest} esac`
    const text = rulesetOf({ nft: nft("-j*) exit 1 ;; *) echo 'table inet x {' ;;") })
    expect(text).toEqual({
      complete: true,
      sources: [{ backend: 'nft', family: null, format: 'text', text: 'table inet x {\n' }],
    })
    expect(rulesetOf({ nft: nft('*) exit 1 ;;') })).toEqual({ complete: false, sources: [] })
    const line = 'x'.repeat(1000)
    const many = `-j*) i=0; while [ $i -lt 3700 ]; do echo ${line}; i=$((i + 1)); done ;;`
    expect(rulesetOf({ nft: nft(many) })).toEqual({ complete: false, sources: [] })
    using plain = new Stage(platform('plain-user'), shell)
    const { stdout, nonce } = plain.probe({ ruleset: true })
    expect(parseProbe('web-1', stdout, nonce).ruleset).toEqual({ complete: false, sources: [] })
    using empty = new Stage(platform('alpine-absent'), shell)
    const looked = empty.probe({ ruleset: true })
    expect(parseProbe('web-1', looked.stdout, looked.nonce).ruleset).toEqual({ complete: true, sources: [] })
    expect(existsSync(empty.path('/tmp/loaded'))).toBe(false)
  })

  it('finds the SSH connection in its parents where sudo dropped it', () => {
    const here = probeHere(shell, { SSH_CONNECTION: '198.51.100.7 50022 192.0.2.5 22' })
    expect(here.facts.managementPath).toEqual({
      clientAddress: '198.51.100.7',
      clientPort: 50022,
      serverAddress: '192.0.2.5',
      serverPort: 22,
    })
    const [name = '', ...flags] = shell.split(' ')
    const { stdin } = probeProgram({ nonce: NONCE })
    const inner = [which(name), ...flags, '-s', '--', NONCE].join(' ')
    const outer = spawnSync('/bin/sh', ['-c', `env -u SSH_CONNECTION ${inner}; exit $?`], {
      input: stdin,
      encoding: 'utf8',
      env: { PATH: '/bin:/usr/bin', SSH_CONNECTION: '2001:db8::7 50022 2001:db8::5 22' },
    })
    expect(parseProbe('here', outer.stdout, NONCE).managementPath?.clientAddress).toBe('2001:db8::7')
  })

  it('does nothing when it was cut off on its way', () => {
    const [name = '', ...flags] = shell.split(' ')
    const whole = readFileSync(PROBE, 'utf8')
    for (const share of [0.3, 0.6, 0.9, 0.99]) {
      const input = whole.slice(0, Math.floor(whole.length * share))
      const { stdout } = spawnSync(which(name), [...flags, '-s', '--', NONCE], { input, encoding: 'utf8' })
      expect(stdout).toBe('')
    }
  })

  it('refuses to run without a nonce', () => {
    const [name = '', ...flags] = shell.split(' ')
    const { status, stdout } = spawnSync(which(name), [...flags, '-s', '--'], {
      input: readFileSync(PROBE),
      encoding: 'utf8',
    })
    expect({ status, stdout }).toEqual({ status: 64, stdout: '' })
  })
})

describe('probe.sh', () => {
  it('prints no secret of the first program', () => {
    using stage = new Stage(platform('docker-container'), 'dash')
    expect(stage.probe().stdout).not.toContain('hunter2')
  })

  it('works where nearly every tool is missing: that is a fact, too', () => {
    using stage = new Stage(platform('debian12-full'), 'dash')
    for (const tool of ['awk', 'mawk', 'dd', 'ls']) rmSync(stage.path(`/usr/bin/${tool}`))
    const { stdout, nonce } = stage.probe()
    const facts = parseProbe('web-1', stdout, nonce)
    expect(facts).toMatchObject({ max: 600, log: null, statefulRules: [] })
    expect(facts.unreadable).toEqual(expect.arrayContaining(['dmesg', 'rules']))
  })

  it('starts few programs', () => {
    using stage = new Stage(platform('debian12-full'), 'dash')
    // Every tool of this stage writes its name down before it runs.
    const tools = ['grep', 'ls', 'cat', 'mawk', 'dd', 'tr', 'tail', 'sleep', 'xargs', 'id', 'printf']
    for (const tool of tools) stage.wrap(tool)
    stage.probe()
    expect(readFileSync(stage.path('/tmp/started'), 'utf8').split('\n').length).toBeLessThanOrEqual(12)
  })

  it.each([
    ['shellcheck', ['-s', 'sh', PROBE]],
    ['shfmt', ['-ln', 'posix', '-i', '2', '-ci', '-d', PROBE]],
  ])('passes %s', (tool, args) => {
    const { stdout, stderr } = spawnSync(which(tool), args, { encoding: 'utf8' })
    expect(stdout + stderr).toBe('')
  })
})
