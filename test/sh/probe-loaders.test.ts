/** Whatever loads rules at boot, by any script, unit, name and variable: found under every shell, and nothing else is. */
import { describe, expect, it } from 'vitest'
import type { TrackingFacts } from '../../src/facts/asked.ts'
import { parseProbe } from '../../src/facts/parse.ts'
import { PLATFORMS } from '../facts/platforms.ts'
import { SHELLS, Stage } from '../facts/stage.ts'

const base = PLATFORMS['debian12-full'] ?? expect.unreachable()
const STATES = '#!/bin/sh\niptables -P INPUT DROP\niptables -A INPUT -m state --state ESTABLISHED -j ACCEPT\n'
const SAVE = '-A INPUT -m state --state NEW -j ACCEPT\n'
const WANTS = '/etc/systemd/system/multi-user.target.wants'
/** What is no script must not be read: a line of it would count. */
const BINARY = '\u007fELF\u0000\n-A INPUT -m state --state NEW -j ACCEPT\n'

interface Case {
  readonly files: Readonly<Record<string, string>>
  readonly links?: Readonly<Record<string, string>>
  readonly directories?: readonly string[]
  /** Where lines that need tracking are found. */
  readonly saved?: readonly string[]
  readonly unread?: readonly string[]
}

const CASES: Readonly<Record<string, Case>> = {
  'a script of sysvinit': {
    files: { '/etc/init.d/firewall': STATES },
    links: { '/etc/rc2.d/S40firewall': '../init.d/firewall', '/etc/rc3.d/S40firewall': '../init.d/firewall' },
    saved: ['/etc/init.d/firewall:3'],
  },
  'a script of Red Hat, for another purpose': {
    files: {
      '/etc/rc.d/init.d/site': '#!/bin/sh\n. /etc/site/rules\necho "redirect -t nat of iptables"\n',
      '/etc/site/rules': STATES,
    },
    links: { '/etc/init.d': 'rc.d/init.d', '/etc/rc.d/rc3.d/S99site': '../init.d/site' },
    saved: ['/etc/site/rules:3'],
  },
  'a script of OpenRC': {
    files: { '/etc/init.d/fence': STATES },
    links: { '/etc/runlevels/default/fence': '/etc/init.d/fence' },
    saved: ['/etc/init.d/fence:3'],
  },
  'scripts that boot does not start, or that systemd has a unit for': {
    files: { '/etc/init.d/firewall': STATES, '/etc/init.d/other': STATES, '/lib/systemd/system/other.service': '' },
    links: { '/etc/rc2.d/K40firewall': '../init.d/firewall', '/etc/rc2.d/S40other': '../init.d/other' },
    directories: ['/run/systemd/system'],
  },
  'what a unit starts, whatever it is called': {
    files: {
      '/etc/systemd/system/net.service': '[Service]\nExecStartPre=-/bin/true\nExecStart=/usr/local/sbin/load start\n',
      '/usr/local/sbin/load': STATES,
    },
    saved: ['/usr/local/sbin/load:3'],
  },
  'what a unit starts by a shell, and no program': {
    files: {
      '/etc/systemd/system/net.service': '[Service]\nExecStart=/bin/sh -c "/opt/load && /opt/daemon"\n',
      '/opt/load': STATES,
      '/opt/daemon': BINARY,
    },
    saved: ['/opt/load:3'],
  },
  'a unit of a package that is enabled by its link, and not one that is not': {
    files: {
      '/lib/systemd/system/own.service': '[Service]\nExecStart=/usr/sbin/iptables-restore /etc/own\n',
      '/lib/systemd/system/off.service': '[Service]\nExecStart=/usr/sbin/iptables-restore /etc/off\n',
      '/etc/own': SAVE,
      '/etc/off': SAVE,
    },
    links: { [`${WANTS}/own.service`]: '/lib/systemd/system/own.service' },
    saved: ['/etc/own:1'],
  },
  'a unit of the administrator': {
    files: {
      '/usr/local/lib/systemd/system/own.service': '[Service]\nExecStart=/usr/sbin/nft -f /opt/rules.nft\n',
      '/opt/rules.nft': 'table inet f { chain i { type filter hook input priority 0; ct state established accept } }\n',
    },
    saved: ['/opt/rules.nft:1'],
  },
  'a service whose files are known is not read for more': {
    files: {
      '/lib/systemd/system/iptables.service': '[Service]\nExecStart=/usr/libexec/iptables.init start\n',
      '/usr/libexec/iptables.init':
        '#!/bin/sh\n$IPTABLES-restore $OPT < $DATA\n$IPTABLES -t nat -A POSTROUTING -j MASQUERADE\n',
    },
    links: { [`${WANTS}/iptables.service`]: '/lib/systemd/system/iptables.service' },
  },
  'a tool by a variable': {
    files: {
      '/etc/rc.local': '#!/bin/sh\nFW=/sbin/iptables\n$FW -P INPUT DROP\n$FW -A INPUT -m state --state NEW -j ACCEPT\n',
    },
    saved: ['/etc/rc.local:4'],
  },
  'a file by a variable that is set': {
    files: {
      '/etc/rc.local': ['#!/bin/sh', 'DIR="/etc/own"', 'iptables-restore < $' + '{DIR}/rules', ''].join('\n'),
      '/etc/own/rules': SAVE,
    },
    saved: ['/etc/own/rules:1'],
  },
  'files by variables that nobody can follow': {
    files: {
      '/etc/rc.local': '#!/bin/sh\niptables-restore < "$1"\nip6tables-restore <$FILE\n',
      '/etc/network/if-up.d/own': '#!/bin/sh\nA=/etc/a\nA=/etc/b\nnft -f $A\n',
      '/etc/network/if-up.d/all': '#!/bin/sh\nnft add rule ip t c iifname $IFACE accept\necho $IFACE\n',
    },
    unread: ['/etc/rc.local', '/etc/network/if-up.d/own'],
  },
  'what cron starts at boot': {
    files: {
      '/etc/crontab': '@reboot root /root/boot -v\n*/5 * * * * root /root/often\n',
      '/root/boot': STATES,
      '/root/often': STATES,
      '/var/spool/cron/root': '@reboot /root/mine >/dev/null\n',
      '/root/mine': STATES,
    },
    saved: ['/root/boot:3', '/root/mine:3'],
  },
  'what cloud-init starts at each boot': {
    files: { '/var/lib/cloud/scripts/per-boot/net': STATES },
    saved: ['/var/lib/cloud/scripts/per-boot/net:3'],
  },
  'networks of wireguard that come up at boot': {
    files: {
      '/etc/wireguard/wg0.conf':
        '[Interface]\nPrivateKey = x\nPostUp = iptables -t nat -A POSTROUTING -o eth9 -j MASQUERADE\n',
      '/etc/wireguard/wg1.conf': '[Interface]\nPostUp = iptables -t nat -A POSTROUTING -o eth9 -j MASQUERADE\n',
    },
    links: { [`${WANTS}/wg-quick@wg0.service`]: '/lib/systemd/system/wg-quick@.service' },
    saved: ['/etc/wireguard/wg0.conf:3'],
  },
  'scripts of another purpose that read others, however deep': {
    files: {
      '/etc/init.d/site': '#!/bin/sh\n. /etc/site/a.sh\n. /etc/site/a\n',
      ...Object.fromEntries(
        ['a', 'b', 'c', 'd', 'e'].flatMap((name, i, all) => [
          [`/etc/site/${name}`, `. /etc/site/${all[i + 1]}\n`],
          [`/etc/site/${name}.sh`, `. /etc/site/${all[i + 1]}.sh\n`],
        ]),
      ),
    },
    links: { '/etc/rc2.d/S20site': '../init.d/site' },
  },
  'words that only look like it': {
    files: {
      '/etc/init.d/mail':
        '#!/bin/sh\n# iptables -A INPUT -m state\necho "state: redirect to nat" -A\nfor i in -I x; do :; done\n',
      '/etc/systemd/system/app.service': '[Service]\nExecStart=/opt/app -A -m state=/var/x /dev/tty0\nUser=app\n',
      '/opt/app': '#!/usr/bin/python3\nimport nft\nreason = "connection state"\n',
    },
    links: { '/etc/rc2.d/S20mail': '../init.d/mail' },
  },
}

describe.each(SHELLS)('what loads rules at boot, under %s', shell => {
  function lookAt({ files, links, directories }: Case): TrackingFacts {
    using stage = new Stage(
      {
        ...base,
        files: { ...base.files, ...files },
        links: { ...base.links, ...links },
        programs: ['mktemp', 'rm'],
        ...(directories ? { directories } : {}),
      },
      shell,
    )
    const { stdout, stderr, nonce } = stage.probe({ tracking: true })
    expect(stderr).toBe('')
    return parseProbe('web-1', stdout, nonce).tracking ?? expect.unreachable()
  }

  it.each(Object.entries(CASES))('%s', (_, given) => {
    const { savedRules, savedUnread } = lookAt(given)
    expect(savedRules.map(({ file, line }) => `${file}:${line}`).toSorted()).toEqual(given.saved?.toSorted() ?? [])
    expect(savedUnread.toSorted()).toEqual(given.unread?.toSorted() ?? [])
  })
})
