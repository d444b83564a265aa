/** YAML as Ansible reads it: 1.1 in PyYAML's reading of it, with Ansible's own tags. */
import type { ScalarTag, Tags } from 'yaml'
import type { Yaml } from '../lang/decode.ts'
import { parseYaml } from './yaml-text.ts'

/** An `ansible-vault` value, still encrypted. */
export class Vaulted {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

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

const TAGS: readonly ScalarTag[] = [
  { tag: '!vault', resolve: text => new Vaulted(text) },
  { tag: '!vault-encrypted', resolve: text => new Vaulted(text) },
  // `!unsafe` only says that Jinja leaves the text alone, as ctfix always does.
  { tag: '!unsafe', resolve: text => text },
]

function narrow(tags: Tags): Tags {
  const narrowed = tags.map((tag): Tags[number] => {
    if (typeof tag === 'string' || tag.collection !== undefined) return tag
    const form = tag.identify?.(true) ? 'true' : tag.identify?.(false) ? 'false' : (tag.format ?? '')
    const test = NARROWED.get(`${tag.tag} ${form}`)
    return test ? { ...tag, test } : tag
  })
  return [...narrowed, ...TAGS]
}

/** One document of an Ansible file. Throws ConfigError. */
export function parseAnsibleYaml(text: string, file: string): Yaml {
  return parseYaml(text, file, { version: '1.1', customTags: narrow })
}
