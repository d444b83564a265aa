/** Playbooks: which hosts, and what of each. Shaped as Ansible's, and as strict with its keys. */
import { z } from 'zod'
import { ConfigError } from '../errors.ts'
import type { Amount } from '../lang/amount.ts'
import { decode, decodeValue, describe, type Where, type Yaml } from '../lang/decode.ts'
import { parseAnsibleYaml } from './ansible-yaml.ts'
import { placesIn, refuseUnreadable } from './known-variable.ts'
import { playSchema } from './play-schema.ts'
import { NO_VAULT } from './vault.ts'
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
  /** Sizes of the batches, the last one again and again; null = all at once. */
  readonly serial: readonly Amount[] | null
  /** A pattern. */
  readonly canary: string | null
  readonly maxFailed: Amount | null
  readonly maxUnreachable: Amount | null
  /** Seconds. */
  readonly revertIn: number | null
  /** Seconds. */
  readonly bake: number | null
  readonly gate: string | null
  readonly order: 'inventory' | 'pressure' | null
  /** The place of a value of the play, by its path. */
  readonly placeOf: Where['placeOf']
}

/** Keys of Ansible's plays that run things. */
const RUNNERS = ['tasks', 'pre_tasks', 'post_tasks', 'handlers', 'roles']
const list = z.array(z.unknown(), 'expected a list of plays').min(1, 'expected at least one play')

/** Reads the plays of a playbook, in order. Throws ConfigError at the place of what is wrong; no host is touched. */
export function readPlaybook(file: string): readonly Play[] {
  const document = parseAnsibleYaml(readText(file), file, NO_VAULT)
  if (document.entries().some(({ name, node }) => name === 'ctfix' && node.value === 'plan')) {
    throw new ConfigError('expected a playbook, got a saved plan', {
      place: { file },
      hint: `ctfix apply --plan ${file}`,
    })
  }
  const plays = decodeValue(list, document.value, { label: '', placeOf: placesIn(document) })
  return plays.map((_, i) => readPlay(document.at([i])))
}

function readPlay(node: Yaml): Play {
  for (const { name, node: at } of node.entries()) {
    if (RUNNERS.includes(name)) {
      const message = `expected a strategy, got ${describe(name)}: ctfix is no general runner`
      throw new ConfigError(message, { place: at.keyPlace })
    }
  }
  const play = decode(playSchema, node)
  for (const entry of node.entries()) refuseUnreadable(entry.node.value, entry.name, entry.node.place)
  const { hosts, strategy, options, max_failed: failed = null, max_fail_percentage: percentage = null } = play
  if (failed !== null && percentage !== null) {
    const place = node.entries().find(({ name }) => name === 'max_fail_percentage')?.node.keyPlace
    throw new ConfigError('expected max_failed or max_fail_percentage, got both', place ? { place } : {})
  }
  return {
    name: play.name ?? null,
    hosts,
    become: play.become ?? null,
    strategy,
    options: options ?? {},
    serial: play.serial ?? null,
    canary: play.canary ?? null,
    maxFailed: failed ?? percentage,
    maxUnreachable: play.max_unreachable ?? null,
    revertIn: play.revert_in ?? null,
    bake: play.bake ?? null,
    gate: play.gate ?? null,
    order: play.order ?? null,
    placeOf: placesIn(node),
  }
}
