#!/bin/sh
# Hook of mmdebstrap: $1 is the new root. Makes it look like CentOS 5 to a tool that reads it.
set -e
root=$1
here=${0%/*}
sh "$here/debian.sh" "$root"

# What a CentOS 5 does not have: no systemd, no drop-in directories of sysctl, no newer coreutils and util-linux.
rm -rf "$root/etc/sysctl.d" "$root/usr/lib/sysctl.d" "$root/etc/modules-load.d" "$root/usr/lib/modules-load.d" \
  "$root/etc/os-release" "$root/usr/lib/os-release" "$root/etc/debian_version" "$root/etc/issue"* \
  "$root/etc/dpkg" "$root/etc/init.d" "$root"/etc/rc*.d "$root/etc/systemd" "$root/usr/lib/systemd" \
  "$root/etc/modprobe.d" "$root/usr/lib/modprobe.d" "$root/etc/modules" "$root/usr/share/doc" "$root/usr/share/man" \
  "$root/etc/ufw" "$root/etc/runit" "$root/etc/sv" "$root/etc/debconf.conf" "$root/etc/adduser.conf" \
  "$root/etc/deluser.conf" "$root/etc/ucf.conf" "$root/etc/e2scrub.conf" "$root/etc/update-motd.d" "$root/etc/timezone"
for tool in apt apt-get apt-cache apt-config apt-mark apt-key dpkg dpkg-query dpkg-deb timeout base64 nproc realpath \
  truncate stdbuf numfmt shuf base32 basenc findmnt lsblk lsns nsenter unshare prlimit setpriv choom uclampset lscpu \
  systemctl journalctl udevadm nft conntrack iptables-nft iptables-legacy update-alternatives deb-systemd-invoke; do
  rm -f "$root/usr/bin/$tool" "$root/usr/sbin/$tool"
done

# bash is /bin/sh there; under that name it keeps to POSIX as bash 3 did.
ln -sf bash "$root/usr/bin/sh"

# Stubs take the very paths of the tools, so that an absolute path does not get round them.
mkdir -p "$root/lab/real"
mv "$root/usr/sbin/sysctl" "$root/lab/real/"
for name in uname sysctl iptables dmesg modprobe; do
  rm -f "$root/usr/bin/$name" "$root/usr/sbin/$name"
  cp "$here/el5/$name" "$root/usr/sbin/$name"
  chmod 0755 "$root/usr/sbin/$name"
done
mv "$root/usr/sbin/uname" "$root/usr/sbin/dmesg" "$root/usr/bin/"
for name in iptables-save iptables-restore ip6tables ip6tables-save ip6tables-restore; do
  ln -sf iptables "$root/usr/sbin/$name"
done
for name in rmmod insmod lsmod modinfo depmod; do
  rm -f "$root/usr/bin/$name" "$root/usr/sbin/$name"
  ln -sf modprobe "$root/usr/sbin/$name"
done
cp "$here/el5/before" "$root/lab/before"
cp "$here/el5/kernel" "$root/lab/kernel"
chmod 0755 "$root/lab/before"

# A link to /run/lock in Debian; followed from out here it would lead into the machine that builds.
rm -rf "$root/var/lock"
mkdir -p "$root/etc/rc.d/init.d" "$root/etc/sysconfig/modules" "$root/etc/modprobe.d" "$root/.proc" "$root/var/lock/subsys"
ln -s rc.d/init.d "$root/etc/init.d"
cp "$here/el5/init-iptables" "$root/etc/rc.d/init.d/iptables"
printf '#!/bin/sh\n[ -x "/etc/init.d/$1" ] || { echo "$1: unrecognized service" >&2; exit 1; }\nexec "/etc/init.d/$1" "$2"\n' \
  >"$root/usr/sbin/service"
printf '#!/bin/sh\n[ "$1" = --list ] || exit 0\nprintf "%%s\\t0:off\\t1:off\\t2:on\\t3:on\\t4:on\\t5:on\\t6:off\\n" "${2:-iptables}"\n' \
  >"$root/usr/sbin/chkconfig"
chmod 0755 "$root/etc/rc.d/init.d/iptables" "$root/usr/sbin/service" "$root/usr/sbin/chkconfig"
cp -R "$here/el5/etc/." "$root/etc/"
chmod 0600 "$root/etc/sysconfig/iptables" "$root/etc/sysconfig/iptables-config"

modules=$root/lib/modules/2.6.18-419.el5
mkdir -p "$modules/kernel/net/ipv4/netfilter" "$root/boot"
: >"$modules/kernel/net/ipv4/netfilter/ip_conntrack.ko"
printf '%s\n' CONFIG_HZ=1000 CONFIG_IP_NF_CONNTRACK=m CONFIG_NETFILTER_XT_TARGET_NOTRACK=m '# CONFIG_NF_CONNTRACK is not set' \
  >"$root/boot/config-2.6.18-419.el5"
