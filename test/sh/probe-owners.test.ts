import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseProbe } from '../../src/facts/parse.ts'
import { PLATFORMS } from '../facts/platforms.ts'
import { SHELLS, Stage } from '../facts/stage.ts'

const base = PLATFORMS['debian12-ufw'] ?? expect.unreachable()
const OWN = 'table inet ctfix {\n\tchain pre {\n\t\ttcp dport 80 notrack\n\t}\n}'

/** An nft with our table and a rule of ours beside it; older ones know no -s. */
function nft(older: boolean): string {
  return `case $* in
  *tables) printf 'table inet own\\ntable inet ctfix\\n' ;;
  '-s list table inet ctfix') ${older ? 'exit 1' : `echo '${OWN}'`} ;;
  'list table inet ctfix') echo '${OWN}' ;;
  -j*) echo '{"nftables":[]}' ;;
  *) cat <<'END'
table inet own {
	comment "ctfix"
	chain input {
		type filter hook input priority 0; policy drop;
		tcp dport 22 accept comment "ctfix too"
		tcp dport 80 counter packets 3 bytes 4 accept comment "ctfix"
	}
}
END
  ;;
esac`
}

describe.each(SHELLS)('probe.sh under %s, asked for the rules', shell => {
  it.each([false, true])('finds what of nft is ours (an older one: %s)', older => {
    using stage = new Stage({ ...base, tools: { ...base.tools, nft: nft(older) } }, shell)
    const { stdout, stderr, nonce } = stage.probe({ ruleset: true })
    expect(stderr).toBe('')
    expect(parseProbe('web-1', stdout, nonce)).toMatchObject({
      tools: { nft: true },
      ownNft: {
        table: OWN,
        rules: [
          {
            family: 'inet',
            table: 'own',
            chain: 'input',
            text: 'tcp dport 80 counter accept comment "ctfix"',
          },
        ],
      },
    })
  })

  it('does not say that nothing is ours where nobody could look', () => {
    const ownOf = (tools: Readonly<Record<string, string>>) => {
      using stage = new Stage({ ...base, tools: { ...base.tools, ...tools } }, shell)
      const { stdout, nonce } = stage.probe({ ruleset: true })
      return parseProbe('web-1', stdout, nonce).ownNft
    }
    expect(ownOf({ nft: 'exit 1' })).toBeNull()
    expect(ownOf({ nft: 'case $* in *tables) echo "table inet ctfix" ;; *table*) exit 1 ;; esac' })).toBeNull()
    expect(ownOf({ nft: 'case $* in *tables) ;; *) echo asked >/tmp/loaded ;; esac' })).toEqual({
      table: null,
      rules: [],
    })
  })

  it('finds who restores rules at boot, beside docker too, and which families of them', () => {
    const files = { ...base.files, '/proc/900/comm': 'dockerd\n', '/etc/ufw/ufw.conf': 'ENABLED=no\n' }
    const others = Object.entries(base.links ?? {}).filter(([path]) => !path.endsWith(':ufw.service'))
    const found = (...links: readonly string[]) => {
      const all = Object.fromEntries([...others, ...links.map(path => [path, '/nowhere'] as const)])
      using stage = new Stage({ ...base, files, links: all }, shell)
      const { stdout, nonce } = stage.probe()
      const { firewall, managers, directories } = parseProbe('web-1', stdout, nonce)
      expect(managers).toContain('docker')
      return [firewall.owner, ...directories.filter(path => links.includes(path))].toSorted()
    }
    const units = '/run/systemd/units/invocation'
    const wants = '/etc/systemd/system/multi-user.target.wants'
    expect(found()).toEqual(['docker'])
    expect(found(`${units}:netfilter-persistent.service`)).toEqual(['netfilter-persistent'])
    expect(found(`${wants}/nftables.service`)).toEqual(['nftables'])
    for (const links of [
      [`${wants}/iptables.service`],
      ['/etc/rc.d/rc3.d/S08ip6tables', '/etc/rc.d/rc3.d/S08iptables'],
      ['/etc/runlevels/default/ip6tables'],
      [`${units}:ip6tables.service`, `${units}:iptables.service`],
    ]) {
      expect(found(...links)).toEqual([...links, 'iptables-services'].toSorted())
    }
  })

  it.each(['1', '2'])('knows the tables of iptables-nft by what nft says on fd %s', fd => {
    const say = `echo '# Warning: table ip filter is managed by iptables-nft, do not touch!' >&${fd}`
    const list = `${say}; printf 'table ip filter {\n\tchain INPUT {\n\t\tct state new accept\n\t}\n}\n'`
    const tools = { ...base.tools, nft: `case $* in *tables) echo 'table ip filter' ;; *) ${list} ;; esac` }
    using stage = new Stage({ ...base, tools }, shell)
    const { stdout, stderr, nonce } = stage.probe()
    expect(stderr).toBe('')
    expect(parseProbe('web-1', stdout, nonce)).toMatchObject({
      firewall: { backend: 'iptables-nft' },
      statefulRules: ['ip filter INPUT: ct state new accept'],
    })
  })

  it('reads what keeps rules over a boot, after the files that everybody needs', () => {
    using stage = new Stage(base, shell)
    const rules = '-A INPUT -s 10.0.0.1/32 -j ACCEPT -m comment --comment "a rule, saved as 80 bytes: x"\n'.repeat(
      5_000,
    )
    stage.write('/etc/iptables/rules.v4', rules, 0o640)
    stage.write('/etc/iptables/rules.v6', rules.repeat(2))
    stage.write('/etc/ufw/before.init', '#!/bin/sh\n', 0o755)
    stage.write('/etc/sysctl.conf', 'a = 1\n')
    const filesOf = (ruleset: boolean) => {
      const { stdout, nonce } = stage.probe({ ruleset })
      expect(stdout.length).toBeLessThan(4 * 1024 * 1024)
      return new Map(parseProbe('web-1', stdout, nonce).files.map(fact => [fact.path, fact]))
    }
    const found = filesOf(true)
    const refused = 'it and the files before it are larger than 1 MiB'
    expect(found.get('/etc/iptables/rules.v4')?.state).toMatchObject({ content: rules, mode: '0640', owner: '0:0' })
    expect(found.get('/etc/iptables/rules.v6')).toMatchObject({ state: null, refused })
    expect(found.get('/etc/ufw/before.init')?.state?.mode).toBe('0755')
    expect(found.get('/etc/ufw/after.init')).toMatchObject({ state: null, refused: null })
    expect(found.get('/etc/sysctl.conf')?.state?.content).toBe('a = 1\n')
    expect(filesOf(false).has('/etc/iptables/rules.v4')).toBe(false)
  })

  it('asks for counters, and finds tools and addresses without starting anything', () => {
    const counted = 'case $* in -c) echo "*raw" ;; *) : ;; esac'
    using stage = new Stage(
      {
        ...base,
        files: {
          ...base.files,
          '/proc/net/ip_tables_names': ['raw\n', 0o440],
          '/proc/net/if_inet6': '00000000000000000000000000000001 01 80 10 80       lo\n',
        },
        directories: [...(base.directories ?? []), '/etc/network/if-pre-up.d'],
        tools: {
          ...base.tools,
          'iptables-legacy-save': counted,
          conntrack: 'echo asked >/tmp/loaded',
          ip6tables: 'echo asked >/tmp/loaded',
        },
      },
      shell,
    )
    const { stdout, nonce } = stage.probe({ ruleset: true })
    const { ruleset, tools, ipv6, directories } = parseProbe('web-1', stdout, nonce)
    expect(ruleset?.sources).toContainEqual({ backend: 'iptables-legacy', family: 4, format: 'save', text: '*raw\n' })
    expect(tools).toMatchObject({ conntrack: true, iptables: false, ip6tables: true })
    expect(ipv6).toBe(true)
    expect(directories).toEqual(expect.arrayContaining(['/etc/ufw', '/etc/network/if-pre-up.d']))
    expect(existsSync(stage.path('/tmp/loaded'))).toBe(false)
  })
})
