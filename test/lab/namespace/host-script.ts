/**
 * What runs in the namespaces of a host until its sshd takes over as PID 1.
 * Arguments: host name, address with prefix length, gateway, path of the host key, the authorized key.
 */
export const hostScript = `
set -e
# Still the machine's /proc: the pid that the machine knows this process by.
read -r outer _ </proc/self/stat
hostname "$1"
mount -t tmpfs -o mode=755 lab /run
mkdir -p /run/sshd /run/lab
cp "$4" /run/lab/host_key
chmod 600 /run/lab/host_key
echo "$5" >/run/lab/authorized_keys
for dir in etc var root; do
  mkdir -p "/run/lab/$dir/upper" "/run/lab/$dir/work"
  chmod --reference="/$dir" "/run/lab/$dir/upper"
  mount -t overlay -o "lowerdir=/$dir,upperdir=/run/lab/$dir/upper,workdir=/run/lab/$dir/work" overlay "/$dir"
done
mount -t proc proc /proc
echo "$1" >/etc/hostname
# Without PAM a locked account is turned away.
usermod --password '*' root
echo "$outer"
read -r _
ip link set lo up
ip address add "$2" dev eth0
ip link set eth0 up
ip route add default via "$3"
exec /usr/sbin/sshd -D -e -f /dev/null -o HostKey=/run/lab/host_key -o AuthorizedKeysFile=/run/lab/authorized_keys \\
  -o PermitRootLogin=prohibit-password -o PasswordAuthentication=no -o KbdInteractiveAuthentication=no -o UsePAM=no \\
  -o UseDNS=no -o PrintMotd=no -o PidFile=none -o MaxStartups=500:30:1000 -o MaxSessions=50 -o StrictModes=no \\
  -o LogLevel=ERROR \\
  -o 'Subsystem sftp internal-sftp' </dev/null >/run/lab/sshd.log 2>&1
`
