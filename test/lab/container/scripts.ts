/** The sh scripts and configuration that the labs bring into their hosts. */

/** Session processes are the listener's offspring; the listener itself is PID 1 and stays. */
export const severScript = `
for d in /proc/[0-9]*; do
  p=\${d#/proc/}
  [ "$p" = 1 ] && continue
  read -r c <"$d/comm" || continue
  case $c in sshd*|dropbear) kill -9 "$p";; esac
done 2>/dev/null
:
`

export type DirectoryFault = 'read-only' | 'full'

export const faultScripts: Readonly<Record<DirectoryFault, string>> = {
  'read-only': 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1"',
  // A copy on a tmpfs with a little room, then filled: names can still be made, as on a real full disk, bytes cannot.
  full: `
    size=$(du -sk "$1" | cut -f1)
    mkdir -p /run/lab-full && mount -t tmpfs -o mode=755,size=$((size * 2 + 64))k full /run/lab-full || exit 1
    cp -a "$1/." /run/lab-full/ && mount --bind /run/lab-full "$1" && umount /run/lab-full || exit 1
    dd if=/dev/zero of="$1/.lab-full" bs=4096 2>/dev/null
    ! (echo x >"$1/.lab-probe") 2>/dev/null || exit 1
    rm -f "$1/.lab-probe"`,
}

/**
 * rsa-sha2 user signatures are the one thing that 4.3 did not know: the sshd in use announces them whatever it is told
 * to accept, and clients do not fall back from an announced algorithm.
 */
export const oldSshConfig = `KexAlgorithms diffie-hellman-group14-sha1,diffie-hellman-group1-sha1
Ciphers aes128-ctr,aes192-ctr,aes256-ctr,aes128-cbc,3des-cbc
MACs hmac-sha1,hmac-md5
HostKeyAlgorithms ssh-rsa
PubkeyAcceptedAlgorithms ssh-rsa,rsa-sha2-256,rsa-sha2-512
`
