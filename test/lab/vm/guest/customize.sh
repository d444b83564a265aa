#!/bin/sh
# Makes a lab guest of a fresh Debian root ($1). LAB_GUEST: the files beside this one. LAB_KEYS: where our key pair lies.
set -eu
umask 022
root=$1
lib=$root/usr/local/lib/lab

echo lab >"$root/etc/hostname"
printf '127.0.0.1 localhost lab\n::1 localhost\n' >"$root/etc/hosts"
echo '/dev/vda / ext4 errors=remount-ro 0 0' >"$root/etc/fstab"

mkdir -p "$lib" "$root/srv/www"
install -m 755 "$LAB_GUEST/door.pl" "$lib/door.pl"
for unit in door net web; do
  install -m 644 "$LAB_GUEST/$unit.service" "$root/etc/systemd/system/lab-$unit.service"
  chroot "$root" systemctl --quiet enable "lab-$unit.service"
done
if [ -e "$root/usr/sbin/netfilter-persistent" ]; then
  mkdir -p "$root/etc/iptables"
  install -m 640 "$LAB_GUEST/rules" "$root/etc/iptables/rules.v4"
  install -m 640 "$LAB_GUEST/rules" "$root/etc/iptables/rules.v6"
else
  # Who of them has the rules is for a test to say.
  chroot "$root" systemctl --quiet disable ufw.service firewalld.service
fi

echo ok >"$root/srv/www/index.html"
# Bigger than a few segments: only such a page shows a path-MTU black hole.
head -c 200000 /dev/zero | tr '\0' x >"$root/srv/www/big"

chroot "$root" useradd --create-home --shell /bin/bash ops
echo 'ops ALL=(ALL) NOPASSWD: ALL' >"$root/etc/sudoers.d/ops"
chmod 440 "$root/etc/sudoers.d/ops"

rm -f "$root"/etc/ssh/ssh_host_*
chroot "$root" ssh-keygen -q -t ed25519 -N '' -C lab -f /etc/ssh/ssh_host_ed25519_key
cp "$root/etc/ssh/ssh_host_ed25519_key.pub" "$LAB_KEYS/host.pub"
install -m 644 "$LAB_GUEST/sshd.conf" "$root/etc/ssh/sshd_config.d/lab.conf"
chroot "$root" ssh-keygen -q -t ed25519 -N '' -C lab -f /tmp/id_ed25519
install -m 600 "$root/tmp/id_ed25519" "$LAB_KEYS/id_ed25519"
for home in root home/ops; do
  install -d -m 700 "$root/$home/.ssh"
  install -m 600 "$root/tmp/id_ed25519.pub" "$root/$home/.ssh/authorized_keys"
done
chroot "$root" chown -R ops:ops /home/ops
rm -f "$root"/tmp/id_ed25519*

# Each login would ask for a message of the day, in a dozen processes.
sed -i /pam_motd/d "$root/etc/pam.d/sshd"
mkdir -p "$root/etc/systemd/journald.conf.d"
printf '[Journal]\nAudit=no\n' >"$root/etc/systemd/journald.conf.d/lab.conf"

# Slow on an emulated processor and of no use here. Without the udev trigger no tty device unit appears, which
# a getty would wait for. The mounts are of file systems that nothing here looks into.
for unit in getty.target serial-getty@ttyS0.service systemd-udev-trigger.service systemd-udev-settle.service \
  dev-hugepages.mount dev-mqueue.mount sys-kernel-config.mount sys-kernel-debug.mount sys-kernel-tracing.mount \
  modprobe@.service user@.service user-runtime-dir@.service systemd-update-utmp.service \
  systemd-update-utmp-runlevel.service systemd-sysusers.service systemd-pstore.service \
  systemd-networkd.service systemd-resolved.service systemd-timesyncd.service \
  apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_reap.service e2scrub_all.timer fstrim.timer; do
  ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
ln -sf /lib/systemd/system/multi-user.target "$root/etc/systemd/system/default.target"
echo 0123456789abcdef0123456789abcdef >"$root/etc/machine-id"
