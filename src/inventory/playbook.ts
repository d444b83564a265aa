/** Playbooks: which hosts, and what of each. Shaped as Ansible's, and as strict with its keys. */
import { z } from 'zod'
import { ConfigError } from '../errors.ts'
import { decode, decodeValue, describe, type Where, type Yaml } from '../lang/decode.ts'
import { parseAnsibleYaml } from './ansible-yaml.ts'
import { placesIn, refuseUnreadable } from './known-variable.ts'
import { strategyNames } from './variables.ts'
import { readText } from './yaml-text.ts'

export interface Play {
  readonly name: string | null
  /** A pattern. */
  readonly hosts: string
  /** null = as the command line says. */
  readonly become: boolean | null
  readonly strategy: readonly string[]
  /** As written: whose they are is known to whoever knows the strategies. */
  readonly options: Readonly<Record<string, unknown>>
  /** The place of a value of the play, by its path. */
  readonly placeOf: Where['placeOf']
}

/** Keys of Ansible's plays that run things. */
const RUNNERS = ['tasks', 'pre_tasks', 'post_tasks', 'handlers', 'roles']
/** Keys that a later version will have. Left out in silence they would let a change run wider than its author meant. */
const LATER = ['serial', 'max_fail_percentage', 'max_unreachable', 'revert_in', 'canary']

const pattern = z
  .union([z.string(), z.array(z.string())], 'expected a host pattern, or a list of them')
  .transform(hosts => (typeof hosts === 'string' ? hosts : hosts.join(',')))

const list = z.array(z.unknown(), 'expected a list of plays').min(1, 'expected at least one play')
const schema = z.strictObject({
  name: z.string().nullish(),
  hosts: pattern,
  become: z.boolean().nullish(),
  strategy: strategyNames,
  options: z.record(z.string(), z.unknown()).nullish(),
})

/** Reads the plays of a playbook, in order. Throws ConfigError at the place of what is wrong; no host is touched. */
export function readPlaybook(file: string): readonly Play[] {
  const document = parseAnsibleYaml(readText(file), file)
  const plays = decodeValue(list, document.value, { label: '', placeOf: placesIn(document) })
  return plays.map((_, i) => readPlay(document.at([i])))
}

function readPlay(node: Yaml): Play {
  for (const entry of node.entries()) refuseForeign(entry)
  const { name, become, options, ...play } = decode(schema, node)
  for (const entry of node.entries()) refuseUnreadable(entry.node.value, entry.name, entry.node.place)
  return { ...play, name: name ?? null, become: become ?? null, options: options ?? {}, placeOf: placesIn(node) }
}

function refuseForeign({ name, node }: ReturnType<Yaml['entries']>[number]): void {
  const place = node.keyPlace
  if (RUNNERS.includes(name)) {
    throw new ConfigError(`expected a strategy, got ${describe(name)}: ctfix is no general runner`, { place })
  }
  if (LATER.includes(name)) {
    const message = `not supported yet: ${name}; leave it out only where one run may change every host of the play`
    throw new ConfigError(message, { place })
  }
}
