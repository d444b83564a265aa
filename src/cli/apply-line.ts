/** The command that applies what a diagnosis recommends, as whoever asked for the diagnosis would type it. */
import { quote } from '../lang/sh.ts'
import type { CommandFor } from '../view/diagnosis.ts'
import type { SharedOptions } from './options.ts'
import { find } from './task.ts'

/** More names than these are no command that anybody reads. */
const MOST_NAMES = 8

/**
 * The same inventory and the same way in, the hosts at hand, and the options that it came to; what is as it is anyway is
 * left out. `targeted`: so many were asked, by what `options` say.
 */
export function applyLine(options: SharedOptions, targeted: number): CommandFor {
  return (hosts, { recommendation: { steps } }) => {
    const sets = steps.flatMap(({ strategy, options: chosen }) => {
      const usual = Object(find(strategy).options.parse({}))
      return Object.entries(chosen).flatMap(([key, value]) => {
        if (JSON.stringify(usual[key]) === JSON.stringify(value)) return []
        const text = Array.isArray(value) ? value.join(',') : String(value)
        return ['--set', `${steps.length > 1 ? `${strategy}.` : ''}${key}=${text}`]
      })
    })
    const names = steps.map(({ strategy }) => strategy).join(',')
    const isAll = hosts.length === targeted && hosts.length > MOST_NAMES
    const limit = isAll ? options.limit : hosts.join(',')
    const what = [...(limit === undefined ? [] : ['--limit', limit]), '--strategy', names, ...sets]
    return ['ctfix', 'apply', ...wayIn(options), ...what].map(word).join(' ')
  }
}

/** Without these the hosts would not be found, not let us in, or not let us change anything. */
function wayIn(options: SharedOptions): string[] {
  const said = (flag: string, value: string | undefined): string[] => (value === undefined ? [] : [flag, value])
  const each = (flag: string, values: readonly string[] = []): string[] => values.flatMap(value => [flag, value])
  const when = (flag: string, on: boolean | undefined): string[] => (on ? [flag] : [])
  return [
    ...each('-i', options.inventory),
    ...said('--playbook-dir', options.playbookDir),
    ...each('-e', options.extraVars),
    ...each('--vault-id', options.vaultId),
    ...each('--vault-password-file', options.vaultPasswordFile),
    ...when('--ask-vault-pass', options.askVaultPass),
    ...said('-u', options.user),
    ...when('-k', options.askPass),
    ...said('--private-key', options.privateKey),
    ...when('-b', options.become),
    ...said('--become-method', options.becomeMethod === 'sudo' ? undefined : options.becomeMethod),
    ...when('-K', options.askBecomePass),
    ...said('--become-password-file', options.becomePasswordFile),
    ...each('--known-hosts', options.knownHosts),
    ...said('--host-key', options.hostKey),
    ...said('-J', options.jump),
    ...said('-F', options.sshConfig),
    ...said('--transport', options.transport),
  ]
}

/** As a person would write it: `max=65536` needs no quotes. */
const word = (text: string): string => (/^[\w@%+:,./=-]+$/.test(text) ? text : quote(text))
