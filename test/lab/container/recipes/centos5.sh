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
for name in uname sysctl iptables dmesg modprobe chkconfig; do
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
cp "$here/el5/kernel" "$here/el5/modules" "$root/lab/"
chmod 0755 "$root/lab/before"

# A link to /run/lock in Debian; followed from out here it would lead into the machine that builds.
rm -rf "$root/var/lock"
mkdir -p "$root/etc/rc.d/init.d" "$root/etc/sysconfig/modules" "$root/etc/modprobe.d" "$root/.proc" "$root/var/lock/subsys"
ln -s rc.d/init.d "$root/etc/init.d"
cp "$here/el5/init-iptables" "$root/etc/rc.d/init.d/iptables"
printf '#!/bin/sh\n[ -x "/etc/init.d/$1" ] || { echo "$1: unrecognized service" >&2; exit 1; }\nexec "/etc/init.d/$1" "$2"\n' \
  >"$root/usr/sbin/service"
chmod 0755 "$root/etc/rc.d/init.d/iptables" "$root/usr/sbin/service"
cp -R "$here/el5/etc/." "$root/etc/"
chmod 0600 "$root/etc/sysconfig/iptables" "$root/etc/sysconfig/iptables-config"

# As they are after chkconfig --add: S where the level is named in the head of the script, K elsewhere.
for level in 0 1 2 3 4 5 6; do
  mkdir -p "$root/etc/rc.d/rc$level.d"
  ln -s "rc.d/rc$level.d" "$root/etc/rc$level.d"
  case $level in [2-5]) link=S08iptables ;; *) link=K92iptables ;; esac
  ln -s ../init.d/iptables "$root/etc/rc.d/rc$level.d/$link"
done

modules=/lib/modules/2.6.18-419.el5
mkdir -p "$root/boot"
grep -v '^#' "$here/el5/modules" | while read -r name directory _; do
  mkdir -p "$root$modules/kernel/$directory"
  : >"$root$modules/kernel/$directory/$name.ko"
done
# Of that age: whole paths, the nearest first, and what those need behind them, each once.
awk -v root=$modules '!/^#/ {
    path[$1] = root "/kernel/" $2 "/" $1 ".ko"
    list = ""
    for (i = NF; i > 3; i--) list = list " " path[$i] below[$i]
    n = split(list, word, " ")
    list = ""
    for (i = n; i > 0; i--) if (index(list " ", " " word[i] " ") == 0) list = " " word[i] list
    below[$1] = list
    print path[$1] ":" list
  }' "$here/el5/modules" >"$root$modules/modules.dep"
printf '%s\n' CONFIG_HZ=1000 CONFIG_IP_NF_CONNTRACK=m CONFIG_NETFILTER_XT_TARGET_NOTRACK=m '# CONFIG_NF_CONNTRACK is not set' \
  >"$root/boot/config-2.6.18-419.el5"
