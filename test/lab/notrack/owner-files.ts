/** Files of hosts whose rules are all alike: INPUT drops but what is answered, ICMP, and new connections to 22 and 80. */

/** For iptables-restore. */
export const saveFile = (family: 4 | 6): string => `*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -m conntrack --ctstate INVALID -j DROP
-A INPUT -p ${family === 4 ? 'icmp' : 'ipv6-icmp'} -j ACCEPT
-A INPUT -p tcp -m conntrack --ctstate NEW -m tcp --dport 22 -j ACCEPT
-A INPUT -p tcp -m conntrack --ctstate NEW -m tcp --dport 80 -j ACCEPT
COMMIT
`

/** The script of RHEL's iptables-services in short: a restart empties every table there is, a reload only loads the file. */
export const IPTABLES_INIT = `#!/bin/sh
tool=$(basename "$0" .init)
data=/etc/sysconfig/$tool
. "/etc/sysconfig/$tool-config"
empty() {
  "$tool-save" | sed -n 's/^\\*//p' | while read -r table; do
    "$tool" -t "$table" -F
    "$tool" -t "$table" -X
    "$tool-save" -t "$table" | sed -n 's/^:\\([A-Z]*\\) .*/\\1/p' | while read -r chain; do
      "$tool" -t "$table" -P "$chain" ACCEPT
    done
  done
}
case $1 in
  start | reload) "$tool-restore" <"$data" ;;
  stop) empty ;;
  save) "$tool-save" >"$data" ;;
esac
`

export const iptablesUnit = (tool: string, family: string): string => `[Unit]
Description=${family} firewall with ${tool}
AssertPathExists=/etc/sysconfig/${tool}
Before=network-pre.target
Wants=network-pre.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/libexec/iptables/${tool}.init start
ExecReload=/usr/libexec/iptables/${tool}.init reload
ExecStop=/usr/libexec/iptables/${tool}.init stop

[Install]
WantedBy=multi-user.target
`

/** What the script of each family reads. */
export const sysconfig = (tool: string): string =>
  `IPTABLES_MODULES=""
IPTABLES_SAVE_ON_STOP="no"
IPTABLES_SAVE_ON_RESTART="no"
IPTABLES_SAVE_COUNTER="no"
IPTABLES_STATUS_NUMERIC="yes"
`.replaceAll('IPTABLES', tool.toUpperCase())

export const NFTABLES_CONF = `#!/usr/sbin/nft -f

flush ruleset

table inet filter {
	chain input {
		type filter hook input priority filter; policy drop;
		iif "lo" accept
		ct state established,related accept
		ct state invalid drop
		meta l4proto { icmp, ipv6-icmp } accept
		tcp dport { 22, 80 } ct state new accept
	}
	chain forward {
		type filter hook forward priority filter; policy drop;
	}
	chain output {
		type filter hook output priority filter; policy accept;
	}
}
`

/** Loaded by a unit that no tool knows, once at boot. */
export const HOST_SCRIPT = `#!/bin/sh
for tool in iptables ip6tables; do
  $tool -A INPUT -i lo -j ACCEPT
  $tool -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
  $tool -A INPUT -m conntrack --ctstate INVALID -j DROP
  $tool -A INPUT -p tcp -m conntrack --ctstate NEW -m multiport --dports 22,80 -j ACCEPT
  $tool -P INPUT DROP
done
iptables -I INPUT 4 -p icmp -j ACCEPT
ip6tables -I INPUT 4 -p ipv6-icmp -j ACCEPT
`

export const HOST_SCRIPT_UNIT = `[Unit]
Description=Rules of this host
After=network.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/sbin/host-rules

[Install]
WantedBy=multi-user.target
`

/** The zone that firewalld gives to every link, with the service of port 80 in it. */
export const PUBLIC_ZONE = `<?xml version="1.0" encoding="utf-8"?>
<zone>
  <short>Public</short>
  <service name="ssh"/>
  <service name="dhcpv6-client"/>
  <service name="http"/>
  <forward/>
</zone>
`
