#!/bin/sh
# Hook of mmdebstrap: $1 is the new root. Makes an ordinary Debian server of it, sshd in the foreground as PID 1.
set -e
root=$1
here=${0%/*}

chroot "$root" useradd --create-home --shell /bin/bash ops
# No password at all is not the same as a locked account: without PAM sshd turns locked ones away.
chroot "$root" usermod --password '*' ops
chroot "$root" usermod --password '*' root
echo 'ops ALL=(ALL) NOPASSWD: ALL' >"$root/etc/sudoers.d/ops"
chmod 0440 "$root/etc/sudoers.d/ops"

# Keys come in at the start of a container; one made here would be in every container of the image.
rm -f "$root"/etc/ssh/ssh_host_* "$root/etc/ssh/sshd_config.d/"*
cat >"$root/etc/ssh/sshd_config" <<'END'
Include /lab/sshd_config.d/*.conf
HostKey /lab/host_key
AuthorizedKeysFile /lab/authorized_keys
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
UseDNS no
PrintMotd no
MaxStartups 200:30:400
MaxSessions 50
Subsystem sftp internal-sftp
END

mkdir -p "$root/lab/sshd_config.d"
cp "$here/start-sshd.sh" "$root/lab/start"
chmod 0755 "$root/lab" "$root/lab/start"
# The mirror of the machine that built the image is nobody's business in a test's output.
rm -rf "$root/etc/apt/sources.list" "$root/var/lib/apt/lists"/* "$root/var/cache/apt"/*.bin
