/** YAML as Ansible reads it: 1.1 in PyYAML's reading of it, with Ansible's own tags. */
import type { ScalarTag, Tags } from 'yaml'
import type { Yaml } from '../lang/decode.ts'
import type { Revive } from './json-text.ts'
import { type Vault, Vaulted } from './vault.ts'
import { parseJson, parseYaml } from './yaml-text.ts'

/**
 * Where PyYAML is narrower than YAML 1.1: `y` and `n` are text (a host may be called so), `1e3` is text without a dot,
 * and `08:30` or a MAC address is no number in base 60.
 */
const NARROWED: ReadonlyMap<string, RegExp> = new Map([
  ['tag:yaml.org,2002:bool true', /^(?:yes|Yes|YES|true|True|TRUE|on|On|ON)$/],
  ['tag:yaml.org,2002:bool false', /^(?:no|No|NO|false|False|FALSE|off|Off|OFF)$/],
  ['tag:yaml.org,2002:float EXP', /^[-+]?[0-9][0-9_]*\.[0-9_]*[eE][-+][0-9]+$/],
  ['tag:yaml.org,2002:int TIME', /^[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+$/],
])

type OpenLater = (text: string) => Vaulted

const openedBy =
  (vault: Vault): OpenLater =>
  text =>
    new Vaulted(place => vault.open(text, place))

function tagsFor(vaulted: OpenLater): readonly ScalarTag[] {
  return [
    { tag: '!vault', resolve: vaulted },
    { tag: '!vault-encrypted', resolve: vaulted },
    // `!unsafe` only says that Jinja leaves the text alone, as ctfix always does.
    { tag: '!unsafe', resolve: text => text },
  ]
}

/** The same in JSON, where Ansible writes them as mappings of one key. */
const revived =
  (vaulted: OpenLater): Revive =>
  (key, text) =>
    key === '__ansible_vault' ? vaulted(text) : key === '__ansible_unsafe' ? text : undefined

function narrow(tags: Tags): Tags {
  return tags.map((tag): Tags[number] => {
    if (typeof tag === 'string' || tag.collection !== undefined) return tag
    const form = tag.identify?.(true) ? 'true' : tag.identify?.(false) ? 'false' : (tag.format ?? '')
    const test = NARROWED.get(`${tag.tag} ${form}`)
    return test ? { ...tag, test } : tag
  })
}

/** One document of an Ansible file. Throws ConfigError. */
export function parseAnsibleYaml(text: string, file: string, vault: Vault, { plainFirst = true } = {}): Yaml {
  const vaulted = openedBy(vault)
  return parseYaml(text, file, {
    version: '1.1',
    customTags: tags => [...narrow(tags), ...tagsFor(vaulted)],
    plainFirst,
    revive: revived(vaulted),
  })
}

/** The same where only JSON will do: what programs print, and what `ansible-inventory` exports. */
export function parseAnsibleJson(text: string, file: string, vault: Vault): Yaml {
  return parseJson(text, file, revived(openedBy(vault)))
}
