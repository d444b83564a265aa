#!/bin/sh
# Hook of mmdebstrap: $1 is a root with nothing but unpacked packages. Makes it look like an Alpine: busybox, a real OpenRC,
# a real iptables of the old backend and a real nft, and the service that loads and saves its rules. The network namespace is its own, and
# so are the rules in it; the kernel is not.
set -e
root=$1
here=${0%/*}
sh "$here/busybox.sh" "$root"

rm -rf "$root"/etc/init.d/* "$root"/etc/rc?.d "$root"/etc/runlevels/*/* "$root"/usr/sbin/*tables-nft* "$root"/usr/sbin/xtables-nft* "$root/usr/sbin/insserv" \
  "$root/etc/security" "$root/etc/alternatives" "$root/etc/nftables.conf" "$root"/etc/insserv* "$root/usr/lib/systemd" "$root/lib/systemd"
for name in iptables ip6tables; do
  for verb in '' -save -restore; do ln -sf xtables-legacy-multi "$root/usr/sbin/$name$verb"; done
done
mkdir -p "$root/etc/iptables" "$root/etc/local.d" "$root/etc/conf.d" "$root/etc/modprobe.d" "$root/etc/modules-load.d" "$root/lab/www"
echo 3.18.6 >"$root/etc/alpine-release"
printf 'NAME="Alpine Linux"\nID=alpine\nVERSION_ID=3.18.6\nPRETTY_NAME="Alpine Linux v3.18"\n' >"$root/etc/os-release"
printf 'af_packet\nipv6\n' >"$root/etc/modules"
echo hello >"$root/lab/www/index.html"
cp "$here/alpine/init-iptables" "$root/etc/init.d/iptables"
printf '#!/sbin/openrc-run\nstart() {\n\tfor file in /etc/local.d/*.start; do [ ! -x "$file" ] || "$file"; done\n}\n' >"$root/etc/init.d/local"
chmod 0755 "$root/etc/init.d/iptables" "$root/etc/init.d/local"
printf 'IPTABLES_SAVE="/etc/iptables/rules-save"\nSAVE_RESTORE_OPTIONS="-c"\nSAVE_ON_STOP="yes"\n' >"$root/etc/conf.d/iptables"
cp "$here/alpine/rules-save" "$root/etc/iptables/rules-save"
chmod 0600 "$root/etc/iptables/rules-save"
ln -s /etc/init.d/iptables "$root/etc/runlevels/default/iptables"
ln -s /etc/init.d/local "$root/etc/runlevels/default/local"

mv "$root/lab/start" "$root/lab/start-ssh"
cat >"$root/lab/start" <<'END'
#!/bin/sh
# PID 1, where OpenRC would be: the marks of a container go, and the runlevel comes up.
rm -f /.dockerenv
mount -o bind /dev/null /proc/1/cgroup
# As its own boot would make them.
for name in started starting stopping inactive wasinactive failed hotplugged daemons options exclusive scheduled tmp; do
  mkdir -p "/run/openrc/$name"
done
echo default >/run/openrc/softlevel
rc-service iptables start || exit 1
httpd -p 80 -h /lab/www
exec /lab/start-ssh
END
chmod 0755 "$root/lab/start"
