/**
 * Debian packages that the labs and checks use, and the command each brings: where there is no apt, the command is
 * what is looked for and what is named when it is missing.
 */
export const PACKAGES = {
  /** Lint of the .sh files, the shells they are tested under, and the tools they call. */
  check: {
    shellcheck: 'shellcheck',
    shfmt: 'shfmt',
    dash: 'dash',
    bash: 'bash',
    'busybox-static': 'busybox',
    mksh: 'mksh',
    'openssh-client': 'ssh-keygen',
    // Rules by the real tools, in a network of its own.
    iptables: 'iptables-legacy',
    nftables: 'nft',
    conntrack: 'conntrack',
    iproute2: 'ip',
    'util-linux': 'unshare',
    // Makes a terminal.
    bsdutils: 'script',
    // Reads the manual page.
    'groff-base': 'groff',
  },
  /** Real kernels in QEMU. */
  vm: {
    'qemu-system-x86': 'qemu-system-x86_64',
    'qemu-utils': 'qemu-img',
    mmdebstrap: 'mmdebstrap',
    e2fsprogs: 'mke2fs',
    'xz-utils': 'xz',
  },
  /** Containers, simulated sandboxes and namespace hosts. */
  hosts: {
    'docker.io': 'dockerd',
    mmdebstrap: 'mmdebstrap',
    'busybox-static': 'busybox',
    dash: 'dash',
    'openssh-server': 'sshd',
    'openssh-client': 'ssh',
    iproute2: 'ip',
    'util-linux': 'unshare',
    sudo: 'sudo',
    opendoas: 'doas',
    // Asked what the tab key offers.
    zsh: 'zsh',
    fish: 'fish',
    // What the records of test/inventory/corpus are compared with.
    'ansible-core': 'ansible-inventory',
    // What the bench runs beside; mitogen is no command, but a directory of Python.
    'ansible-mitogen': '../lib/python3/dist-packages/ansible_mitogen',
    clustershell: 'clush',
  },
}
