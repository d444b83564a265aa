#!/bin/sh
# Hook of mmdebstrap: $1 is a root with nothing but the unpacked busybox-static, dropbear-bin and the C library.
# Nothing of it is configured, and nothing of it runs here but the static busybox.
set -e
root=$1

rm -rf "$root/usr/share/doc" "$root/usr/share/man" "$root/usr/share/locale" "$root/usr/share/lintian" \
  "$root/usr/share/bash-completion" "$root/usr/lib/x86_64-linux-gnu/gconv" "$root/etc/dpkg" \
  "$root/usr/lib/apt" "$root/var/lib/apt" "$root/var/lib/dpkg" "$root/var/cache/apt"
mkdir -p "$root/bin" "$root/sbin" "$root/usr/bin" "$root/usr/sbin" "$root/root/.ssh" "$root/etc" "$root/lab" \
  "$root/proc" "$root/sys" "$root/run" "$root/tmp" "$root/var/log" "$root/var/tmp"
chmod 0700 "$root/root" "$root/root/.ssh"
chmod 1777 "$root/tmp" "$root/var/tmp"

# The static busybox needs nothing from the root to run in it.
chroot "$root" /bin/busybox --install -s

echo 'root:*:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
echo 'root:x:0:' >"$root/etc/group"
echo '/bin/sh' >"$root/etc/shells"
mkdir -p "$root/etc/sysctl.d"
: >"$root/etc/sysctl.conf"

cat >"$root/lab/start" <<'END'
#!/bin/sh
# PID 1. dropbear reads only its own key format, and only ~/.ssh/authorized_keys.
# mmdebstrap wants that directory until it is through.
rm -rf /etc/apt
cp /lab/authorized_keys /root/.ssh/authorized_keys
chmod 0600 /root/.ssh/authorized_keys
dropbearconvert openssh dropbear /lab/host_key /lab/host_key.dropbear || exit 1
exec dropbear -F -E -s -r /lab/host_key.dropbear -p 22
END
chmod 0755 "$root/lab" "$root/lab/start"
