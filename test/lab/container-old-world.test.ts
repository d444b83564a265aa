/** CentOS 5 under the strategies that change rules and modules: ip_conntrack, iptables 1.3.5, modprobe.conf, chkconfig. */
import { expect } from 'vitest'
import { type ContainerLab, startContainers } from './container.ts'
import { hostOf } from './contract.ts'
import { digestOf } from './digest.ts'
import { type Document, hostIn, type Product, productFor, told } from './product.ts'
import { labSuite } from './suite.ts'

const HOST = 'centos5'
const NOTRACK = ['--strategy', 'notrack', '--set', 'tcp=80']
const STATELESS = ['--strategy', 'blacklist', '--set', 'stateless=true', '--set', 'resolvers=192.0.2.53']
const STOP = ['--strategy', 'blacklist', '--set', 'stop_firewall=true']
const RULES = 'iptables-save | grep "^[-:]"'
/** What is left of conntrack. */
const GONE =
  'lsmod | grep -e conntrack -e state; ls /proc/net /proc/net/stat /proc/sys/net/ipv4/netfilter | grep conntrack; :'
const WINDOW = ['--window', '1s']

async function ask(lab: ContainerLab, script: string): Promise<string> {
  const { stdout, stderr, exitCode } = await lab.inspect(HOST, script)
  expect(exitCode, stderr + stdout).toBe(0)
  return stdout
}

/** As time goes by: entries that are there end by themselves, and packets have met the rules. */
const drained = (lab: ContainerLab): Promise<string> =>
  ask(lab, ': >/proc/net/ip_conntrack; echo 40 >/run/el5/ipv4/netfilter/ip_conntrack_count; echo 12 >/run/el5/packets')

/** Every file byte for byte, every rule, module and value as before. */
async function goesBack(
  lab: ContainerLab,
  product: Product,
  { run }: Document,
  before: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const { document, result } = await product.json(['rollback', run, '--yes'])
  expect(result.exitCode, told(document)).toBe(0)
  expect(await digestOf(lab, HOST)).toMatchObject(before)
}

async function applied(product: Product, args: readonly string[]): Promise<Document> {
  const { document, result } = await product.json(['apply', ...args, '--yes', ...WINDOW])
  expect(hostIn(document).status, told(document)).toBe('changed')
  expect(result.exitCode).toBe(0)
  return document
}

/** Nothing left to do, and verify has no doubt about what `unsure` does not name. */
async function holds(product: Product, args: readonly string[]): Promise<void> {
  const again = await product.json(['apply', ...args, '--yes', ...WINDOW])
  expect(hostIn(again.document), told(again.document)).toMatchObject({ status: 'ok', changes: [] })
  const verify = await product.json(['verify', ...args, ...WINDOW])
  expect(verify.result.exitCode, told(verify.document)).toBe(0)
}

