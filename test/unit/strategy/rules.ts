/** Live rules of a case, and the files that keep them: a few words here are many in the facts. */
import { readdirSync, readFileSync } from 'node:fs'
import { parse } from 'node:path'
import { z } from 'zod'
import type { Facts, FileFact, RulesetSource } from '../../../src/facts/facts.ts'
import { file } from '../../support/facts.ts'
import * as samples from '../firewall/samples.ts'

const SOURCES = {
  legacy4: { backend: 'iptables-legacy', family: 4, format: 'save' },
  legacy6: { backend: 'iptables-legacy', family: 6, format: 'save' },
  nft4: { backend: 'iptables-nft', family: 4, format: 'save' },
  nft6: { backend: 'iptables-nft', family: 6, format: 'save' },
  /** Objects of `nft -j`, or the name of a file in test/firewall. */
  nft: { backend: 'nft', family: null, format: 'json' },
  text: { backend: 'nft', family: null, format: 'text' },
} as const satisfies Readonly<Record<string, Omit<RulesetSource, 'text'>>>

/** A text, or the name of one in samples.ts. */
const text = z.string().transform(word => {
  const { DEBIAN, RHEL, UFW, CONTAINERS } = samples
  return new Map(Object.entries({ DEBIAN, RHEL, UFW, CONTAINERS })).get(word) ?? word
})

const objects = z.union([
  z.array(z.record(z.string(), z.unknown())).transform(list => JSON.stringify({ nftables: list })),
  z.string().transform(name => readFileSync(new URL(`../../firewall/${name}.json`, import.meta.url), 'utf8')),
])

export const rulesSchema = z.object({
  /** What each tool lists; a case without it has no live rules in its facts. */
  live: z
    .strictObject({ legacy4: text, legacy6: text, nft4: text, nft6: text, nft: objects, text: z.string() })
    .partial()
    .optional(),
  /** A directory in test/firewall/recorded: what the tools of a real host listed. */
  recorded: z.string().optional(),
  /** Not all could be listed. */
  partly: z.boolean().default(false),
  /** Files that are there, by path. */
  have: z.record(z.string(), text).default({}),
})

export function factsWithRules(given: z.output<typeof rulesSchema>, platform: Partial<Facts>): Partial<Facts> {
  const have: FileFact[] = Object.entries(given.have).map(([path, content]) => file(path, content))
  const files = have.length > 0 ? { files: [...(platform.files ?? []), ...have] } : {}
  const live = given.live ?? (given.recorded === undefined ? null : recorded(given.recorded))
  if (!live) return files
  const sources = Object.entries(SOURCES).flatMap(([name, source]): RulesetSource[] => {
    const listed = Object.entries(live).find(([key]) => key === name)?.[1]
    return listed === undefined ? [] : [{ ...source, text: listed }]
  })
  return { ...files, ruleset: { sources, complete: !given.partly } }
}

/** `iptables-save -c` of each family and backend, and `nft -j list ruleset`, as far as a host had such rules. */
function recorded(name: string): Readonly<Record<string, string>> {
  const directory = new URL(`../../firewall/recorded/${name}/`, import.meta.url)
  return Object.fromEntries(
    readdirSync(directory).map(listing => [parse(listing).name, readFileSync(new URL(listing, directory), 'utf8')]),
  )
}
