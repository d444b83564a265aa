/** BusyBox userlands under the strategies that change rules: OpenRC with its iptables service, and OpenWrt. */
import { expect } from 'vitest'
import { CONTAINER_POWERS, type ContainerLab, startContainers } from './container.ts'
import { contract, hostOf } from './contract.ts'
import { digestOf } from './digest.ts'
import { type Document, hostIn, type Product, productFor, told } from './product.ts'
import { labSuite } from './suite.ts'

const WINDOW = ['--window', '1s']
const NOTRACK = ['--strategy', 'notrack', '--set', 'tcp=80']
const STATEFUL = 'INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT'
const UNTRIGGER = ['--strategy', 'untrigger', '--set', `rules=iptables-legacy ip filter ${STATEFUL}`]
const FILE = '/etc/iptables/rules-save'
const RULES = 'iptables-save | grep ^-A | sort'

/** What makes a router of it, as far as anybody can see: procd, fw4, and a table that fw4 wrote. */
const OPENWRT = `iptables -P INPUT ACCEPT && iptables -F
rm -rf /run/openrc /etc/runlevels /etc/init.d/* /etc/iptables /etc/local.d /etc/alpine-release /etc/os-release
mkdir -p /etc/config /etc/modules.d
for tool in procd fw4; do echo '#!/bin/sh' >/sbin/$tool && chmod 0755 /sbin/$tool; done
echo 'DISTRIB_ID="OpenWrt"' >/etc/openwrt_release
echo 'config defaults' >/etc/config/firewall
nft -f - <<END
table inet fw4 {
  chain input {
    type filter hook input priority filter; policy drop;
    iif lo accept
    ct state established,related accept
    tcp dport 22 accept
  }
}
END
`

async function ask(lab: ContainerLab, host: string, script: string): Promise<string> {
  const { stdout, stderr, exitCode } = await lab.inspect(host, script)
  expect(exitCode, stderr + stdout).toBe(0)
  return stdout
}

async function applied(product: Product, args: readonly string[]): Promise<Document> {
  const { document, result } = await product.json(['apply', ...args, '--yes', ...WINDOW])
  expect(hostIn(document).status, told(document)).toBe('changed')
  expect(result.exitCode).toBe(0)
  return document
}

async function findsNothing(product: Product, args: readonly string[]): Promise<void> {
  const { document } = await product.json(['apply', ...args, '--yes', ...WINDOW])
  expect(hostIn(document), told(document)).toMatchObject({ status: 'ok', changes: [] })
}

/** Every file byte for byte, and every rule. */
async function goesBack(lab: ContainerLab, product: Product, { run }: Document, before: Before): Promise<void> {
  const { document, result } = await product.json(['rollback', run, '--yes'])
  expect(result.exitCode, told(document)).toBe(0)
  expect(await seen(lab)).toEqual(before)
}

type Before = Awaited<ReturnType<typeof seen>>
/** A table that came up for rules of ours stays in the kernel, empty, so it is the rules that count. */
async function seen(lab: ContainerLab): Promise<{ readonly files: string | undefined; readonly rules: string }> {
  return { files: (await digestOf(lab, 'alpine')).files, rules: await ask(lab, 'alpine', RULES) }
}

labSuite(
  'busybox userlands',
  () => startContainers(['alpine', { kind: 'alpine', name: 'openwrt' }]),
  suite => {
    const withProduct = (
      host: string,
      name: string,
      body: (lab: ContainerLab, product: Product) => Promise<void>,
    ): void =>
      suite.it(`${host}: ${name}`, async lab => {
        using product = productFor(lab, [hostOf(lab, host)])
        await body(lab, product)
      })
    const kind = { family: 'nf_conntrack', ownsKernel: false } as const
    contract(suite, 'alpine', { ...kind, firewall: 'iptables-services', init: 'openrc' }, CONTAINER_POWERS)

    withProduct('alpine', 'notrack goes into the file of the iptables service, and back', async (lab, product) => {
      const before = await seen(lab)
      const document = await applied(product, NOTRACK)
      expect(hostIn(document).changes.flatMap(({ kind, target }) => (kind === 'file' ? target : []))).toEqual([FILE])
      await ask(lab, 'alpine', 'wget -q -O - http://127.0.0.1/')
      await findsNothing(product, NOTRACK)
      const verify = await product.json(['verify', ...NOTRACK, ...WINDOW])
      // Nobody reads the kernel's log in a container, so that one stays open.
      const open = hostIn(verify.document).checks.filter(({ status }) => status !== 'pass')
      expect(open.map(({ name, status }) => [name, status])).toEqual([['no-new-table-full-lines', 'unknown']])
      expect(verify.result.exitCode, told(verify.document)).toBe(0)
      await goesBack(lab, product, document, before)
    })

    withProduct(
      'alpine',
      'what is untracked is so after a restart of the service, which saves and loads',
      async (lab, product) => {
        const document = await applied(product, NOTRACK)
        const live = await ask(lab, 'alpine', RULES)
        expect(live).toMatch(/-A CTFIX-PRE -p tcp -m tcp --dport 80 -j CT --notrack/)
        await ask(lab, 'alpine', 'rc-service iptables restart')
        expect(await ask(lab, 'alpine', RULES)).toBe(live)
        await findsNothing(product, NOTRACK)
        // The service has written the file since: that is shown, and taken back only by whoever insists.
        const asked = await product.json(['rollback', document.run, '--yes'])
        expect(hostIn(asked.document).blockers).toMatchObject([
          { code: 'changed-since', message: expect.stringContaining(FILE), forceable: true },
        ])
        const back = await product.json(['rollback', document.run, '--yes', '--force'])
        expect(back.result.exitCode, told(back.document)).toBe(0)
        expect(await ask(lab, 'alpine', `${RULES}; cat ${FILE}`)).not.toMatch(/CTFIX|notrack/)
      },
    )

    withProduct('alpine', 'untrigger: the rule goes, live and from that file, and comes back', async (lab, product) => {
      const before = await seen(lab)
      const document = await applied(product, UNTRIGGER)
      expect(await ask(lab, 'alpine', `${RULES}; cat ${FILE}`)).not.toContain('ctstate')
      await findsNothing(product, UNTRIGGER)
      await goesBack(lab, product, document, before)
    })

    withProduct('openwrt', 'whoever writes the rules there is named, and nothing is touched', async (lab, product) => {
      await ask(lab, 'openwrt', OPENWRT)
      const facts = await product.json(['facts'])
      expect(hostIn(facts.document).facts).toMatchObject({
        init: 'procd',
        firewall: { owner: 'openwrt', backend: 'nft' },
      })
      const before = await digestOf(lab, 'openwrt')
      const declines = async (strategy: string, ...options: readonly string[]): Promise<readonly string[]> => {
        const set = options.flatMap(option => ['--set', option])
        const { document, result } = await product.json(['apply', '--strategy', strategy, ...set, '--yes'])
        expect(result.exitCode, told(document)).toBe(9)
        return hostIn(document).blockers.map(({ code, message }) => `${code}: ${message}`)
      }
      expect(await declines('notrack', 'tcp=80')).toEqual([
        expect.stringMatching(/^owner-unsupported: openwrt writes the rules of this host/),
      ])
      const rule = 'rules=nft inet fw4 input ct state established,related accept'
      expect(await declines('untrigger', rule)).toEqual([expect.stringMatching(/^owner-rules: .*a rule of openwrt/)])
      expect(await declines('blacklist')).toEqual([expect.stringMatching(/^not-own-kernel: /)])
      expect(await digestOf(lab, 'openwrt')).toEqual(before)
    })
  },
)