labSuite(
  'the old world',
  () => startContainers([HOST]),
  suite => {
    const withProduct = (name: string, body: (lab: ContainerLab, product: Product) => Promise<void>): void =>
      suite.it(name, async lab => {
        using product = productFor(lab, [hostOf(lab, HOST)])
        await body(lab, product)
      })

    withProduct('untrigger: that kernel tracks with or without rules, and says so', async (lab, product) => {
      const before = await digestOf(lab, HOST)
      const { document, result } = await product.json([
        'apply',
        '--strategy',
        'untrigger',
        '--set',
        'stray=true',
        '--yes',
      ])
      expect(hostIn(document)).toMatchObject({
        status: 'blocked',
        changes: [],
        blockers: [{ code: 'tracks-when-loaded', message: expect.stringMatching(/2\.6\.18.*notrack or blacklist/) }],
      })
      expect(result.exitCode).toBe(9)
      expect(await digestOf(lab, HOST)).toEqual(before)
    })

    withProduct(
      'notrack: NOTRACK and the state match, IPv4 alone, in the file that the service loads',
      async (lab, product) => {
        const before = await digestOf(lab, HOST)
        const document = await applied(product, NOTRACK)
        const { diff, changes, checks } = hostIn(document)
        expect(changes.map(({ target }) => target)).toEqual([
          'iptables-legacy ip filter CTFIX-IN',
          'iptables-legacy ip filter INPUT -j CTFIX-IN',
          'iptables-legacy ip raw CTFIX-OUT',
          'iptables-legacy ip raw OUTPUT -j CTFIX-OUT',
          'iptables-legacy ip raw CTFIX-PRE',
          'iptables-legacy ip raw PREROUTING -j CTFIX-PRE',
          '/etc/sysconfig/iptables',
        ])
        expect(diff).toContain('-m state --state UNTRACKED -j ACCEPT')
        expect(diff).not.toMatch(/nf_conntrack|ip6tables|ctstate|--notrack/)
        expect(checks).toContainEqual(expect.objectContaining({ name: 'no-entries-of-flows', status: 'pass' }))
        await drained(lab)
        await holds(product, NOTRACK)

        // Whatever the service brings back, ours are among it, once.
        const live = await ask(lab, 'iptables-save')
        await ask(lab, 'service iptables restart && rm /run/el5/packets')
        const rulesOf = (save: string): string[] =>
          save
            .split('\n')
            .filter(line => line.startsWith('-A'))
            .toSorted()
        expect(rulesOf(await ask(lab, 'iptables-save'))).toEqual(rulesOf(live))
        const after = await product.json(['apply', ...NOTRACK, '--yes'])
        expect(hostIn(after.document), told(after.document)).toMatchObject({ status: 'ok', changes: [] })
        // The table that they stood in stays, empty, as a table of the kernel does.
        await goesBack(lab, product, document, { files: before.files, values: before.values })
        expect(await ask(lab, `${RULES} | grep -c -e CTFIX -e NOTRACK || :`)).toBe('0\n')
        await ask(lab, 'rmmod iptable_raw xt_NOTRACK')
        expect(await digestOf(lab, HOST)).toEqual(before)
      },
    )

    withProduct(
      'blacklist: rules that ask for states, live and saved, are named, and nothing is touched',
      async (lab, product) => {
        const before = await digestOf(lab, HOST)
        const { document, result } = await product.json(['apply', '--strategy', 'blacklist', '--yes'])
        expect(hostIn(document).blockers, told(document)).toEqual([
          {
            code: 'rules-need-tracking',
            message: expect.stringMatching(/^3 live rules need conntrack/),
            forceable: true,
          },
          {
            code: 'saved-rules-need-tracking',
            message: expect.stringMatching(/^\/etc\/sysconfig\/iptables:12 says .* and 2 more lines/),
            forceable: false,
          },
        ])
        expect(result.exitCode).toBe(9)
        expect(await digestOf(lab, HOST)).toEqual(before)
      },
    )

    withProduct(
      'blacklist stateless: rules without states, modules out and refused, and a service that still starts',
      async (lab, product) => {
        const before = await digestOf(lab, HOST)
        const document = await applied(product, STATELESS)
        const { changes, checks } = hostIn(document)
        expect(changes.flatMap(({ kind, target }) => (kind === 'file' || kind === 'module' ? target : []))).toEqual([
          ...['ip_conntrack_netbios_ns', 'xt_state', 'ip_conntrack'],
          ...['/etc/sysconfig/iptables', '/etc/modprobe.conf', '/etc/sysconfig/iptables-config'],
        ])
        for (const name of ['conntrack-gone', 'modprobe-refuses', 'firewall-service-up']) {
          expect(checks).toContainEqual(expect.objectContaining({ name, status: 'pass' }))
        }
        await holds(product, STATELESS)

        // As boot does it: every rule comes back, and no module with it.
        const live = await ask(lab, RULES)
        expect(live).not.toMatch(/state/)
        await ask(lab, 'service iptables restart')
        expect(await ask(lab, RULES)).toBe(live)
        expect(await ask(lab, `! modprobe xt_state; ${GONE}`)).toBe('')
        await goesBack(lab, product, document, before)
      },
    )

    withProduct(
      'blacklist stop_firewall, after raise: stopped and out of boot, and back with every value',
      async (lab, product) => {
        // Which has the service leave its modules, and with them its tables.
        const raised = await applied(product, ['--strategy', 'raise', '--set', 'max=200000'])
        const before = await digestOf(lab, HOST)
        const document = await applied(product, STOP)
        const changes = hostIn(document).changes.filter(({ kind }) => kind !== 'kernel-value')
        expect(changes.map(({ kind, target }) => [kind, target])).toEqual([
          ['service', 'iptables'],
          ...['ip_conntrack_netbios_ns', 'xt_state', 'ip_conntrack'].map(name => ['module', name]),
          ['boot-service', 'iptables'],
          ['file', '/etc/modprobe.conf'],
          ['file', '/etc/sysconfig/modules/ctfix.modules'],
          ['file', '/etc/sysconfig/iptables-config'],
        ])
        expect(hostIn(document).warnings.join()).toMatch(/iptables stops: .*port 22 among them/)
        await holds(product, STOP)
        const levels = [0, 1, 2, 3, 4, 5, 6].map(level => `${level}:off`).join('\t')
        expect(await ask(lab, `chkconfig --list iptables; ${GONE}`)).toBe(`iptables\t${levels}\n`)
        await goesBack(lab, product, document, before)
        expect((await product.json(['rollback', raised.run, '--yes'])).result.exitCode).toBe(0)
        expect(await ask(lab, 'chkconfig --list iptables; ls /var/lock/subsys')).toMatch(
          /2:on\t3:on\t4:on\t5:on\t6:off\niptables\n/,
        )
      },
    )
  },
)
