/** A kernel with conntrack built in: nothing can be unloaded, and one forgotten rule decides whether a host is tracked. */
import { expect } from 'vitest'
import { hostOf } from './contract.ts'
import { digestOf } from './digest.ts'
import type { LabHost } from './lab.ts'
import { GUEST, NEEDED, NEEDING, OWNER, STRAY, TrackedHosts } from './namespace/tracked.ts'
import { filesOf, liveRules } from './notrack/host.ts'
import { productFor } from './product.ts'
import { labSuite } from './suite.ts'

const WISH = ['--strategy', 'untrigger', '--set', 'stray=true', '--set', 'entries=true']
const APPLY = ['apply', ...WISH, '--yes', '--window', '1s']
const CONNECTIONS = 100
const NONE = { count: 0, web: { 4: 0, 6: 0 } }
const ALL = [...Object.values(STRAY), NEEDING]

/** How the plan names the forgotten rules of a host, in the order in which they go. */
const namesOn = (name: string): readonly string[] => {
  if (name === STRAY.nft) return ['nft inet nat postrouting: oifname "lab9" masquerade']
  const backend = name === STRAY['iptables-legacy'] ? 'iptables-legacy' : 'iptables-nft'
  return ['ip6', 'ip'].map(family => `${backend} ${family} nat POSTROUTING -o lab9 -j MASQUERADE`)
}

const NEEDED_NAMES = ['ip', 'ip6'].flatMap(family =>
  [`filter ${NEEDED.filter}`, `nat ${NEEDED.nat}`].map(rule => `iptables-nft ${family} ${rule.replace('-A ', '')}`),
)

const filesOn = (name: string): readonly string[] =>
  name === STRAY.nft ? ['/etc/nftables.conf'] : ['/etc/iptables/rules.v4', '/etc/iptables/rules.v6']

/** Every file that was written since the host is there, whatever it is. */
const WRITTEN = `find /run/lab/layers /root -path '*/work' -prune -o -printf '%p %s %T@ %C@\\n' | sort`
const SAVED = 'cat /etc/iptables/rules.v4 /etc/iptables/rules.v6 /etc/nftables.conf 2>/dev/null || :'

