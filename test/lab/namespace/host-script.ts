/**
 * What runs in the namespaces of a host until its sshd takes over as PID 1. Its root is the machine's under memory, so that
 * nothing of the machine is written, and without the mark of a container image that the machine may have been made from.
 * Arguments: host name, address with prefix length (empty: the network is the machine's), gateway, path of the host key,
 * the authorized key, what sshd listens to.
 */
export const hostScript = `
set -e
# Still the machine's /proc: the pid that the machine knows this process by.
read -r outer _ </proc/self/stat
hostname "$1"
mount -t tmpfs -o mode=755 lab /run
mkdir -p /run/sshd /run/lab/root /run/lab/machine
cp "$4" /run/lab/host_key
chmod 600 /run/lab/host_key
echo "$5" >/run/lab/authorized_keys
# The last two may be file systems of their own.
for dir in '' etc var; do
  layer="/run/lab/layers/\${dir:-all}"
  mkdir -p "$layer/upper" "$layer/work"
  chmod --reference="/$dir" "$layer/upper"
  mount -t overlay -o "lowerdir=/$dir,upperdir=$layer/upper,workdir=$layer/work" overlay "/run/lab/root/$dir"
done
# What the machine's own logins begin with is no business of its hosts.
mount -t tmpfs -o mode=700 lab /run/lab/root/root
rm -f /run/lab/root/.dockerenv
for dir in dev sys; do mount --rbind "/$dir" "/run/lab/root/$dir"; done
mount --bind /run /run/lab/root/run
cd /run/lab/root
pivot_root . run/lab/machine
cd /
mount -t proc proc /proc
umount -l /run/lab/machine
echo "$1" >/etc/hostname
# Without PAM a locked account is turned away.
usermod --password '*' root
echo "$outer"
read -r _
if [ -n "$2" ]; then
  ip link set lo up
  ip address add "$2" dev eth0
  ip link set eth0 up
  ip route add default via "$3"
fi
exec /usr/sbin/sshd -D -e -f /dev/null -o HostKey=/run/lab/host_key -o AuthorizedKeysFile=/run/lab/authorized_keys \\
  -o PermitRootLogin=prohibit-password -o PasswordAuthentication=no -o KbdInteractiveAuthentication=no -o UsePAM=no \\
  -o UseDNS=no -o PrintMotd=no -o PidFile=none -o MaxStartups=500:30:1000 -o MaxSessions=50 -o StrictModes=no \\
  -o LogLevel=ERROR -o "ListenAddress=$6" \\
  -o 'Subsystem sftp internal-sftp' </dev/null >/run/lab/sshd.log 2>&1
`
