/** Where this machine gets Debian from, as its own apt says. */
import { LabUnavailable } from '../lab.ts'
import { run } from './host.ts'

/** Signatures are checked against Debian's own keys, whatever the machine trusts besides. */
export const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'

export interface Mirrors {
  readonly main: string
  readonly security: string
}

/** Settings for another apt that must get through to the same place. */
export async function proxySettings(): Promise<string[]> {
  const settings = await run(['apt-config', 'dump', '--format', '%f "%v";%n', 'Acquire'])
  return settings.split('\n').filter(line => /^Acquire::https?::Proxy\b/i.test(line))
}

const FORMAT = '$(REPO_URI)|$(LABEL)'

export async function mirrors(): Promise<Mirrors> {
  const known = (await run(['apt-get', 'indextargets', '--format', FORMAT])).split('\n').map(line => line.split('|'))
  const find = (label: string) => known.find(([, found]) => found === label)?.[0]
  const main = find('Debian')
  const security = find('Debian-Security')
  if (main === undefined || security === undefined) {
    throw new LabUnavailable('apt knows no Debian mirror with its security archive here; apt-get update may help')
  }
  return { main, security }
}
