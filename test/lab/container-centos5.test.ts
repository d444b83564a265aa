/** CentOS 5 with a full table: the whole way under the names, files and traps of 2.6.18. */
import { expect } from 'vitest'
import { CONTAINER_POWERS, type ContainerLab, startContainers } from './container.ts'
import { contract, hostOf } from './contract.ts'
import { digestOf } from './digest.ts'
import { hostIn, type Product, productFor } from './product.ts'
import { labSuite } from './suite.ts'

const HOST = 'centos5'
const MAX = 262_144
const BUCKETS = 131_072
const BOTH = ['--strategy', 'raise,timeouts']
const WINDOW = ['--window', '2s']
const NAMES = ['max', 'tcp_timeout_established', 'tcp_timeout_time_wait', 'tcp_timeout_fin_wait']
const DEFAULTS = ['65536', '432000', '120', '120', '8192']

async function ask(lab: ContainerLab, script: string): Promise<string> {
  const { stdout, stderr, exitCode } = await lab.inspect(HOST, script)
  expect(exitCode, stderr).toBe(0)
  return stdout
}

/** The limit, three timeouts, and the hash size. */
async function valuesOf(lab: ContainerLab): Promise<string[]> {
  const paths = NAMES.map(name => `/proc/sys/net/ipv4/netfilter/ip_conntrack_${name}`)
  return (await ask(lab, `cat ${paths.join(' ')} /sys/module/ip_conntrack/parameters/hashsize`)).trim().split('\n')
}