labSuite(
  'tracking ended where conntrack is built in',
  () => TrackedHosts.start(),
  ({ it }) => {
    let before: Readonly<Record<string, { readonly rules: string; readonly files: string }>> = {}

    const live = async (hosts: TrackedHosts): Promise<typeof before> => {
      const states = ALL.map(async name => {
        const shell = hosts.shell(name)
        return [name, { rules: await liveRules(shell), files: await filesOf(shell) }] as const
      })
      return Object.fromEntries(await Promise.all(states))
    }

    const declined = async ({ lab }: TrackedHosts, { name }: LabHost): Promise<readonly object[]> => {
      using product = productFor(lab, [hostOf(lab, name)])
      const look = async (): Promise<object> => ({
        ...(await digestOf(lab, name)),
        written: (await lab.inspect(name, WRITTEN)).stdout,
      })
      const was = await look()
      expect(was).toMatchObject({ written: expect.stringContaining('/run/lab/layers/etc/upper') })
      const plan = await product.json(['plan', '--strategy', 'blacklist'])
      const apply = await product.json(['apply', '--strategy', 'blacklist', '--yes'])
      for (const { result, document } of [plan, apply]) {
        expect(result.exitCode, result.stderr).toBe(9)
        expect(document.hosts[0]).toMatchObject({ status: 'blocked', changes: [], diff: '' })
      }
      expect(await look()).toEqual(was)
      expect(apply.document.hosts[0]?.blockers).toEqual(plan.document.hosts[0]?.blockers)
      return apply.document.hosts[0]?.blockers ?? []
    }

    it('blacklist is declined where conntrack is no module, with what does it instead; nothing is touched', async hosts => {
      expect(await declined(hosts, hostOf(hosts.lab, OWNER))).toMatchObject([
        { code: 'built-in', message: expect.stringMatching(/built into this kernel.*untrigger/) },
      ])
    })

    it('blacklist is declined where the kernel is somebody else’s, and nothing is touched', async hosts => {
      expect(await declined(hosts, hostOf(hosts.lab, GUEST))).toMatchObject([
        { code: 'not-own-kernel', message: expect.stringContaining('does not own its kernel') },
      ])
    })

    it('a forgotten MASQUERADE makes each of a hundred connections an entry', async hosts => {
      before = await live(hosts)
      for (const name of ALL) {
        await hosts.connect(name, CONNECTIONS)
        expect((await hosts.table(name)).web, name).toEqual({ 4: CONNECTIONS, 6: CONNECTIONS })
      }
    })

    it('facts show that rule, and the plan why it is stray', async ({ product }) => {
      const facts = await product.json(['facts'])
      for (const { name, facts: seen } of facts.document.hosts) {
        expect(seen, name).toMatchObject({ provided_by: 'builtin', owns_kernel: false, nat: { in_use: true } })
        const forgotten = [seen.stateful_rules].flat().filter(rule => /nat.*lab9/.test(String(rule)))
        expect(forgotten, name).toHaveLength(namesOn(name).length)
      }
      const plan = await product.json(['plan', ...WISH])
      expect(plan.result.exitCode, plan.result.stderr).toBe(0)
      for (const { name, changes, blockers, diff } of plan.document.hosts) {
        expect(blockers, name).toEqual([])
        expect(changes.filter(({ kind }) => kind !== 'entries').map(({ target }) => target)).toEqual([
          ...namesOn(name),
          ...filesOn(name),
        ])
        expect(diff).toContain('it asks for tracking, and is stray: there is no interface lab9 here')
      }
      expect(plan.document.hosts.find(({ name }) => name === NEEDING)?.warnings).toEqual(
        ['IPv4', 'IPv6'].map((family, i) => {
          const names = NEEDED_NAMES.slice(2 * i, 2 * i + 2).join('; ')
          return `tracking does not end, ${family} stays tracked: 2 rules still ask for it: ${names}`
        }),
      )
    })

    it('untrigger takes it out, live and saved, and no entry comes any more', async hosts => {
      const { result, document } = await hosts.product.json(APPLY)
      expect(result.exitCode, `${JSON.stringify(document.hosts)}\n${result.stderr}`).toBe(0)
      hosts.run = document.run
      for (const { name, status, checks } of document.hosts) {
        expect(status, name).toBe('changed')
        expect(
          checks.filter(check => check.status !== 'pass'),
          name,
        ).toEqual([])
        expect(
          await hosts.shell(name).script(`iptables-legacy-save; ip6tables-legacy-save; nft list ruleset`),
        ).not.toContain('lab9')
        expect(await hosts.shell(name).script(SAVED)).not.toContain('lab9')
      }
      for (const name of Object.values(STRAY)) {
        expect(await hosts.table(name), name).toEqual(NONE)
        await hosts.connect(name, CONNECTIONS)
        expect(await hosts.table(name), name).toEqual(NONE)
      }
    })

    it('what is needed beside it stays, live and saved, and so does tracking, which was said', async hosts => {
      const { document } = await hosts.product.json(['plan', '--strategy', 'untrigger'])
      expect(document.hosts.find(({ name }) => name === NEEDING)?.warnings).toEqual(
        NEEDED_NAMES.map(name => `asks for tracking: ${name}`),
      )
      const shell = hosts.shell(NEEDING)
      for (const rules of [await shell.script('iptables-nft-save; ip6tables-nft-save'), await shell.script(SAVED)]) {
        for (const rule of Object.values(NEEDED))
          expect(rules.split('\n').filter(line => line === rule)).toHaveLength(2)
      }
      const each = (n: number): object => ({ web: { 4: n, 6: n } })
      expect(await hosts.table(NEEDING), 'what was there').toMatchObject(each(CONNECTIONS))
      await hosts.connect(NEEDING, CONNECTIONS)
      expect(await hosts.table(NEEDING)).toMatchObject(each(2 * CONNECTIONS))
    })

    it('a second apply finds nothing to do, and verify passes', async ({ product, run }) => {
      const again = await product.json(APPLY)
      expect(again.result.exitCode, again.result.stderr).toBe(0)
      for (const host of again.document.hosts) {
        expect(host, host.name).toMatchObject({ status: 'ok', changes: [] })
        // Nobody watched, and nothing was changed: that is no finding.
        expect(host.checks.filter(({ name, status }) => name === 'no-new-entries' && status !== 'pass')).toEqual([])
      }
      const verify = await product.json(['verify', '--run', run, '--window', '1s'])
      expect(verify.result.exitCode, `${JSON.stringify(verify.document.hosts)}\n${verify.result.stderr}`).toBe(0)
      for (const { name, status, checks } of verify.document.hosts) {
        expect(status, name).toBe('ok')
        expect(checks, name).toContainEqual(expect.objectContaining({ name: 'no-new-entries', status: 'pass' }))
        expect(checks.filter(check => check.status !== 'pass')).toEqual([])
      }
    })

    it('rollback: rules and files are byte for byte what they were, and connections are tracked again', async hosts => {
      const { result, document } = await hosts.product.json(['rollback', hosts.run, '--yes'])
      expect(result.exitCode, `${JSON.stringify(document.hosts)}\n${result.stderr}`).toBe(0)
      expect(await live(hosts)).toEqual(before)
      for (const name of Object.values(STRAY)) {
        await hosts.connect(name, CONNECTIONS)
        expect((await hosts.table(name)).web, name).toEqual({ 4: CONNECTIONS, 6: CONNECTIONS })
      }
    })
  },
)
