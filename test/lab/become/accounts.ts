import { expect } from 'vitest'
import { CommandError } from '../../../src/errors.ts'
import { type Become, type Host, Secret } from '../../../src/inventory/host.ts'
import { createConnect } from '../../../src/transport/connect.ts'
import type { Connection } from '../../../src/transport/connection.ts'
import { fromLab, never, writeKnownHosts } from '../../unit/transport/hosts.ts'
import { hostOf } from '../contract.ts'
import type { Lab } from '../lab.ts'
import { startNamespaceHosts } from '../namespace.ts'

/** Everything that a shell, a terminal or a prompt might take for something else. */
export const PASSWORD = `kanarien "dq" 'sq' $HOME \\back\\\\ \`id\` %s !! ünï☃`
export const ROOT_PASSWORD = `${PASSWORD} of root`

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

/**
 * `ops` needs a password everywhere, `free` nowhere, the sudo of `old` and `oldfree` wants a terminal, `plain` has no rights;
 * `shut` and `mute` have no shell. Their logins are noisy, as real ones are.
 */
export const ACCOUNTS = `
set -e
echo "127.0.0.1 localhost $(hostname)" >/etc/hosts
for user in ops free old oldfree plain; do
  mkdir -p /run/homes/$user
  useradd --no-create-home --home-dir /run/homes/$user --shell /bin/bash $user
  printf '%s:%s\\n' $user ${quoted(PASSWORD)} | chpasswd
  echo 'echo "Willkommen! Password: none"; printf "no end of line" >&2' >/run/homes/$user/.bashrc
  chown -R $user /run/homes/$user
done
# Nobody gets a command run there, whatever sudo would allow.
useradd --no-create-home --shell /usr/sbin/nologin shut
useradd --no-create-home --home-dir / --shell /bin/false mute
printf '%s\\n' shut:unused mute:unused | chpasswd
# The su of busybox knows the older hashes only.
printf 'root:%s\\n' ${quoted(ROOT_PASSWORD)} | chpasswd -c SHA512
cat >/etc/sudoers <<'END'
Defaults env_reset, lecture = always, insults
Defaults:old,oldfree requiretty
root ALL=(ALL:ALL) ALL
ops ALL=(ALL:ALL) ALL
old ALL=(ALL:ALL) ALL
free,oldfree ALL=(ALL:ALL) NOPASSWD: ALL
END
printf 'permit ops as root\\npermit nopass free as root\\n' >/etc/doas.conf
chmod 0400 /etc/doas.conf
# One that asks on stdout, and one that wants a terminal.
mkdir /run/other
cp "$(command -v busybox)" /run/other/su
chmod 4755 /run/other/su
printf '#!/bin/sh\\n[ -t 0 ] || { echo "standard in must be a tty" >&2; exit 1; }\\nexec su "$@"\\n' >/run/other/old-su
chmod 755 /run/other /run/other/old-su
# Each password that PAM is given leaves a line; a prompt that nobody answered leaves none.
cat >/run/lab/count <<'END'
#!/bin/sh
[ "$(wc -c)" -lt 2 ] || echo given >>/run/attempts
END
chmod 0755 /run/lab/count
for tool in sudo su doas; do
  sed -i '0,/^@include common-auth/s||auth optional pam_exec.so quiet expose_authtok /run/lab/count\\n&|' /etc/pam.d/$tool
done
`

/** The lab host as one of the accounts. */
export function account(lab: Lab, name: string, user: string, become: Partial<Become> | null): Host {
  const filled = become && { method: 'sudo' as const, user: 'root', exe: null, password: null, ...become }
  return fromLab(hostOf(lab, name), { user, become: filled })
}

export const secret = new Secret(PASSWORD)
export const rootSecret = new Secret(ROOT_PASSWORD)

/** Namespace hosts with these accounts. */
export async function startAccounts(count: number): Promise<Lab> {
  const lab = await startNamespaceHosts(count)
  for (const { name } of lab.hosts()) {
    const { exitCode, stderr } = await lab.inspect(name, ACCOUNTS)
    if (exitCode !== 0) throw new Error(stderr)
  }
  return lab
}

/** Opens connections as one run does: what is learnt of a password counts for all of them. */
export function opener(lab: Lab, directory: string): (host: Host) => Promise<Connection> {
  const file = writeKnownHosts(directory, lab.hosts())
  const connect = createConnect({ knownHostsFiles: [file], hostKeyPolicy: 'strict', agentSocket: null })
  return host => connect(host, never)
}

/** The error of a first command. */
export async function refusal(open: (host: Host) => Promise<Connection>, host: Host): Promise<CommandError> {
  await using connection = await open(host)
  const error = await connection
    .exec('/bin/sh -s', { stdin: 'echo begun >/run/begun' })
    .catch((thrown: unknown) => thrown)
  if (!(error instanceof CommandError)) throw error
  expect(`${error.message} ${error.hint} ${error.stdout} ${error.stderr}`).not.toContain(PASSWORD)
  expect(error.begun).toBe(false)
  return error
}