labSuite(
  HOST,
  () => startContainers([HOST]),
  suite => {
    const { it } = suite
    const withProduct = (name: string, body: (lab: ContainerLab, product: Product) => Promise<void>): void =>
      it(name, async lab => {
        using product = productFor(lab, [hostOf(lab, HOST)])
        await body(lab, product)
      })
    let untouched: Record<string, string>

    contract(
      suite,
      HOST,
      { family: 'ip_conntrack', firewall: 'iptables-services', init: 'sysvinit', ownsKernel: true },
      CONTAINER_POWERS,
    )

    withProduct('facts: a table that is full, under its old names', async (lab, product) => {
      untouched = await digestOf(lab, HOST)
      const { document } = await product.json(['facts'])
      expect(hostIn(document).facts).toMatchObject({
        kernel: '2.6.18-419.el5',
        os: 'CentOS release 5.11 (Final)',
        provided_by: 'module',
        count: 65_536,
        max: 65_536,
        buckets: 8192,
        container: null,
        writable: { max: true, buckets: true, etc: true },
        table_full_lines: 2,
        stats: { drop: 250_017 },
        timeouts: { tcp_established: 432_000, tcp_time_wait: 120, udp_stream: 180, generic: 600 },
      })
    })

    withProduct('plan: every value and every file that boot needs, each in the diff', async (_lab, product) => {
      const { document } = await product.json(['plan', '--strategy', 'raise'])
      const { diff, changes } = hostIn(document)
      expect(changes.map(({ target }) => target)).toEqual([
        '/sys/module/ip_conntrack/parameters/hashsize',
        'net.ipv4.netfilter.ip_conntrack_max',
        '/etc/sysctl.conf',
        '/etc/sysconfig/modules/ctfix.modules',
        '/etc/modprobe.conf',
        '/etc/sysconfig/iptables-config',
      ])
      expect(diff).toContain(`~ net.ipv4.netfilter.ip_conntrack_max: 65536 → ${MAX}`)
      expect(diff).toContain(`+net.ipv4.netfilter.ip_conntrack_max = ${MAX}`)
      expect(diff).toContain(`+options ip_conntrack hashsize=${BUCKETS}`)
      expect(diff).toContain('-IPTABLES_MODULES_UNLOAD="yes"\n+IPTABLES_MODULES_UNLOAD="no"')
      expect(diff).toContain('+/sbin/modprobe ip_conntrack')
      expect(diff).not.toContain('nf_conntrack')
    })

    withProduct(
      'apply raise: live values and files, with every other line, mode and owner as it was',
      async (lab, product) => {
        const files = ['/etc/sysctl.conf', '/etc/modprobe.conf', '/etc/sysconfig/iptables-config']
        const read = (path: string): Promise<string> => ask(lab, `cat ${path}`)
        const [sysctl, modprobe, iptables] = await Promise.all(files.map(read))
        const { document, result } = await product.json(['apply', '--strategy', 'raise', '--yes', ...WINDOW])
        expect(hostIn(document).status, JSON.stringify(hostIn(document))).toBe('changed')
        expect(result.exitCode).toBe(0)
        expect(await valuesOf(lab)).toEqual([String(MAX), ...DEFAULTS.slice(1, 4), String(BUCKETS)])
        // The short name is the same variable.
        expect(await ask(lab, 'sysctl -n net.ipv4.ip_conntrack_max')).toBe(`${MAX}\n`)

        expect(await read('/etc/sysctl.conf')).toBe(`${sysctl}net.ipv4.netfilter.ip_conntrack_max = ${MAX}\n`)
        expect(await read('/etc/modprobe.conf')).toBe(`${modprobe}options ip_conntrack hashsize=${BUCKETS}\n`)
        expect(await read('/etc/sysconfig/iptables-config')).toBe(
          iptables?.replace('IPTABLES_MODULES_UNLOAD="yes"', 'IPTABLES_MODULES_UNLOAD="no"'),
        )
        const listed = await ask(lab, `stat -c '%a %u:%g' ${files.join(' ')} /etc/sysconfig/modules/ctfix.modules`)
        expect(listed).toBe('644 0:0\n644 0:0\n600 0:0\n755 0:0\n')
        expect(await ask(lab, 'stat -c "%a" /var/lib/ctfix/*; find / -xdev -name "*.ctfix-new"')).toBe('700\n')
        // Neither module nor rule.
        expect(await digestOf(lab, HOST)).toMatchObject({ modules: untouched.modules, rules: untouched.rules })
      },
    )

    withProduct('applied again there is nothing to do, and verify says so', async (lab, product) => {
      const before = await digestOf(lab, HOST)
      const again = await product.json(['apply', '--strategy', 'raise', '--yes'])
      expect(hostIn(again.document)).toMatchObject({ status: 'ok', changes: [] })
      const verify = await product.json(['verify', '--strategy', 'raise', ...WINDOW])
      expect(hostIn(verify.document).status, JSON.stringify(hostIn(verify.document))).toBe('ok')
      expect([again.result.exitCode, verify.result.exitCode]).toEqual([0, 0])
      expect(await digestOf(lab, HOST)).toEqual(before)
    })

    withProduct('apply raise,timeouts: timeouts join, under their ip_ names', async (lab, product) => {
      const sysctl = await ask(lab, 'cat /etc/sysctl.conf')
      const { document, result } = await product.json(['apply', ...BOTH, '--yes', ...WINDOW])
      expect(hostIn(document).status, JSON.stringify(hostIn(document))).toBe('changed')
      expect(result.exitCode).toBe(0)
      expect(hostIn(document).warnings.join()).toMatch(/keep their old timer/)
      expect(await valuesOf(lab)).toEqual([String(MAX), '7440', '60', '60', String(BUCKETS)])
      const added = (await ask(lab, 'cat /etc/sysctl.conf')).slice(sysctl.length).trim().split('\n').toSorted()
      const prefix = 'net.ipv4.netfilter.ip_conntrack_tcp_timeout'
      expect(added).toEqual(
        ['close_wait = 60', 'established = 7440', 'fin_wait = 60', 'time_wait = 60'].map(line => `${prefix}_${line}`),
      )
      const again = await product.json(['apply', ...BOTH, '--yes'])
      expect(hostIn(again.document)).toMatchObject({ status: 'ok', changes: [] })
    })

    withProduct(
      '`service iptables restart` resets everything where it unloads the module, and nothing after ctfix',
      async (lab, product) => {
        const cured = await valuesOf(lab)
        const config = '/etc/sysconfig/iptables-config'
        const set = (from: string, to: string): string =>
          `sed -i 's/MODULES_UNLOAD="${from}"/MODULES_UNLOAD="${to}"/' ${config}`

        // The premise: without that one edit the values are gone, and verify notices.
        await ask(lab, `${set('no', 'yes')}; service iptables restart`)
        expect(await valuesOf(lab)).toEqual([String(8 * BUCKETS), ...DEFAULTS.slice(1, 4), String(BUCKETS)])
        const lost = await product.json(['verify', ...BOTH, ...WINDOW])
        expect(hostIn(lost.document).checks).toContainEqual(
          expect.objectContaining({ name: 'values-as-wanted', status: 'fail' }),
        )
        expect(lost.result.exitCode).toBe(1)

        // As the next boot does it: modules by name, then /etc/sysctl.conf.
        await ask(lab, `${set('yes', 'no')}; /etc/sysconfig/modules/ctfix.modules && sysctl -e -p >/dev/null`)
        expect(await valuesOf(lab)).toEqual(cured)

        await ask(lab, 'service iptables restart')
        expect(await valuesOf(lab)).toEqual(cured)
        const kept = await product.json(['verify', ...BOTH, ...WINDOW])
        expect(hostIn(kept.document).status, JSON.stringify(hostIn(kept.document))).toBe('ok')
        expect(kept.result.exitCode).toBe(0)
      },
    )
  },
)
